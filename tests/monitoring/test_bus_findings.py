"""CONFIG-DRIFT, VERSION, MONITOR."""

from typing import Any

import pytest

from eventbus_core.monitoring import BusView, Severity, SharedOptions
from tests.monitoring.looks import T0, Looker, codes, instance, the


class TestConfigDrift:
    GENEROUS = SharedOptions(max_backlog=100_000, backlog_ttl=-1.0)
    MEAN = SharedOptions(max_backlog=50_000, backlog_ttl=3_600.0)

    def look(self, *instances: Any, options: SharedOptions | None = GENEROUS) -> BusView:
        return Looker().look(instances=instances, options=options)

    @pytest.mark.parametrize("in_force", [GENEROUS, None])
    def test_it_names_the_options_and_who_differs(self, in_force: SharedOptions | None) -> None:
        view = self.look(
            instance("a", options=self.GENEROUS),
            instance("b", options=self.MEAN),
            instance("c", options=self.MEAN),
            options=in_force,
        )
        finding = the(view, "CONFIG-DRIFT")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("bus", "", "shop")
        assert finding.text == (
            "backlog_ttl 3,600s on b, c (for ever in force); "
            "max_backlog 50,000 on b, c (100,000 in force)"
        )

    def test_all_the_same(self) -> None:
        view = self.look(instance("a", options=self.MEAN), instance("b", options=self.MEAN))
        assert view.findings == ()

    def test_the_dead_do_not_count(self) -> None:
        view = self.look(
            instance("a", options=self.GENEROUS), instance("b", options=self.MEAN, age=11.0)
        )
        assert codes(view) == ["DEAD"]

    def test_options_that_cannot_be_read_do_not_count(self) -> None:
        veiled = instance("b", options=self.MEAN, unknown={"options": "cannot be read"})
        assert self.look(instance("a", options=self.GENEROUS), veiled).findings == ()

    def test_of_many_a_few_are_named(self) -> None:
        many = [instance(f"b{n}", options=self.MEAN) for n in range(9)]
        text = the(self.look(instance("a", options=self.GENEROUS), *many), "CONFIG-DRIFT").text
        assert "b0, b1, b2 and 6 more" in text


class TestVersion:
    def look(self, *versions: str) -> BusView:
        return Looker().look(
            instances=tuple(instance(f"i{n}", version=each) for n, each in enumerate(versions))
        )

    def test_different_minor_releases(self) -> None:
        finding = the(self.look("0.1.0", "0.1.4", "0.2.0"), "VERSION")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("bus", "", "shop")
        assert finding.text == "0.1 on i0, i1; 0.2 on i2"

    @pytest.mark.parametrize("versions", [("0.1.0", "0.1.9"), ("0.1.0", ""), ()])
    def test_the_same_minor_release(self, versions: tuple[str, ...]) -> None:
        assert self.look(*versions).findings == ()

    def test_one_announces_itself_in_an_unknown_format(self) -> None:
        reason = "the instance announces itself in format 2, and this version reads format 1"
        view = Looker().look(instances=(instance("a", unknown={"format": reason}),))
        finding = the(view, "VERSION")
        assert (finding.subject, finding.text) == (("instance", "a-1", "a"), reason)


class TestMonitor:
    def test_looks_take_half_the_interval_for_some_seconds(self) -> None:
        looker = Looker()
        for _ in range(5):
            assert looker.look(poll_seconds=0.5).findings == ()
        finding = the(looker.look(poll_seconds=0.5), "MONITOR")
        assert finding.severity is Severity.WARNING
        assert finding.subject == ("monitor", "", "looks")
        assert finding.text == "a look takes 0.5s, one is due every 1s"

    def test_now_and_then_one_may_take_long(self) -> None:
        looker = Looker()
        for n in range(20):
            assert looker.look(poll_seconds=0.9 if n % 3 else 0.1).findings == ()

    def test_a_longer_interval_helps(self) -> None:
        looker = Looker()
        for _ in range(10):
            assert looker.look(poll_seconds=0.9, interval=2.0).findings == ()

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (5.0, "the store's clock is 5s ahead of this host's"),
            (-5.1, "the store's clock is 5s behind this host's"),
            (-7_300.0, "the store's clock is 2h behind this host's"),
        ],
    )
    def test_clocks_differ(self, seconds: float, text: str) -> None:
        looker = Looker()
        wall_ms = T0 + 1_000 - round(seconds * 1000)
        view = looker.look(wall_ms=wall_ms, poll_seconds=0.1)
        assert the(view, "MONITOR").text == text
        assert the(view, "MONITOR").subject == ("monitor", "", "clocks")

    @pytest.mark.parametrize("seconds", [0.0, 4.9, -4.9])
    def test_clocks_differ_a_little(self, seconds: float) -> None:
        wall_ms = T0 + 1_000 - round(seconds * 1000)
        assert Looker().look(wall_ms=wall_ms).findings == ()

    def test_what_the_look_took_is_no_difference(self) -> None:
        view = Looker().look(wall_ms=T0 + 1_000 + 8_000, poll_seconds=4.0, interval=60.0)
        assert view.findings == ()

    def test_without_a_clock_nothing_is_said(self) -> None:
        assert Looker().look().findings == ()
