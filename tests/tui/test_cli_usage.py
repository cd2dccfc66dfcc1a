"""The command line: what it explains, what it refuses, and that it shows no password."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eventbus_tui.arguments import parse
from eventbus_tui.cli import main
from tests.tui.command import environment, run

SECRET = "s3cr@t'w/rd"
URL = f"redis://ada:{SECRET}@127.0.0.1:1/0"
PIECES = ("s3cr", "t'w", "w/rd", "'rd", "ada")


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command in this process: exit status, standard output, standard error."""

    def called(*arguments: str, **variables: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patched:
            for name in [*os.environ]:
                patched.delenv(name)
            for name, value in environment(**variables).items():
                patched.setenv(name, value)
            try:
                status = main(arguments)
            except SystemExit as exc:
                assert isinstance(exc.code, int)
                status = exc.code
        output = capsys.readouterr()
        return status, output.out, output.err

    return called


@pytest.fixture
def refused(call: Call) -> Callable[..., str]:
    """What is said when the command line makes no sense; nothing of it is on standard output."""

    def called(*arguments: str) -> str:
        status, out, err = call(*arguments)
        assert (status, out) == (64, "")
        assert err.startswith("eventbus-tui: ")
        assert err.endswith("eventbus-tui: see eventbus-tui --help\n")
        return err

    return called


def test_a_process_ends_with_the_status_for_usage() -> None:
    done = run("--bogus")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--bogus" in done.stderr
    assert run("--once").returncode == 64


def test_help_and_version() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--once", "--allow-actions", "exit status: 0 all is well", "config show"):
        assert word in done.stdout
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("eventbus-tui 0.")


def test_every_flag_of_the_help_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    flags = (
        "url-file bus once json watch interval allow-actions record replay speed demo scenario "
        "seed filter screen theme ascii no-ascii mouse no-mouse badge badge-level audit-file "
        "config threshold version help"
    )
    for flag in flags.split():
        assert f"--{flag}" in text


def test_without_a_url_it_says_where_one_may_stand(refused: Callable[..., str]) -> None:
    for arguments in ((), ("--once",), ("--watch", "1"), ("--json",)):
        text = refused(*arguments)
        for way in ("$EVENTBUS_URL", "--url-file", "--demo", "redis://"):
            assert way in text


@pytest.mark.parametrize("url", ["memory://", "memory://shop"])
@pytest.mark.parametrize("flag", ["--once", "--screen=flow"])
def test_a_memory_store_is_seen_in_its_own_process_only(
    url: str, flag: str, refused: Callable[..., str]
) -> None:
    text = refused(flag, url)
    assert "visible only inside the process" in text
    assert "open_monitor" in text
    assert "--demo" in text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--bogus",), "unrecognized arguments: --bogus"),
        (("--onc", "redis://h"), "unrecognized arguments: --onc"),
        (("redis://a", "redis://b"), "give one URL"),
        (("--interval", "soon", "redis://h"), "interval='soon' from the flag --interval must be"),
        (("--watch", "0", "redis://h"), "--watch: '0' must be between"),
        (("--watch", "x", "redis://h"), "--watch: 'x' must be a number"),
        (("--once", "--watch", "1", "redis://h"), "not both"),
        (("--demo", "redis://h"), "give no URL"),
        (("--demo", "--url-file", "f"), "give no --url-file"),
        (("--replay", "f", "redis://h"), "give no URL"),
        (("--demo", "--replay", "f"), "not both"),
        (("--replay", "f", "--record", "g"), "copy its file"),
        (("--once", "kafka://h"), "no transport for scheme 'kafka'; installed: "),
        (("--once", "localhost:6379"), "has no scheme"),
        (("--once", "redis://h:port"), "the Redis URL cannot be read"),
        (("--once", "--filter", "re:[", "redis://h"), "filter 're:[': "),
        (("--screen", "foo", "redis://h"), "must be one of overview"),
        (("--threshold", "x=1", "redis://h"), "known: stuck"),
        (("--scenario", "foo", "--demo", "--once"), "must be one of tour"),
        (("config",), "config show"),
        (("config", "set"), "config show"),
        (("--config", "nowhere.toml", "redis://h"), "does not exist"),
        (("--url-file", "nowhere"), "No such file"),
        (("--replay", "nowhere", "--once"), "cannot be opened"),
        (("--once", "--record", "no/where", "redis://h"), "cannot be made"),
        (("redis://h",), "the screens need a terminal"),
        (("--demo",), "the screens need a terminal"),
        (("--allow-actions", "--audit-file", "no/where", "redis://h"), "audit file"),
    ],
)
def test_what_makes_no_sense(
    arguments: tuple[str, ...], why: str, refused: Callable[..., str]
) -> None:
    assert why in refused(*arguments)


