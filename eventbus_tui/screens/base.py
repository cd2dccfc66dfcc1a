"""What screens are made of."""

from .monitor_screen import Export, MonitorScreen
from .table_screen import TableScreen, TableState

__all__ = ["Export", "MonitorScreen", "TableScreen", "TableState"]
