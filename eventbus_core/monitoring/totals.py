"""From look to look: the sums of a whole bus."""

from collections.abc import Collection, Iterable

from .trends import History
from .views import GroupView, InstanceView, StreamView, TotalsView


class Totals:
    """Rates of the whole bus."""

    def __init__(self) -> None:
        self._in = History()
        self._out = History()
        self._settle = History()
        self._fail = History()

    def see(
        self,
        streams: Collection[StreamView],
        groups: Iterable[GroupView],
        instances: Iterable[InstanceView],
        *,
        first: bool,
    ) -> TotalsView:
        """`first`: this is the first look, so that there are no rates yet."""
        rate_in = rate_out = settle_rate = fail_rate = None
        if not first:
            rate_in = _sum(view.rate_in for view in streams)
            rate_out = _sum(view.rate_out for view in streams)
            settle_rate = _sum(view.settle_rate for view in groups)
            fail_rate = _sum(view.failed_rate for view in instances)
        self._in.add(rate_in)
        self._out.add(rate_out)
        self._settle.add(settle_rate)
        self._fail.add(fail_rate)
        return TotalsView(
            rate_in=rate_in,
            rate_out=rate_out,
            settle_rate=settle_rate,
            fail_rate=fail_rate,
            history_in=self._in.values,
            history_out=self._out.values,
            history_settle=self._settle.values,
            history_fail=self._fail.values,
        )


def _sum(rates: Iterable[float | None]) -> float:
    return sum((rate for rate in rates if rate), 0.0)
