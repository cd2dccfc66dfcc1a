"""The reference, the options page and the errors page miss no name."""

import inspect
import re
from pathlib import Path

import eventbus_core

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _first_cells(page: str) -> list[str]:
    """The code in the first cell of every table row of a page."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(r"^\| `(\w+)`", text, re.MULTILINE)


def test_reference_has_every_public_name() -> None:
    text = (DOCS / "reference.md").read_text("utf-8")
    shown = re.findall(r"^::: eventbus_core\.(\w+)$", text, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == {name for name in eventbus_core.__all__ if not name.startswith("_")}


def test_options_page_has_every_option_once() -> None:
    parameters = list(inspect.signature(eventbus_core.EventBus).parameters)
    assert sorted(_first_cells("options.md")) == sorted(parameters)


def test_errors_page_has_every_error_once() -> None:
    errors = [
        name
        for name in eventbus_core.__all__
        if inspect.isclass(value := getattr(eventbus_core, name))
        and issubclass(value, eventbus_core.EventBusError)
    ]
    assert sorted(_first_cells("errors.md")) == sorted(errors)


def test_plugins_page_has_every_kind_of_incident() -> None:
    sources = Path(eventbus_core.__file__).parent.glob("*.py")
    text = "".join(source.read_text("utf-8") for source in sources)
    kinds = set(re.findall(r'(?:incident|_changed)\(\s*"([^"]+)"', text))
    assert len(kinds) > 5
    page = (DOCS / "plugins.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z `,]+`) \|", page, re.MULTILINE)
    assert kinds == {kind for row in rows for kind in re.findall("`([^`]+)`", row)} - {"kind"}
