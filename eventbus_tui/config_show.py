"""`config show`: every option and threshold, its value, and where it was set."""

from collections.abc import Iterator
from typing import Final

from eventbus_core.monitoring import THRESHOLDS

from .format import clean
from .options import OPTIONS
from .redact import redact
from .settings import Settings
from .settings_file import SettingsFile

_DEFAULT: Final = "default"
_NAME: Final = 24
_VALUE: Final = 24


def shown(settings: Settings, file: SettingsFile) -> str:
    """Lines of text, with a newline at the end; without passwords."""
    return "\n".join(_lines(settings, file)) + "\n"


def _lines(settings: Settings, file: SettingsFile) -> Iterator[str]:
    yield f"configuration file: {clean(file.path)}" + ("" if file.found else " (not there)")
    yield ""
    for name in OPTIONS:
        if name == "url_file":
            continue  # the URL that was in it is shown
        value = getattr(settings, name)
        yield _line(name, _text(value), settings.origins.get(name, ""))
    yield ""
    yield "thresholds"
    for info in THRESHOLDS.values():
        value = getattr(settings.thresholds, info.name)
        unit = "" if info.unit == "share" else f" {info.unit}"
        origin = settings.origins.get(f"thresholds.{info.name}", "")
        yield _line(info.name, f"{value:g}{unit}", origin)
        yield f"    {info.code or 'all findings'}: {info.means}"


def _line(name: str, value: str, origin: str) -> str:
    return f"{name:<{_NAME}} {value:<{_VALUE}} {clean(redact(origin)) or _DEFAULT}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return clean(redact(str(value))) or "(none)"
