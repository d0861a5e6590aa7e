"""How late the load Job's watches were, as figures of an iteration."""

from collections.abc import Sequence

from krobench.figures.latencies import NEEDED_BY_STATISTIC, summarise

_P50, _P99, _MAX = (f"krobench.watch.lagSeconds.{each}" for each in ("p50", "p99", "max"))


def watch_lag_figures(
    seconds: Sequence[float], missing: int, failure: str | None
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return the figures, and for each that is None the reason.

    ``seconds`` are the lags of the probe's writes, ``missing`` the number of those whose event
    never came, ``failure`` why the probe gave up, if it did.
    """
    summary = summarise(seconds, censored=missing)
    figures = {
        _P50: summary.p50_seconds,
        _P99: summary.p99_seconds,
        _MAX: summary.max_seconds,
    }
    seen = f"{len(seconds)} probes were seen and {missing} were not"
    too_few = f"it takes {NEEDED_BY_STATISTIC['p99']} probes: {seen}"
    reason = failure or (too_few if summary.max_seconds is not None else seen)
    return figures, {name: reason for name, value in figures.items() if value is None}
