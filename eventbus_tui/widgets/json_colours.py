"""How the parts of a payload look. What they are shows in their form too."""

from typing import Final

from ..payload import Kind

JSON_CLASSES: Final[dict[Kind, str]] = {
    "key": "json--key",
    "string": "json--string",
    "number": "json--number",
    "word": "json--word",
    "mark": "json--mark",
    "dim": "json--dim",
    "bad": "json--bad",
}


def json_css(widget: str) -> str:
    """Their colours, for the DEFAULT_CSS of a widget."""
    return f"""
    {widget} > .json--key {{ color: $primary; }}
    {widget} > .json--string {{ color: $ok; }}
    {widget} > .json--number {{ color: $unicast; }}
    {widget} > .json--word {{ color: $broadcast; }}
    {widget} > .json--mark {{ color: $quiet; }}
    {widget} > .json--dim {{ color: $quiet; }}
    {widget} > .json--bad {{ color: $crit; }}
    """
