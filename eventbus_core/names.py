"""The rule for names of buses, groups, instances and events."""

from .errors import InvalidMessageError, InvalidOptionError

MAX_NAME = 255
"""Most characters a name may have."""

_FORBIDDEN = frozenset("{}*")


def name_problem(name: object) -> str | None:
    """Say what is wrong with a name, or None: 1 to 255 printable characters, no spaces, {, }, *."""
    if not isinstance(name, str):
        return f"must be a str, not {type(name).__name__}"
    if not name:
        return "must not be empty"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters; at most {MAX_NAME} are allowed"
    if not name.isprintable() or " " in name:
        return "must have printable characters only, without spaces or control characters"
    if bad := sorted(_FORBIDDEN.intersection(name)):
        return f"must not contain {' '.join(bad)}"
    return None


def check_option_name(option: str, name: object) -> str:
    """Return `name`, or raise InvalidOptionError that names the option."""
    if problem := name_problem(name):
        raise InvalidOptionError(f"{option}={_shown(name)} {problem}")
    assert isinstance(name, str)
    return name


def check_event(name: object) -> str:
    """Return the event name, or raise InvalidMessageError."""
    if problem := name_problem(name):
        raise InvalidMessageError(f"event name {_shown(name)} {problem}")
    assert isinstance(name, str)
    return name


def check_target(name: object) -> str:
    """Return the target's instance id, or raise InvalidMessageError."""
    if problem := name_problem(name):
        raise InvalidMessageError(f"target {_shown(name)} {problem}")
    assert isinstance(name, str)
    return name


def _shown(name: object) -> str:
    text = repr(name)
    return text if len(text) <= 80 else text[:77] + "..."
