"""How good the forecasts of a run were, series by series: what `score --forecasts` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.samples import Points, SeriesName
from logwatch.score.series.forecast_report import NAIVE, Losses, compare, overall
from logwatch.score.series.lstm_columns import QUANTILES
from logwatch.types import Float64

MOST = 10_000_000
"""Points kept for the report, 0.4 GB; what comes after them is not judged."""

_KEPT = np.dtype([("series", "<i4"), ("value", "<f8"), ("step", "<i8"), ("quantiles", "<f4", (len(QUANTILES),))])


class ForecastReport:
    """Keeps what was forecast; at the end the last half of each series is judged, the first half being its warm-up.

    Args:
        source: name of a source, by its number.
        series: name of the series in a slot.
    """

    def __init__(self, source: Callable[[int], str], series: Callable[[int], SeriesName]) -> None:
        self._source, self._series = source, series
        self._numbers: dict[tuple[str, str], int] = {}
        self._kept: list[Any] = []
        self._count = 0

    def add(self, points: Points, quantiles: Float64) -> None:
        """Points and what was forecast of them [n, QUANTILES]."""
        points, quantiles = points.take(slice(0, MOST - self._count)), quantiles[: MOST - self._count]
        slots, first, of = np.unique(points.slot, return_index=True, return_inverse=True)
        names = [
            (self._source(int(points.source[row])), str(self._series(slot)))
            for slot, row in zip(slots.tolist(), first.tolist(), strict=True)
        ]
        numbers = np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], np.int32)
        kept = np.empty(len(points), _KEPT)
        kept["series"], kept["value"], kept["step"] = numbers[of], points.value, points.step
        kept["quantiles"] = np.clip(quantiles, -3e38, 3e38)
        self._kept.append(kept)
        self._count += len(kept)

    def losses(self) -> Iterator[tuple[tuple[str, str], Losses]]:
        """Of each source and series that changes while it is judged, and is long enough to be."""
        if not self._kept:
            return
        whole = np.concatenate(self._kept)
        order = np.argsort(whole["series"], kind="stable")
        ends = np.cumsum(np.bincount(whole["series"], minlength=len(self._numbers)))
        for name, rows in zip(self._numbers, np.split(order, ends[:-1]), strict=True):
            mine = whole[rows]
            found = compare(mine["value"], mine["quantiles"].astype(np.float64), int(mine["step"][-1]), len(mine) // 2)
            if found.points and max(found.naive.values()) > 0:
                yield name, found

    def write(self, path: Path) -> int:
        """As JSON where the file's name ends so, else as a table; returns the number of series."""
        found = sorted(self.losses())
        text = _json(found) if path.suffix == ".json" else _table(found)
        path.write_text(text, "utf-8")
        return len(found)


Found = list[tuple[tuple[str, str], Losses]]


def _totals(found: Found) -> dict[str, float | None]:
    ratios = {name: overall((one for _, one in found), name) for name in NAIVE}
    ratios["best of each series"] = overall(one for _, one in found)
    return {name: None if np.isnan(ratio) else ratio for name, ratio in ratios.items()}


def _json(found: Found) -> str:
    series = [
        {"source": source, "series": name, "points": one.points, "period": one.period, "lstm": one.forecast,
         **one.naive, "best": one.best}
        for (source, name), one in found
    ]  # fmt: skip
    head = {"loss": "pinball", "levels": QUANTILES, "judged": "the last half of each series", "ratios": _totals(found)}
    return json.dumps(head | {"series": series}, indent=1) + "\n"


def _table(found: Found) -> str:
    lines = [
        "Mean pinball loss over the last half of each series; * the best simple forecast of the first half.",
        "".join(f"{title:>14}" for title in ("points", "period", "lstm", *NAIVE)) + "  series",
    ]
    for (source, name), one in found:
        simple = (f"{one.naive[each]:.5g}" + ("*" if each == one.best else " ") for each in NAIVE)
        parts = (str(one.points), str(one.period or "-"), f"{one.forecast:.5g}", *simple)
        lines.append("".join(f"{part:>14}" for part in parts) + f"  {source} {name}")
    for name, ratio in _totals(found).items():
        lines.append(f"lstm / {name}, geometric mean over series: " + ("-" if ratio is None else f"{ratio:.3f}"))
    return "\n".join(lines) + "\n"
