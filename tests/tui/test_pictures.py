"""The pictures in the documentation are the screens as they were found right."""

import os
from pathlib import Path

import pytest

from tests.tui.golden import FOLDER, UPDATE

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "screens" / "pictures"
SCREENS = {
    "overview": "overview-stuck",
    "streams": "streams",
    "groups": "groups",
    "instances": "instances",
    "flow": "flow",
    "failures": "failures",
    "message": "message",
}


@pytest.mark.parametrize("page", SCREENS)
def test_each_page_has_the_picture_of_its_screen(page: str) -> None:
    golden = (FOLDER / f"{SCREENS[page]}-120x36.svg").read_text("utf-8")
    picture = PICTURES / f"{page}.svg"
    if os.environ.get(UPDATE):
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(golden, "utf-8")
    assert picture.read_text("utf-8") == golden, f"set {UPDATE}=1 to copy it"
    assert f"](pictures/{page}.svg)" in (ROOT / f"docs/screens/{page}.md").read_text("utf-8")


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in PICTURES.iterdir()} == set(SCREENS)