def test_a_transport_that_cannot_be_monitored(tmp_path: Path) -> None:
    (tmp_path / "dull_plugin.py").write_text(
        "from eventbus_core import Capabilities, hookimpl\n"
        "@hookimpl\ndef eventbus_capabilities(): return Capabilities(shared=True)\n"
    )
    about = tmp_path / "dull-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dull\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[eventbus]\ndull = dull_plugin\n")
    done = run("--once", "dull://x", variables={"PYTHONPATH": str(tmp_path)})
    text = done.stderr
    assert done.returncode == 64
    assert "'monitoring'; dull does not declare it" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--once", URL),
        ("--json", URL),
        ("config", "show", URL),
        ("--once", URL, URL),
        ("--bogus", URL),
        (f"--bogus={URL}", URL),
        ("--interval", URL),
        ("--watch", URL),
        ("--screen", URL),
        ("--threshold", URL, "redis://h"),
        ("--threshold", f"stuck={URL}", "redis://h"),
        ("--once", URL.replace("redis:", "kafka:")),
        ("--once", URL.replace("://", ":/")),
        ("--once", URL.replace("redis://", "")),
        ("--once", URL.replace("redis:", "memory:")),
        ("--once", URL.replace("redis:", "sqlite:")),
        ("--once", URL.replace(":1/0", ":port/0")),
        ("--once", f"{URL}?password={SECRET}"),
        ("--demo", URL),
        ("--replay", URL),
        ("--config", URL),
        ("--url-file", URL),
        ("--once", "--record", URL, "redis://127.0.0.1:1"),
        ("--once", "--filter", f"re:[{URL}", "redis://127.0.0.1:1"),
    ],
)
def test_no_password_is_shown(arguments: tuple[str, ...], call: Call) -> None:
    status, out, err = call(*arguments)
    assert status in (0, 3, 64)
    text = out + err
    assert text
    assert not [piece for piece in PIECES if piece in text]


@pytest.mark.parametrize("source", ["environment", "url file", "configuration file"])
def test_no_password_of_another_place_is_shown(tmp_path: Path, source: str, call: Call) -> None:
    path = tmp_path / "file"
    variables = {}
    if source == "environment":
        variables["EVENTBUS_URL"] = URL
    elif source == "url file":
        path.write_text(URL)
        variables["EVENTBUS_TUI_URL_FILE"] = str(path)
    else:
        path.write_text(f'url = "{URL}"')
        variables["EVENTBUS_TUI_CONFIG"] = str(path)
    for arguments in (("config", "show"), ("--once",), ("--json",), ("--once", "--bogus")):
        _, out, err = call(*arguments, **variables)
        text = out + err
        assert not [piece for piece in PIECES if piece in text]
        assert "127.0.0.1:1" in text or "bogus" in text


def test_no_password_is_in_a_recording(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    done = run("--once", "--record", str(tape), URL.replace("w/rd", "w%2Frd"))
    assert done.returncode == 3
    written = tape.read_text()
    assert '"lost"' in written
    assert not [piece for piece in PIECES if piece in written]


WITHOUT_TEXTUAL = """
import sys
for name in ("textual", "rich"):
    sys.modules[name] = None
from eventbus_tui.cli import main
sys.stdin = sys.stdout = type("Terminal", (), {
    "isatty": lambda self: True, "write": lambda self, text: 0, "flush": lambda self: None,
    "encoding": "utf-8"})()
raise SystemExit(main(["redis://127.0.0.1:1/0"]))
"""


def test_without_textual_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TEXTUAL],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=False,
    )
    assert done.returncode == 64
    assert 'pip install "eventbus-streams[tui]"' in done.stderr
    assert "--once" in done.stderr
    assert "Traceback" not in done.stderr
