"""Settings out of flags, the environment, the configuration file and defaults, in that order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from eventbus_core.monitoring import THRESHOLDS, InvalidOptionError, Thresholds

from .options import ENVIRONMENT, OPTIONS, number
from .redact import describe, redact
from .settings import Settings
from .settings_file import SettingsFile
from .usage import UsageError

DEMO: Final = "the demonstration"
_QUICK: Final = 0.5
"""Seconds between two looks at a demonstration: things happen fast there."""


class Said(NamedTuple):
    """One value, and where it was said."""

    place: Literal["flag", "environment", "file"]
    where: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where values come from, the strongest first."""

    flags: Mapping[str, object]
    """Those that were given, by the name of the field of Settings; ``threshold`` is a list of
    ``NAME=VALUE``."""
    environment: Mapping[str, str]
    file: SettingsFile

    def said(self, name: str) -> Iterator[Said]:
        """Everywhere that an option was said."""
        option = OPTIONS[name]
        if name in self.flags:
            yield Said("flag", f"the flag {option.flag}", self.flags[name])
        if text := self.environment.get(option.variable):
            yield Said("environment", f"${option.variable}", text)
        if name in self.file.values:
            yield Said("file", self.file.path, self.file.values[name])


def settle(sources: Sources) -> Settings:
    """Raises UsageError for what makes no sense, never with a password."""
    demo = bool(sources.flags.get("demo"))
    values: dict[str, Any] = {"interval": _QUICK} if demo else {}
    origins: dict[str, str] = {"interval": DEMO} if demo else {}
    for name in OPTIONS:
        said = next(sources.said(name), None)
        if said is not None and name not in ("url", "url_file"):
            values[name], origins[name] = _read(name, said), said.where
    for name, value in sources.flags.items():
        if name not in OPTIONS and name in Settings.__dataclass_fields__:
            values[name], origins[name] = value, f"the flag --{name.replace('_', '-')}"
    if not demo and "replay" not in values:
        values["url"], origins["url"] = _url(sources)
    thresholds = _thresholds(sources, demo, origins)
    return Settings(**values, thresholds=thresholds, origins=origins)


def _read(name: str, said: Said) -> object:
    try:
        return OPTIONS[name].read(said.value)
    except ValueError as exc:
        value = redact(repr(said.value)) if name != "url" else "(not shown)"
        raise UsageError(f"{name}={value} from {said.where} {exc}") from None


def _url(sources: Sources) -> tuple[str, str]:
    """The URL and where it was said; empty when it was not."""
    if "url" in sources.flags and "url_file" in sources.flags:
        raise UsageError("give a URL or --url-file, not both")
    order = ("flag", "environment", "file")
    found = [(order.index(said.place), said) for said in sources.said("url")]
    files = [(order.index(said.place), said) for said in sources.said("url_file")]
    if not found and not files:
        return "", ""
    rank, said = min(found + files, key=lambda pair: pair[0])
    if (rank, said) in found:
        return str(_read("url", said)), said.where
    return _first_line(str(_read("url_file", said)), said.where), said.where


def _first_line(path: str, where: str) -> str:
    try:
        content = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise UsageError(
            f"the URL file {redact(path)} from {where} cannot be read: {why}"
        ) from None
    url = content.lstrip().partition("\n")[0].strip()
    if not url:
        raise UsageError(f"the URL file {path} from {where} is empty")
    return url


def _thresholds(sources: Sources, demo: bool, origins: dict[str, str]) -> Thresholds:
    """`origins` is told of those that were said."""
    said: dict[str, tuple[object, str]] = {}
    if demo:
        from eventbus_core.demo import QUICK_THRESHOLDS

        said.update((name, (value, DEMO)) for name, value in QUICK_THRESHOLDS.items())
    said.update(
        (name, (value, sources.file.path)) for name, value in sources.file.thresholds.items()
    )
    for name in THRESHOLDS:
        variable = f"{ENVIRONMENT}THRESHOLD_{name.upper()}"
        if text := sources.environment.get(variable):
            said[name] = text, f"${variable}"
    given = sources.flags.get("threshold", ())
    assert isinstance(given, list | tuple)
    for pair in given:
        name, _, text = str(pair).partition("=")
        name = name.strip().replace("-", "_").lower()
        if name not in THRESHOLDS:
            raise UsageError(
                f"--threshold {redact(str(pair))}: there is no threshold of this name; known: "
                f"{', '.join(THRESHOLDS)}"
            )
        said[name] = text.strip(), "the flag --threshold"
    values: dict[str, Any] = {}
    for name, (value, where) in said.items():
        origins[f"thresholds.{name}"] = where
        values[name] = _threshold(name, value, where)
    return Thresholds(**values)


def _threshold(name: str, value: object, where: str) -> float:
    try:
        found = number(value)
        Thresholds(**{name: found})  # type: ignore[arg-type]  # its type is what is checked
    except (ValueError, InvalidOptionError) as exc:
        why = describe(exc) if isinstance(exc, InvalidOptionError) else f"{name} {exc}"
        raise UsageError(f"threshold from {where}: {why}") from None
    return found
