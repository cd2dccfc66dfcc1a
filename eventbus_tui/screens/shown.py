"""What a screen shows at this moment."""

from eventbus_core.monitoring import BusView

from .monitor_screen import MonitorScreen


def shown_view(screen: MonitorScreen) -> BusView | None:
    """The view on the screen: an older one while the display is frozen."""
    update = screen.app_.shown or screen.app_.latest
    return None if update is None else update.view
