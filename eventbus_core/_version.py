"""The version of the distribution, in one place (SemVer; see CONTRIBUTING.md)."""

__version__ = "0.1.0"
