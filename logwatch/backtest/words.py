"""What a backtest says in sentences."""

from __future__ import annotations

from logwatch.backtest.result import Labelled, Result
from logwatch.backtest.text import number

NAMES = {
    "whole": "logwatchd", "without": "without the LSTM", "random": "at random", "all": "an alarm all the time",
}  # fmt: skip
"""Of voices that are no detectors."""

TIE = 0.01
"""A difference of F1 that is none."""


def headline(result: Result) -> str:
    """The result in a sentence or two."""
    labelled = result.labelled
    if labelled is None:
        return f"{_incidents(result)} Without labels nobody can say how many of them were right."
    if not labelled.reached:
        return "No label lies after the warm-up: there is nothing to hold the incidents against."
    if not labelled.positive:
        return f"{_incidents(result)} No label after the warm-up is of an anomaly, so all of them count as false."
    return f"{_found(labelled)} {_lstm(labelled)}"


def _incidents(result: Result) -> str:
    count = result.incidents
    return f"{count:,} incident{'' if count == 1 else 's'} after the warm-up."


def _found(labelled: Labelled) -> str:
    whole = labelled.reached[0]
    right, told = labelled.incidents if labelled.form == "intervals" else (whole.found, whole.told)
    what = {"intervals": "incidents", "entities": "entities that alerted", "lines": "lines that alerted"}[labelled.form]
    return f"{whole.found:,} of {labelled.positive:,} anomalies found; {right:,} of {told:,} {what} were right."


def _lstm(labelled: Labelled) -> str:
    """Whether the network is worth it."""
    without = next((one for one in labelled.reached if one.voice == "without"), None)
    if without is None or without.f1.value != without.f1.value:
        return ""
    ours, theirs = labelled.reached[0].f1.value, without.f1.value
    if ours - theirs > TIE:
        return f"The LSTM pays: F1 is {number(ours, 2)} with it and {number(theirs, 2)} without."
    if theirs - ours > TIE:
        return f"The LSTM does harm here: F1 is {number(ours, 2)} with it and {number(theirs, 2)} without."
    return f"The LSTM makes no difference here: F1 is {number(ours, 2)} with it and {number(theirs, 2)} without."


def what_budget(result: Result) -> str:
    """Of what the budget's ratio is."""
    count = len(result.kept)
    return f"asked {result.budget}" + (f", median of {count:,} sources" if count > 1 else "")


def protocol(result: Result) -> str:
    """How it was done."""
    return (
        "Chronological, and learned as it went: every line was judged before anything learned it, by thresholds from "
        f"the budget alone; no label was seen by what was judged. The first {result.warm:.0%} of each source only "
        "taught. "
        f"Seed {result.seed}."
    )
