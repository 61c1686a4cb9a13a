"""A verdict in one sentence, honest about small numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from logwatch.decide.verdict import Counted

Lstm = Literal["on", "off", "none"]
"""Whether a source is scored by the LSTM: yes, `lstm = false`, or there is none."""

ENOUGH = 5  # incidents before there is a verdict
MANY = 10  # from which on what has never failed is said without "so far"
LOUD = 2  # times the incidents of the whole that a substitute may have
NETWORKS = ("lstm", "course", "series", "pca")  # what is no simple rule
PLAIN: Mapping[str, str] = {
    "new": "a new-template rule (`new`)",
    "rare": "a rare-template rule (`rare`)",
    "rate": "a rule on rates (`rate`)",
    "silence": "a rule on silence (`silence`)",
}


def sentence(counted: Counted, lstm: Lstm, votes: bool, saves: float | None) -> str:
    """What an operator should know.

    Args:
        counted: of the last 30 days of the source.
        lstm: whether it scores the source.
        votes: the LSTM has a vote: in the logs; of metrics it only explains.
        saves: share of the source's CPU time that the LSTM takes, [0, 1]; None: not known.
    """
    whole = counted.whole
    if whole < ENOUGH:
        return f"too early to say: {_incidents(whole)}" if whole else "no incidents yet to compare by"
    rule, found = best(counted)
    alone = f"{PLAIN.get(rule, f'`{rule}`')} alone finds {'all' if found == whole else f'{found} of'} {whole}"
    if lstm != "on":
        return f"without the LSTM; {alone} incidents" if rule else f"without the LSTM; {_incidents(whole)}"
    adds = counted.missed_without
    if votes and adds:
        return f"the LSTM adds {adds} of {_incidents(whole)}" + (f"; {alone}" if rule else "")
    far = "" if whole >= MANY else " so far"
    cost = f": `lstm = false` saves {saves:.0%} CPU" if saves is not None else ": `lstm = false` would do"
    if found == whole:
        return f"{alone} incidents{far}{cost}"
    said = "all are found without the LSTM" if votes else "the LSTM forecasts, and has no vote"
    return f"{said}, {_incidents(whole)}{far}{cost}"


def best(counted: Counted) -> tuple[str, int]:
    """The simple detector that finds most of the incidents alone; among equals a plain rule, or the one that says
    least beside. One that would have alerted far more often has found some by chance, and is no substitute."""
    told = [(name, *counts) for name, counts in counted.alone.items() if name not in NETWORKS]
    simple = [
        (-found, name not in PLAIN, in_all, name) for name, found, in_all in told if in_all <= LOUD * counted.whole
    ]
    found, _, _, name = min(simple, default=(0, True, 0, ""))
    return (name, -found) if found else ("", 0)


def _incidents(count: int) -> str:
    return f"{count} incident{'' if count == 1 else 's'}"
