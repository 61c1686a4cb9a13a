"""The page: one HTML file without anything from elsewhere, not even a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources

import numpy as np

from logwatch.backtest import plots
from logwatch.backtest.bootstrap import Figure
from logwatch.backtest.evaluation import ALL, RANDOM, Reached
from logwatch.backtest.plots import COLOURS, moment
from logwatch.backtest.result import Alone, Incident, Labelled, Result
from logwatch.backtest.text import TIMES, number, odds, rate, safe, seconds
from logwatch.backtest.words import NAMES, headline, protocol, what_budget
from logwatch.sinks.render import headline as said
from logwatch.types import NO_TIME

ANOMALIES = 200
"""Labelled stretches of time that are listed."""

DRAWN = 4
"""Curves in one plot."""

_STRETCHES = (
    " An alarm is right if it touches a labelled stretch of time, or comes at most a minute after it; one that goes on"
    " counts anew every two minutes."
)

LINES = 12
"""Lines of one incident."""


def page(result: Result) -> str:
    """The whole page."""
    style = resources.files("logwatch.backtest").joinpath("page.css").read_text(encoding="utf-8")
    title = "Backtest: " + _files(result)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{safe(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
    )
    return f"{head}<body><main>{''.join(_body(result))}</main></body></html>\n"


def _files(result: Result) -> str:
    names = [path.rsplit("/", 1)[-1] for path in result.files]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _body(result: Result) -> Iterator[str]:
    yield f"<h1>{safe(_files(result))}</h1>"
    yield f'<p class="soft">{safe(_span(result))}</p>'
    yield f'<p class="lead">{safe(headline(result))}</p>'
    yield f'<div class="tiles">{"".join(_tiles(result))}</div>'
    if result.labelled is not None and result.labelled.reached:
        yield from _voices(result.labelled, result)
    else:
        yield from _alone(result)
    yield from _over_time(result)
    if result.labelled is not None and result.labelled.anomalies:
        yield from _anomalies(result.labelled)
    yield from _incidents(result.top)
    yield from _kept(result)
    yield from _beside(result)
    yield f"<footer>{safe(protocol(result))}</footer>"


def _span(result: Result) -> str:
    came = [f"{result.records:,} lines"] if result.records else []
    came += [f"{result.points:,} values"] if result.points else []
    when = f", {moment(result.first)} to {moment(result.last)} UTC" if result.first is not None and result.last else ""
    return f"{' and '.join(came) or 'nothing'}{when} · budget {result.budget} for each source"


def _tiles(result: Result) -> Iterator[str]:
    known = [one for one in result.kept if one.per_day is not None]
    days = sum(one.days for one in known)
    per_day = f"{rate(sum(one.incidents for one in known) / days)} a day and source" if days else ""
    yield _tile(f"{result.incidents:,}", "incidents", per_day)
    ratios = [one.ratio for one in result.kept if one.ratio is not None]
    if ratios:
        yield _tile(f"{np.median(ratios):.2g} {TIMES}", "budget, achieved over asked", what_budget(result))
    whole = result.labelled.reached[0] if result.labelled and result.labelled.reached else None
    if whole is not None:
        for figure, name in (
            (whole.precision, "precision"), (whole.recall, "recall"), (whole.f1, "F1"),
            (whole.average_precision, "average precision"),
        ):  # fmt: skip
            yield _tile(number(figure.value), name, _interval(figure))
        if whole.delay is not None:
            yield _tile(seconds(whole.delay), "until found", "median")


def _tile(value: str, name: str, more: str = "") -> str:
    return f'<div class="tile"><b>{safe(value)}</b><span>{safe(name)}</span><small>{safe(more)}</small></div>'


def _interval(figure: Figure) -> str:
    return "" if np.isnan(figure.low) else f"{figure.low:.2f} to {figure.high:.2f}"


def _drawn(labelled: Labelled) -> list[Reached]:
    """Ours, and the best of the others."""
    others = [one for one in labelled.reached[1:] if one.voice not in (ALL, RANDOM)]
    others.sort(key=lambda one: -np.nan_to_num(one.average_precision.value))
    return [labelled.reached[0], *others[: DRAWN - 1]]


def _voices(labelled: Labelled, result: Result) -> Iterator[str]:
    drawn = _drawn(labelled)
    colours = {one.voice: COLOURS[at] for at, one in enumerate(drawn)}
    per_day = {one.voice: one for one in result.alone}
    yield "<h2>Against the labels</h2>"
    yield f'<p class="note">{safe(_matched(labelled))}</p>'
    rows = "".join(_voice(one, per_day.get(one.voice), colours.get(one.voice)) for one in labelled.reached)
    heads = ("", "precision", "recall", "F1", "average precision", "alerts a day", "found", "delay")
    yield _table(heads, rows)
    yield (
        '<p class="note">Every detector stands alone at the same budget, with thresholds of its own, from its own past.'
        " Small figures are 95 % bootstrap intervals. At random: as many alarms as ours, drawn by lot."
        f"{_STRETCHES if labelled.form == 'intervals' else ''}</p>"
    )
    chance = next(one for one in labelled.reached if one.voice == ALL).precision.value
    known = [(NAMES.get(one.voice, one.voice), one.curve) for one in drawn if one.curve is not None]
    plot = plots.precision_recall(known, float(np.nan_to_num(chance)))
    legend = _legend([name for name, _ in known])
    curves = f'<div class="card"><h3>Precision over recall</h3>{plot}{legend}</div>'
    yield f'<div class="sides">{curves}{_calibrated(result)}</div>'


def _matched(labelled: Labelled) -> str:
    what = {"intervals": "stretches of time", "entities": "entities", "lines": "lines"}[labelled.form]
    share = labelled.matched / max(labelled.labels, 1)
    told = f"{labelled.labels:,} labels of {what}, {share:.0%} of them of these files; "
    return f"{told}{labelled.evaluated:,} after the warm-up, {labelled.positive:,} of them anomalies."


def _voice(one: Reached, alone: Alone | None, colour: str | None) -> str:
    kind = "ours" if one.voice == "whole" else "chance" if one.voice in (ALL, RANDOM) else ""
    key = f'<i class="key" style="background:var(--{colour})"></i>' if colour else ""
    figures = "".join(
        f"<td>{number(figure.value)}<small>{_interval(figure)}</small></td>"
        for figure in (one.precision, one.recall, one.f1, one.average_precision)
    )
    per_day = rate(alone.per_day) if alone is not None else ""
    return (
        f'<tr class="{kind}"><td>{key}{safe(NAMES.get(one.voice, one.voice))}</td>{figures}<td>{per_day}</td>'
        f"<td>{one.found:,}</td><td>{seconds(one.delay)}</td></tr>"
    )


def _table(heads: Sequence[str], rows: str) -> str:
    told = "".join(f"<th>{safe(head)}</th>" for head in heads)
    return f'<div class="card scroll"><table><thead><tr>{told}</tr></thead><tbody>{rows}</tbody></table></div>'


def _legend(names: Iterable[str]) -> str:
    told = (
        f'<span><i class="key" style="background:var(--{COLOURS[at % len(COLOURS)]})"></i>{safe(name)}</span>'
        for at, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(told)}</p>'


def _calibrated(result: Result) -> str:
    if not result.calibration:
        return ""
    plot = plots.calibration(result.calibration)
    names = [f"{one.kind}s ({one.count:,})" for one in result.calibration]
    note = (
        "On the line: what was said to be one in a thousand came one time in a thousand. Below it: more often than "
        "said, as true anomalies do."
    )
    told = f'<p class="note">{note}</p>'
    return f'<div class="card"><h3>Calibration</h3>{plot}{_legend(names)}{told}</div>'


def _alone(result: Result) -> Iterator[str]:
    yield "<h2>Who would have alerted</h2>"
    rows = "".join(
        f'<tr class="{"ours" if one.voice == "whole" else ""}"><td>{safe(NAMES.get(one.voice, one.voice))}</td>'
        f"<td>{one.incidents:,}</td><td>{rate(one.per_day)}</td><td>{one.shared:,}</td></tr>"
        for one in result.alone
    )
    yield _table(("", "incidents", "a day", "of ours"), rows)
    yield (
        '<p class="note">Every detector alone at the same budget, with thresholds of its own, and how many of our'
        " incidents it would have told too; what crosses within two minutes is one here.</p>"
    )
    if told := _calibrated(result):
        yield f'<div class="sides">{told}</div>'


def _over_time(result: Result) -> Iterator[str]:
    if not result.lines:
        return
    yield "<h2>Over time</h2>"
    anomalies = result.labelled.anomalies if result.labelled else ()
    bands = ", bands labelled time" if anomalies else ""
    yield f'<p class="note">How rare the rarest decision of each moment was. Marks above are incidents{bands}.</p>'
    for line in result.lines:
        mine = [(one.start, one.end) for one in anomalies if one.source == line.source]
        plot = plots.scores(line, result.opened.get(line.source, ()), mine)
        yield f'<div class="card scroll"><h3>{safe(line.source)}</h3>{plot}</div>'


def _anomalies(labelled: Labelled) -> Iterator[str]:
    found = sum(one.delay is not None for one in labelled.anomalies)
    yield f"<h2>{found:,} of {len(labelled.anomalies):,} found</h2>"
    rows = []
    for one in labelled.anomalies[:ANOMALIES]:
        told = ("missed", "missed") if one.delay is None else ("found", f"after {seconds(one.delay)}")
        by = ", ".join(one.by) or "none"
        rows.append(
            f'<tr><td>{moment(one.start)}</td><td class="left">{safe(one.source)}</td>'
            f'<td class="wide">{safe(one.kind.replace("_", " "))}</td>'
            f'<td class="left {told[0]}">{safe(told[1])}</td><td class="wide">{safe(by)}</td></tr>'
        )
    heads = ("began (UTC)", "source", "what", "", "detectors that find it alone")
    yield _table(heads, "".join(rows)).replace("<th>", '<th class="left">')
    if len(labelled.anomalies) > ANOMALIES:
        yield f'<p class="note">and {len(labelled.anomalies) - ANOMALIES:,} more.</p>'


def _incidents(top: Sequence[Incident]) -> Iterator[str]:
    yield "<h2>Incidents, the rarest first</h2>"
    if not top:
        yield '<p class="note">None.</p>'
        return
    yield f'<div class="card">{"".join(map(_incident, top))}</div>'


def _incident(one: Incident) -> str:
    alert = one.alert
    right = {True: '<span class="found"> ● labelled</span>', False: '<span class="missed"> ○ not labelled</span>'}
    mark = "" if one.right is None else right[one.right]
    when = moment(alert.last) if alert.last != NO_TIME else ""
    lines = [f'<span class="past">{safe(line.text)}</span>' for line in alert.before[-LINES:]]
    lines += [safe(line.text) for line in alert.lines[:LINES]]
    because = ", ".join(f"{fired.detector} {odds(-np.log10(fired.p)) if fired.p else ''}" for fired in alert.fired[:4])
    expected = "".join(
        f"\n{one.probability:.0%} {safe(one.template)}" for one in alert.expected[:3] if one.probability >= 0.01
    )
    instead = f'<p class="note">Expected instead:</p><pre>{expected.strip()}</pre>' if expected else ""
    shown = f"<pre>{chr(10).join(lines)}</pre>" if lines else ""
    return (
        f"<details><summary><time>{when}</time>{safe(alert.source)}: {safe(said(alert))}"
        f'<span class="odds">{odds(alert.score)}</span>{mark}</summary>{shown}'
        f'<p class="note">{safe("Because of " + because if because else "")}</p>{instead}</details>'
    )


def _kept(result: Result) -> Iterator[str]:
    yield "<h2>Budget</h2>"
    rows = "".join(
        f'<tr><td class="wide">{safe(one.source)}</td><td>{one.days:.2f}</td><td>{one.incidents:,}</td>'
        f"<td>{rate(one.per_day)}</td><td>{safe(one.asked)}</td><td>{number(one.ratio, 2)}</td></tr>"
        for one in result.kept[:100]
    )
    yield _table(("source", "days", "incidents", "a day", "asked", "achieved / asked"), rows)


def _beside(result: Result) -> Iterator[str]:
    split, own = result.random_split, result.labelled
    if split is None or own is None:
        return
    yield "<h2>Random split, beside the order of time</h2>"
    rows = ""
    for one in own.reached:
        other = next((row for row in split.reached if row.voice == one.voice), None)
        if other is not None:
            pairs = ((one.f1, other.f1), (one.average_precision, other.average_precision))
            cells = "".join(f"<td>{number(a.value)}</td><td>{number(b.value)}</td>" for a, b in pairs)
            rows += f"<tr><td>{safe(NAMES.get(one.voice, one.voice))}</td>{cells}</tr>"
    heads = ("", "F1, by time", "F1, random", "average precision, by time", "average precision, random")
    yield _table(heads, rows)
    yield (
        '<p class="note">Random: some normal entities, drawn by lot from all of the time, teach first. That is easier '
        "than any real use, in which the future is not known; it is here to be compared with figures taken so.</p>"
    )
