"""The tables in the documentation: what the kit prints of memory and of the SQLite example.

``python -m tests.conformance.tables`` runs the kit on both and writes them, that of the example
into its README too.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

SNIPPETS = Path(__file__).parents[2] / "docs" / "snippets"
TABLES = {
    "memory://": SNIPPETS / "conformance_memory.md",
    "sqlite:///kit.db": SNIPPETS / "conformance_sqlite.md",
}

README = Path(__file__).parents[2] / "examples" / "eventbus-sqlite" / "README.md"
MARK = "<!-- conformance table -->\n"


def table(url: str) -> str:
    """What a run of the kit on `url` prints under its tests."""
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider",
                "--pyargs", "eventbus_core.conformance", f"--transport-url={url}",
            ],
            cwd=folder, capture_output=True, text=True, check=True, timeout=240,
        ).stdout  # fmt: skip
    return printed(shown)


def printed(output: str) -> str:
    """What stands under the tests: the capabilities, the table, and the reasons."""
    shown = output.splitlines()
    first = next(n for n, line in enumerate(shown) if line.startswith("Declared:"))
    last = next(n for n, line in enumerate(shown) if n > first and line.startswith("not tried:"))
    while shown[last].startswith(("not declared:", "not tried:")):
        last += 1
    return "\n".join(shown[first:last]) + "\n"


def counted(text: str) -> dict[str, list[str]]:
    """The cells of each row by its group."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


if __name__ == "__main__":
    for url, path in TABLES.items():
        path.write_text(table(url), "utf-8")
    before = README.read_text("utf-8").partition(MARK)[0]
    README.write_text(f"{before}{MARK}\n{TABLES['sqlite:///kit.db'].read_text('utf-8')}", "utf-8")
