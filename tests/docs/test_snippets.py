"""Every snippet of the documentation runs and prints what the documentation shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = ROOT / "docs" / "snippets"
# A snippet named redis_* needs a server, or runs until it is stopped.
ON_MEMORY = sorted(path for path in SNIPPETS.glob("*.py") if not path.name.startswith("redis_"))


def _run(path: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "EVENTBUS_URL"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", str(path)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_snippets() -> None:
    assert ON_MEMORY


@pytest.mark.parametrize("path", ON_MEMORY, ids=lambda path: path.stem)
def test_snippet_prints_what_the_documentation_shows(path: Path) -> None:
    assert _run(path) == path.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(SNIPPETS.iterdir()), ids=lambda path: path.name)
def test_snippet_is_shown_somewhere(path: Path) -> None:
    if path.name == "__pycache__":
        pytest.skip("not a snippet")
    line = f'--8<-- "docs/snippets/{path.name}"'
    assert any(line in page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))


def test_readme_shows_the_first_snippet_and_its_output() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    output = re.findall(r"^```text\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert (SNIPPETS / "first_event.py").read_text("utf-8") in code
    assert (SNIPPETS / "first_event.txt").read_text("utf-8") in output
