"""The kit's tests, a module for each group; `contract` puts them together."""
