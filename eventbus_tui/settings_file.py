"""The configuration file: where it is, and what stands in it."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .options import ENVIRONMENT, OPTIONS
from .redact import redact
from .usage import UsageError

CONFIG_VARIABLE: Final = f"{ENVIRONMENT}CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """What was read."""

    path: str
    found: bool
    values: Mapping[str, object]
    thresholds: Mapping[str, object]


def read_settings_file(
    flag: str | None, environment: Mapping[str, str], thresholds: Collection[str]
) -> SettingsFile:
    """The file of ``--config``, else of $EVENTBUS_TUI_CONFIG, else the user's own one, which need
    not exist. Raises UsageError when one that was named is not there, when it is no TOML, and for
    keys that are not known. Values are checked later."""
    named = flag or environment.get(CONFIG_VARIABLE)
    path = Path(named) if named else default_path(environment)
    try:
        content = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if not named:
            return SettingsFile(path=str(path), found=False, values={}, thresholds={})
        raise UsageError(f"the configuration file {named} does not exist") from None
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise UsageError(f"the configuration file {named or path} cannot be read: {why}") from None
    return _read(str(path), content, thresholds)


def default_path(environment: Mapping[str, str]) -> Path:
    """``eventbus/tui.toml`` in the folder for the user's configuration."""
    base = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".config"
    return folder / "eventbus" / "tui.toml"


def _read(path: str, content: str, thresholds: Collection[str]) -> SettingsFile:
    import tomllib  # most have no such file: its import costs milliseconds

    try:
        values = tomllib.loads(content)
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"the configuration file {path} is no TOML: {redact(str(exc))}") from None
    limits = values.pop("thresholds", {})
    _check(path, "", values, OPTIONS)
    if not isinstance(limits, dict):
        raise UsageError(f"the configuration file {path}: thresholds must be a table")
    _check(path, "thresholds.", limits, thresholds)
    return SettingsFile(path=path, found=True, values=values, thresholds=limits)


def _check(path: str, prefix: str, given: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    names = ", ".join(redact(f"{prefix}{name}") for name in unknown)
    also = "" if prefix else ", thresholds"
    raise UsageError(
        f"the configuration file {path} has what is not known: {names}; "
        f"known: {', '.join(known)}{also}"
    )
