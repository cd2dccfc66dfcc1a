"""How a reader left a table."""

from dataclasses import dataclass


@dataclass
class TableState:
    """How a reader left a table; kept while the monitor runs."""

    sort: int
    descending: bool
    filter: str = ""
    problems_only: bool = False
