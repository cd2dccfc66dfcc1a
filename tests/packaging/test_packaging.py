"""The wheel and the source archive hold what they should, and the wheel works on its own."""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.conformance.tables import README, TABLES, counted, printed

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("eventbus_core", "eventbus_redis", "eventbus_tui")
PYTEST_OPTIONS = "eventbus_pytest.py"
TRANSPORTS = {"memory", "redis", "rediss", "unix", "valkey", "valkeys"}

EXAMPLE = ROOT / "examples" / "eventbus-sqlite"

PROGRAM = """
import asyncio
import sys
from importlib.metadata import version

import eventbus_core

loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"redis", "eventbus_redis"}, loaded

from eventbus_core import EventBus, Message

bus = EventBus("memory://")
done = asyncio.Event()
seen = []


@bus.on("user:created")
async def remember(message: Message) -> None:
    seen.append((message.id, message.event, message.data))
    done.set()


async def main() -> None:
    async with bus:
        message_id = await bus.emit("user:created", {"id": 1})
        await asyncio.wait_for(done.wait(), 10)
    assert seen == [(message_id, "user:created", {"id": 1})], seen


asyncio.run(main())
assert "redis" not in sys.modules

import eventbus_redis

print(version("eventbus-streams"), eventbus_core.__file__, eventbus_redis.__file__)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def _run(*command: str | Path, cwd: Path) -> str:
    # Nothing of the checkout may leak into what is tested.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment.pop("EVENTBUS_URL", None)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist_names(built: Path) -> set[str]:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
    return {name.split("/", 1)[1] for name in names}


def test_wheel_has_every_file_of_the_packages(wheel_names: set[str]) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - wheel_names == set()
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel_names
    assert any(name.startswith("eventbus_redis/lua/") for name in wheel_names)


def test_wheel_has_nothing_else(wheel_names: set[str]) -> None:
    tops = {name.split("/", 1)[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {*PACKAGES, PYTEST_OPTIONS}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names)


def test_wheel_declares_the_transports(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt")]
        declared = ConfigParser()
        declared.read_string(archive.read(name).decode())
    assert set(declared["eventbus"]) == TRANSPORTS
    assert dict(declared["pytest11"]) == {"eventbus": "eventbus_pytest"}
    assert dict(declared["console_scripts"]) == {"eventbus-tui": "eventbus_tui.__main__:main"}


def test_sdist_can_be_developed_from(sdist_names: set[str]) -> None:
    assert {
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "constraints.txt",
        "docs/index.md",
        "eventbus_core/py.typed",
        "eventbus_pytest.py",
        "eventbus_redis/py.typed",
        "examples/eventbus-sqlite/pyproject.toml",
        "mkdocs.yml",
        "pyproject.toml",
        "tests/packaging/test_packaging.py",
    } <= sdist_names
    assert any(name.startswith("examples/") for name in sdist_names)
    assert not {name for name in sdist_names if "__pycache__" in name or name.startswith(".venv")}


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, its extra `conformance`, and the example
    plug-in; nothing else was asked for."""
    folder = tmp_path_factory.mktemp("fresh")
    home = folder / "venv"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt"]
    _run(*pip, f"{wheel}[conformance]", cwd=folder)
    # As the README of the example says.
    _run(python, "-m", "pip", "install", "-q", EXAMPLE, cwd=ROOT)
    return python


def test_wheel_works_in_an_empty_environment(wheel: Path, python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")

    version, *modules = _run(python, "-W", "error", program, cwd=tmp_path).split()

    assert version == wheel.name.split("-")[1]
    home = python.parent.parent
    assert [Path(module).is_relative_to(home) for module in modules] == [True, True]


def test_without_the_extra_the_monitor_still_reports(python: Path, tmp_path: Path) -> None:
    monitor = [str(python), "-W", "error", "-m", "eventbus_tui"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*monitor, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert run("--version").returncode == 0
    assert run("--once", "--interval", "0.1", "redis://127.0.0.1:1").returncode == 3


def test_the_kit_needs_pytest_alone(python: Path) -> None:
    installed = _run(python, "-m", "pip", "list", "--format=freeze", cwd=python.parent)
    names = {line.partition("==")[0].lower() for line in installed.splitlines()}
    assert "pytest" in names
    assert not {name for name in names if name.startswith("pytest-")} | names & {"anyio"}


@pytest.mark.parametrize("url", TABLES)
def test_the_kit_runs_by_url_alone_from_an_empty_folder_and_prints_what_the_documentation_shows(
    url: str, python: Path, tmp_path: Path
) -> None:
    kit: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "-W",
        "error",
        "--pyargs",
        "eventbus_core.conformance",
    ]

    shown = _run(*kit, f"--transport-url={url}", cwd=tmp_path)

    assert re.search(r"^=+ \d+ passed", shown, re.MULTILINE)
    assert counted(printed(shown)) == counted(TABLES[url].read_text("utf-8")), (
        "run python -m tests.conformance.tables"
    )


def test_the_readme_of_the_example_shows_its_table() -> None:
    shown = TABLES["sqlite:///kit.db"].read_text("utf-8")
    assert README.read_text("utf-8").endswith(shown)


def test_the_kit_asks_for_a_url(python: Path, tmp_path: Path) -> None:
    kit = [str(python), "-m", "pytest", "--pyargs", "eventbus_core.conformance"]
    done = subprocess.run(kit, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--transport-url=URL" in done.stdout + done.stderr


def test_a_program_of_three_processes_runs_on_the_example_plug_in(
    python: Path, tmp_path: Path
) -> None:
    shown = _run(python, EXAMPLE / "three_processes.py", "sqlite:///demo.db", cwd=tmp_path)
    assert (tmp_path / "demo.db").exists()
    assert shown
