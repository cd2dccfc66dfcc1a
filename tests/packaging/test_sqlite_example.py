"""The worked example of "Write a transport" stays as short as it is promised to be."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "examples/eventbus-sqlite/eventbus_sqlite"
MOST_LINES = 300
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def lines_without_docstrings(source: str) -> int:
    """Everything else counts: code, SQL, comments and blank lines."""
    lines = len(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            assert docstring.end_lineno is not None
            lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_it_has_fewer_than_300_lines() -> None:
    sources = {path.name: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    counted = {name: lines_without_docstrings(source) for name, source in sources.items()}
    assert len(counted) > 1
    assert sum(counted.values()) < MOST_LINES, counted


def test_it_hides_no_code_in_other_files() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.is_file()]
    others = {
        path.name for path in files if path.suffix != ".py" and "__pycache__" not in str(path)
    }
    assert others == {"py.typed"}


def test_the_lines_are_those_of_the_formatter() -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["format", "--check"], ["check", "--select", "E501,E701,E702,E703"]):
        command = [*ruff, *check, "--isolated", "--line-length", "100", str(PACKAGE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr


def test_docstrings_are_not_counted_and_everything_else_is() -> None:
    module = ['"""One.', "", 'Two."""', "", 'SQL = """', "SELECT 1;", '"""', "", ""]
    function = ["def f():", '    "Three."', "    # Four"]
    assert lines_without_docstrings("\n".join(module + function)) == 8
