"""What is noticed of series beside their values: counted, and said once in the program's own log."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from logwatch.score.series.news import News, NewsKind
from logwatch.score.series.series import Series
from logwatch.score.series.table import REASONS
from logwatch.telemetry import SERIES_NEWS, Logger

log = Logger(__name__)

SAID = {
    NewsKind.VANISHED: "series vanished: no sample for 60 of their steps",
    NewsKind.RETURNED: "series are back",
    NewsKind.TURNED: "series turned out to be counters, or none after all: what was learned of them begins anew",
}
EXAMPLES = 3
"""Series that are named, of those of one source that come together."""

FIX = {
    "max_series": "raise max_series, or take labels that hold ids out",
    "new_series": "take labels that hold ids out; what goes on is let in minute by minute",
    "long_name": "shorten the labels",
}


def tell(news: News, series: Series, source_of: Callable[[int], str]) -> None:
    """Count news, and say it: one line for each source and kind.

    Args:
        series: knows the names of those that the news are about.
        source_of: the name of a source.
    """
    if not len(news):
        return
    for kind, count in zip(*np.unique(news.kind, return_counts=True), strict=True):
        SERIES_NEWS.inc(int(count), news=NewsKind(kind).name.lower())
    for kind, said in SAID.items():
        of = news.kind == kind
        for source in np.unique(news.source[of]).tolist():
            slots = news.slot[of & (news.source == source)].tolist()
            names = ", ".join(str(series.name(slot)) for slot in slots[:EXAMPLES])
            log.info(said, source=source_of(source), series=names, count=len(slots))
    for kind, row in news.rows():
        if kind is NewsKind.REFUSED:
            reason, example = REASONS[-row["slot"]], str(series.refused[row["source"]])
            log.warning(
                "samples of new series are dropped", source=source_of(row["source"]), reason=reason, series=example,
                fix=FIX[reason],
            )  # fmt: skip


def turned(news: News) -> list[tuple[int, int]]:
    """Slots of series that became something else, and since when, ns; in the order of the stream."""
    rows = np.flatnonzero(news.kind == NewsKind.TURNED)
    return list(zip(news.slot[rows].tolist(), news.time[rows].tolist(), strict=True))
