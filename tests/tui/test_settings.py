"""Where options come from, which one wins, and what is said of wrong ones."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eventbus_core.demo import QUICK_THRESHOLDS, SCENARIOS
from eventbus_core.monitoring import THRESHOLDS, Thresholds
from eventbus_tui import options
from eventbus_tui.arguments import parse
from eventbus_tui.config_show import shown
from eventbus_tui.navigation import ROOTS
from eventbus_tui.options import OPTIONS
from eventbus_tui.settings import Settings
from eventbus_tui.settings_file import SettingsFile, default_path, read_settings_file
from eventbus_tui.settings_sources import Sources, settle
from eventbus_tui.theme import THEMES
from eventbus_tui.usage import UsageError

NO_FILE = SettingsFile(path="none.toml", found=False, values={}, thresholds={})
SECRET = "pa@ss'w/ord"
URL = f"redis://ada:{SECRET}@db.example:6379/0"

GIVEN: Mapping[str, tuple[str, object, object]] = {
    # name: as a text, in TOML, and what it means
    "url": ("redis://a", "redis://a", "redis://a"),
    "bus": ("shop", "shop", "shop"),
    "interval": ("2.5", 2.5, 2.5),
    "filter": ("lag>5", "lag>5", "lag>5"),
    "screen": ("flow", "flow", "flow"),
    "theme": ("light", "light", "light"),
    "ascii": ("yes", True, True),
    "mouse": ("off", False, False),
    "badge": ("PROD", "PROD", "PROD"),
    "badge_level": ("crit", "crit", "crit"),
    "audit_file": ("a.log", "a.log", "a.log"),
    "scenario": ("crash", "crash", "crash"),
    "seed": ("7", 7, 7),
}


def written(path: Path, text: str) -> SettingsFile:
    path.write_text(text)
    return read_settings_file(str(path), {}, THRESHOLDS)


def settled(
    flags: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    file: SettingsFile = NO_FILE,
) -> Settings:
    return settle(Sources(flags=flags or {}, environment=environment or {}, file=file))


def variable(name: str) -> str:
    return "EVENTBUS_URL" if name == "url" else f"EVENTBUS_TUI_{name.upper()}"


def test_every_option_is_tried() -> None:
    assert {*GIVEN, "url_file"} == {*OPTIONS}


@pytest.mark.parametrize("name", GIVEN)
class TestEveryOption:
    def test_by_default(self, name: str) -> None:
        settings = settled()
        assert getattr(settings, name) == getattr(Settings(), name)
        assert not settings.origins.get(name)

    def test_in_the_environment(self, name: str) -> None:
        text, _, meant = GIVEN[name]
        settings = settled(environment={variable(name): text})
        assert getattr(settings, name) == meant
        assert settings.origins[name] == f"${variable(name)}"

    def test_in_the_file(self, name: str) -> None:
        _, value, meant = GIVEN[name]
        file = SettingsFile(path="my.toml", found=True, values={name: value}, thresholds={})
        settings = settled(file=file)
        assert getattr(settings, name) == meant
        assert settings.origins[name] == "my.toml"

    def test_as_a_flag(self, name: str) -> None:
        text, _, meant = GIVEN[name]
        if name == "url":
            words, flags = parse([text])
            flags["url"] = words[0]
        elif OPTIONS[name].metavar:
            _, flags = parse([OPTIONS[name].flag, text])
        else:
            _, flags = parse([f"--{'' if meant else 'no-'}{name}"])
        settings = settled(flags)
        assert getattr(settings, name) == meant
        assert settings.origins[name].startswith("the flag")

    def test_the_environment_wins_over_the_file_and_a_flag_over_both(self, name: str) -> None:
        text, value, meant = GIVEN[name]
        default = getattr(Settings(), name)
        file = SettingsFile(path="my.toml", found=True, values={name: default}, thresholds={})
        settings = settled(environment={variable(name): text}, file=file)
        assert getattr(settings, name) == meant
        other = {"environment": {variable(name): text}, "file": file}
        assert getattr(settled({name: default}, **other), name) == default  # type: ignore[arg-type]
        assert value is not None


class TestUrl:
    def test_a_file_of_the_url(self, tmp_path: Path) -> None:
        path = tmp_path / "url"
        path.write_text(f"\n  {URL}\nsomething else\n")
        settings = settled({"url_file": str(path)})
        assert settings.url == URL
        assert settings.origins["url"] == "the flag --url-file"
        assert settled(environment={"EVENTBUS_TUI_URL_FILE": str(path)}).url == URL

    def test_a_flag_wins_whichever_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "url"
        path.write_text(URL)
        assert settled({"url_file": str(path)}, {"EVENTBUS_URL": "redis://other"}).url == URL
        assert settled({"url": URL}, {"EVENTBUS_TUI_URL_FILE": "no such file"}).url == URL

    def test_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "url").write_text(URL)
        assert settled({"url_file": "~/url"}).url == URL

    def test_both_flags(self) -> None:
        with pytest.raises(UsageError, match="not both"):
            settled({"url": "redis://a", "url_file": "b"})

    @pytest.mark.parametrize(("content", "why"), [(b"\n \n", "is empty"), (b"\xff", "not UTF-8")])
    def test_a_file_without_one(self, tmp_path: Path, content: bytes, why: str) -> None:
        path = tmp_path / "url"
        path.write_bytes(content)
        with pytest.raises(UsageError, match=why):
            settled({"url_file": str(path)})

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="No such file"):
            settled({"url_file": "nowhere/url"})

    def test_a_demonstration_and_a_recording_ask_for_none(self) -> None:
        environment = {"EVENTBUS_URL": URL, "EVENTBUS_TUI_URL_FILE": "no such file"}
        assert settled({"demo": True}, environment).url == ""
        assert settled({"replay": "tape"}, environment).url == ""

    def test_it_is_not_in_a_repr(self) -> None:
        assert SECRET not in repr(settled({"url": URL}))


class TestWrongValues:
    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("interval", "fast", "must be a number"),
            ("interval", "0", "must be between 0.1 and 3600 seconds"),
            ("interval", "nan", "must be a number"),
            ("interval", True, "must be a number"),
            ("screen", "foo", "must be one of overview, "),
            ("theme", 5, "must be a text"),
            ("ascii", "maybe", "must be true or false"),
            ("ascii", 1, "must be true or false"),
            ("seed", "1.5", "must be a whole number"),
            ("badge_level", "pink", "must be one of"),
            ("bus", 5, "must be a text"),
        ],
    )
    def test_one(self, name: str, value: object, why: str) -> None:
        file = SettingsFile(path="my.toml", found=True, values={name: value}, thresholds={})
        with pytest.raises(UsageError, match=rf"^{name}=.* from my\.toml {re.escape(why)}"):
            settled(file=file)

    def test_where_it_was_said(self) -> None:
        with pytest.raises(UsageError, match=r"from \$EVENTBUS_TUI_SEED "):
            settled(environment={"EVENTBUS_TUI_SEED": "x"})
        with pytest.raises(UsageError, match="from the flag --seed "):
            settled({"seed": "x"})

    def test_no_password_is_shown(self) -> None:
        with pytest.raises(UsageError) as caught:
            settled({"screen": URL})
        assert "ada" not in str(caught.value)
        file = SettingsFile(path="my.toml", found=True, values={"url": [URL]}, thresholds={})
        with pytest.raises(UsageError) as caught:
            settled(file=file)
        assert "ada" not in str(caught.value)


class TestThresholds:
    def test_by_default(self) -> None:
        assert settled().thresholds == Thresholds()

    def test_each_place_wins_over_the_next(self) -> None:
        file = SettingsFile(
            path="my.toml", found=True, values={}, thresholds={"stuck": 1.5, "lagging": 3}
        )
        settings = settled(file=file)
        assert (settings.thresholds.stuck, settings.thresholds.lagging) == (1.5, 3)
        assert settings.origins["thresholds.stuck"] == "my.toml"
        environment = {"EVENTBUS_TUI_THRESHOLD_STUCK": "2"}
        settings = settled(environment=environment, file=file)
        assert (settings.thresholds.stuck, settings.thresholds.lagging) == (2.0, 3)
        assert settings.origins["thresholds.stuck"] == "$EVENTBUS_TUI_THRESHOLD_STUCK"
        _, flags = parse(["--threshold", "Stuck=3", "--threshold", "slow-handler = 4"])
        settings = settled(flags, environment, file)
        assert (settings.thresholds.stuck, settings.thresholds.slow_handler) == (3.0, 4.0)
        assert settings.origins["thresholds.stuck"] == "the flag --threshold"

    @pytest.mark.parametrize(
        ("pair", "why"),
        [
            ("stuk=5", "no threshold of this name; known: stuck, "),
            ("stuck", "stuck must be a number"),
            ("stuck=x", "stuck must be a number"),
            ("stuck=-1", "stuck=-1 must be between 0 and"),
            ("lagging=1.5", "lagging=1.5 must be an int"),
            ("store_full=2", "must be between 0 and 1"),
        ],
    )
    def test_wrong_ones(self, pair: str, why: str) -> None:
        with pytest.raises(UsageError, match=re.escape(why)):
            settled({"threshold": [pair]})

    def test_a_wrong_one_in_the_file(self) -> None:
        file = SettingsFile(path="my.toml", found=True, values={}, thresholds={"stuck": "soon"})
        with pytest.raises(UsageError, match=r"threshold from my\.toml: stuck must be a number"):
            settled(file=file)


class TestDemo:
    def test_it_is_looked_at_more_often_and_earlier(self) -> None:
        settings = settled({"demo": True})
        assert settings.interval == 0.5
        assert settings.thresholds == Thresholds(**QUICK_THRESHOLDS)  # type: ignore[arg-type]
        assert settings.origins["interval"] == "the demonstration"
        assert settings.origins["thresholds.stuck"] == "the demonstration"

    def test_what_was_said_wins(self) -> None:
        settings = settled({"demo": True, "interval": "3", "threshold": ["stuck=5"]})
        assert (settings.interval, settings.thresholds.stuck) == (3.0, 5.0)


class TestFile:
    def test_all_of_it(self, tmp_path: Path) -> None:
        path = tmp_path / "tui.toml"
        file = written(path, 'bus = "shop"\nmouse = false\n[thresholds]\nstuck = 5\n')
        assert (file.path, file.found) == (str(path), True)
        settings = settled(file=file)
        assert (settings.bus, settings.mouse, settings.thresholds.stuck) == ("shop", False, 5.0)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("buss = 'x'\nzoo = 1", "what is not known: buss, zoo; known: url, .*, thresholds"),
            ("[thresholds]\nstuk = 5", r"what is not known: thresholds\.stuk; known: stuck, "),
            ("allow_actions = true", "what is not known: allow_actions"),
            ("thresholds = 5", "thresholds must be a table"),
            ("bus = 5\nbus x", r"is no TOML: .*line 2"),
        ],
    )
    def test_what_is_wrong_with_it(self, tmp_path: Path, text: str, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            written(tmp_path / "tui.toml", text)

    def test_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read: Is a directory"):
            read_settings_file(str(tmp_path), {}, THRESHOLDS)
        (tmp_path / "latin").write_bytes(b"bus = '\xe4'")
        with pytest.raises(UsageError, match="not UTF-8"):
            read_settings_file(str(tmp_path / "latin"), {}, THRESHOLDS)

    def test_the_users_own_need_not_be_there(self, tmp_path: Path) -> None:
        environment = {"XDG_CONFIG_HOME": str(tmp_path)}
        path = default_path(environment)
        assert path == tmp_path / "eventbus" / "tui.toml"
        file = read_settings_file(None, environment, THRESHOLDS)
        assert (file.path, file.found) == (str(path), False)
        assert not read_settings_file(None, {"XDG_CONFIG_HOME": __file__}, THRESHOLDS).found
        path.parent.mkdir()
        path.write_text("seed = 5")
        assert read_settings_file(None, environment, THRESHOLDS).values == {"seed": 5}

    def test_without_an_absolute_folder_it_is_in_the_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        expected = tmp_path / ".config" / "eventbus" / "tui.toml"
        assert default_path({}) == default_path({"XDG_CONFIG_HOME": "here"}) == expected

    def test_one_that_was_named_must_be_there(self, tmp_path: Path) -> None:
        named = str(tmp_path / "no.toml")
        with pytest.raises(UsageError, match="does not exist"):
            read_settings_file(named, {}, THRESHOLDS)
        with pytest.raises(UsageError, match="does not exist"):
            read_settings_file(None, {"EVENTBUS_TUI_CONFIG": named}, THRESHOLDS)


class TestConfigShow:
    def test_each_option_with_its_value_and_origin(self) -> None:
        settings = settled(
            {"url": URL, "interval": "2"}, {"EVENTBUS_TUI_BADGE": "PROD", "EVENTBUS_TUI_ASCII": "1"}
        )
        lines = shown(settings, NO_FILE).splitlines()
        assert lines[0] == "configuration file: none.toml (not there)"
        found = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines if line}
        assert found["url"] == ["redis://***@db.example:6379/0", "the flag URL"]
        assert found["interval"] == ["2", "the flag --interval"]
        assert found["badge"] == ["PROD", "$EVENTBUS_TUI_BADGE"]
        assert found["ascii"] == ["true", "$EVENTBUS_TUI_ASCII"]
        assert found["mouse"] == ["true", "default"]
        assert found["bus"] == ["(none)", "default"]
        assert {*GIVEN} <= {*found}

    def test_each_threshold_with_its_unit_and_meaning(self) -> None:
        text = shown(settled({"threshold": ["stuck=90"]}), NO_FILE)
        for info in THRESHOLDS.values():
            assert f"\n{info.name} " in text
            assert f"    {info.code or 'all findings'}: {info.means}\n" in text
        assert re.search(r"\nstuck +90 seconds +the flag --threshold\n", text)
        assert re.search(r"\nlagging +1000 messages +default\n", text)
        assert re.search(r"\nstore_full +0\.9 +default\n", text)


def test_the_names_are_those_of_the_screens_themes_and_scenarios() -> None:
    # Written twice, so that the command line can be read without loading them.
    assert options.SCREENS == ROOTS
    assert options.THEMES == THEMES
    assert OPTIONS["scenario"].means.endswith(": " + ", ".join(SCENARIOS))
