"""What screens are made of."""

from .monitor_screen import Export, MonitorScreen
from .table_screen import TableScreen
from .table_state import TableState

__all__ = ["Export", "MonitorScreen", "TableScreen", "TableState"]
