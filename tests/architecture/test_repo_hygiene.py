"""What must not be committed: paths of one machine, package hosts, unfinished work."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.git_files import ROOT, repository_files

# Every pattern is put together from pieces, so that this file does not match itself.
_FOLDERS = "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "t" + "mp", "o" + "pt"])
_HOSTS = [
    "py" + r"pi\.org",
    "python" + r"hosted\.org",
    "np" + r"mjs\.(?:org|com)",
    r"registry" + r"\.\w+\.\w+",
    "conda" + r"\.anaconda\.org",
]
FORBIDDEN = {
    "absolute machine path": re.compile(rf"(?<![\w.:/*)~-])/(?:{_FOLDERS})/|\b[A-Z]:\\\\?Users"),
    "package registry host": re.compile("|".join(_HOSTS), re.IGNORECASE),
    "unfinished work": re.compile(r"\b(?:TO" + "DO|FIX" + "ME|X" + r"XX)\b"),
}
SKIPPED_SUFFIXES = {".gif", ".ico", ".png", ".svg", ".webp", ".woff2"}


def _texts() -> Iterator[tuple[Path, str]]:
    for path in repository_files():
        if path.suffix not in SKIPPED_SUFFIXES:
            yield path.relative_to(ROOT), path.read_text("utf-8")


@pytest.mark.parametrize("kind", sorted(FORBIDDEN))
def test_no_file_contains(kind: str) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if FORBIDDEN[kind].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("absolute machine path", "see /" + "home/ada/notes.md"),
        ("absolute machine path", '"/' + 'tmp/x"'),
        ("package registry host", "https://py" + "pi.org/simple"),
        ("unfinished work", "# TO" + "DO: later"),
    ],
)
def test_the_patterns_find_what_they_are_for(kind: str, line: str) -> None:
    assert FORBIDDEN[kind].search(line)


def test_every_text_file_ends_with_one_newline() -> None:
    wrong = [
        str(path)
        for path, text in _texts()
        if text and (not text.endswith("\n") or text.endswith("\n\n"))
    ]
    assert wrong == []
