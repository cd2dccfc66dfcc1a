"""Views as JSON that every parser takes. Pure."""

import json
import math

import msgspec


def json_text(view: object) -> str:
    """Indented. What is not finite becomes null; what is no valid text, a replacement sign."""
    return json.dumps(_plain(msgspec.to_builtins(view)), indent=2, ensure_ascii=False)


def _plain(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case dict():
            return {_plain(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value
