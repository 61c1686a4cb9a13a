"""Which of three numbers is the day: found out from the source's own lines, in stream order.

17/06/09 may be 2017-06-09, 17 June 2009 and (not here) June 17. Each line rules some orders out; what remains of a
source's lines so far decides. Where a line contradicts all that remained, the source begins anew with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import civil
from logwatch.types import Bool, Int32, Int64

YMD, MDY, DMY = 1, 2, 4
ALL = YMD | MDY | DMY


def days(source: Int32, packed: Int64, day_first: Bool, state: NDArray[Any]) -> tuple[Int64, Bool]:
    """Days since 1970 [m] of three packed numbers, and whether they make a date.

    Args:
        source: number of each line's source.
        packed: first * 10^6 + second * 10^4 + third, as in `Stamps`.
        day_first: the layout's habit, where nothing is ruled out.
        state: orders [sources] still possible, -1 for a new source; written.
    """
    a, b, c = packed // 10**6, packed // 10**4 % 100, packed % 10**4
    possible = _possible(a, b, c)
    ok: Bool = possible > 0
    mask = np.where(ok, possible, ALL)
    before = np.where(state[source] < 0, ALL, state[source])
    same: Bool = before & mask == before
    if same.all():
        told = state[source] = before
    else:
        told = _in_order(source, mask, state)
    usual = np.where(day_first, DMY, MDY)
    order = np.where(told & YMD, YMD, np.where(told & usual, usual, told & (MDY | DMY)))
    order = np.where(mask & order, order, mask & -mask)
    year = np.where(order == YMD, a, c)
    month = np.where(order == MDY, a, b)
    day = np.select([order == YMD, order == MDY], [c, b], default=a)
    year = np.where(year < 100, civil.full_year(year), year)
    ok &= (year >= 1900) & (year <= 2200)  # beyond, nanoseconds overflow
    within: Bool = day <= civil.days_in_month(year, np.clip(month, 1, 12))
    return civil.days_of(year, month, day), ok & within


def _possible(a: Int64, b: Int64, c: Int64) -> Int64:
    """Orders that one line leaves open."""
    month_a, month_b = (a >= 1) & (a <= 12), (b >= 1) & (b <= 12)
    day_a, day_b, day_c = (a >= 1) & (a <= 31), (b >= 1) & (b <= 31), (c >= 1) & (c <= 31)
    possible: Int64 = YMD * (month_b & day_c) + MDY * (month_a & day_b) + DMY * (day_a & month_b)
    return possible


def _in_order(source: Int32, mask: Int64, state: NDArray[Any]) -> Int64:
    """Line by line, where some line rules something out: it happens twice in a source's life."""
    told = np.empty(len(mask), dtype=np.int64)
    orders: dict[int, int] = {}
    for i, (number, allowed) in enumerate(zip(source.tolist(), mask.tolist(), strict=True)):
        before = orders.get(number)
        if before is None:
            before = int(state[number])
            before = ALL if before < 0 else before
        orders[number] = told[i] = (before & allowed) or allowed
    state[list(orders)] = list(orders.values())
    return told
