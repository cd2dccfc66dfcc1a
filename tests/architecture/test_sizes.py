"""Files stay small enough to be read in one go."""

from statistics import median

from tests.architecture.git_files import ROOT, repository_files

MOST_LINES = 500
MEDIAN_BELOW = 150
PACKAGES = ("eventbus_core", "eventbus_redis", "eventbus_tui")


def test_no_file_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in repository_files(".py", ".lua")
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_package_files_are_short_as_a_rule() -> None:
    lengths = [
        len(path.read_text("utf-8").splitlines())
        for path in repository_files(".py")
        if path.relative_to(ROOT).parts[0] in PACKAGES
    ]
    assert lengths
    assert median(lengths) < MEDIAN_BELOW
