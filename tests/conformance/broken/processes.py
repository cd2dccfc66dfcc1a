"""Faults that the group "processes" must find."""
