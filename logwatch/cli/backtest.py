"""`logwatchd backtest`: what there would have been."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.ui import Terminal
from logwatch.cli.wording import plural, span
from logwatch.requests import BacktestRequest

if TYPE_CHECKING:
    from rich.text import Text

    from logwatch.backtest.evaluation import Reached
    from logwatch.backtest.result import Labelled, Result

_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
SHOWN = 10
"""Sources that are named; the rest is counted."""


def _share(context: click.Context, parameter: click.Parameter, value: str) -> float:
    match = _SHARE.fullmatch(value.strip())
    if match is None or float(match[1]) > 90:
        raise click.BadParameter(f"'{value}' is no share like 10%, from 0% to 90%.")
    return float(match[1]) / 100


def _page(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"'{value}' must end in .html.")
    return value


@options.verb(
    "backtest",
    help="""Replay history, and say how good the alerts would have been.

    Everything is judged in the order of time before it is learned, by thresholds from the budget alone; labels are only
    looked at in the end. Each detector stands alone beside it, at the same budget, and so do an alarm all the time and
    one at random.

    Labels are CSV or JSON lines: source,start,end[,kind] (RFC 3339), source,entity,label or source,line,label (0 or 1;
    physical lines from 1). If under half of them are of these files it ends with exit code 65. Without labels it shows
    the incidents, how often each detector would have alerted, and whether what was said to be rare was rare.""",
    examples="""
    logwatchd backtest app.log                                  # what would have alerted
    logwatchd backtest app.log.2.gz app.log.1 app.log --labels faults.csv -o report.html
    logwatchd backtest hdfs.log --entity '(blk_-?\\d+)' --budget 2% --labels blocks.csv --random-split
    """,
)
@options.paths()
@click.option(
    "--labels", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="What was really wrong, and when."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), callback=_page, metavar="FILE",
    help="Write the report, one HTML page with nothing from elsewhere.",
)  # fmt: skip
@click.option(
    "--warm", default="10%", show_default=True, callback=_share, metavar="SHARE",
    help="Share of each source that only teaches.",
)  # fmt: skip
@click.option(
    "--random-split", is_flag=True,
    help="Also with a random share of the normal entities to learn from, beside the order of time.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Of all randomness.  [default: as configured, else 0]"
)
@options.source
@options.entity
@options.budget
@options.as_json
def command(
    paths: tuple[str, ...], labels: Path | None, output: Path | None, warm: float, random_split: bool,
    seed: int | None, source: str | None, entity: str | None, budget: str | None, as_json: bool,
) -> int:  # fmt: skip
    config = options.settings(budget=("--budget", budget), seed=("--seed", seed))
    from logwatch import app

    options.quiet_log()
    with Terminal(as_json=as_json, show_alerts=False) as ui:
        request = BacktestRequest(paths, config, labels, warm, random_split, source, entity)
        result = app.backtest(request, ui)
        if output is not None:
            _write(output, result)
        if as_json:
            from logwatch.backtest.plain import plain

            ui.write(json.dumps(plain(result)))
        else:
            _show(result, ui, output)
    return 0


def _write(path: Path, result: Result) -> None:
    from logwatch.backtest.report import page
    from logwatch.errors import UsageError

    try:
        path.write_text(page(result), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error


def _show(result: Result, ui: Terminal, output: Path | None) -> None:
    for row in _rows(result, output):
        if row.no_wrap is None:  # rows of tables
            row.no_wrap, row.overflow = True, "ellipsis"
        ui.show(row)


def _rows(result: Result, output: Path | None) -> Iterator[Text]:
    from rich.text import Text

    from logwatch.backtest.words import headline

    came = [plural(result.records, "line")] if result.records or not result.points else []
    came += [plural(result.points, "value")] if result.points else []
    yield Text()
    yield Text(f"{' and '.join(came)} in {span(result.seconds)}, budget {result.budget}.", "bold")
    if result.interrupted:
        yield Text("Ended before the files did.", "yellow")
    yield Text(headline(result), no_wrap=False)
    yield Text()
    if result.labelled is not None:
        yield from _against(result.labelled, "")
        if result.random_split is not None:
            yield Text()
            yield from _against(result.random_split, "random split: ")
    else:
        yield from _alone(result)
    yield Text()
    yield from _budget(result)
    if output is not None:
        yield Text(f"Report: {output}")


def _against(labelled: Labelled, title: str) -> Iterator[Text]:
    from rich.text import Text

    share = labelled.matched / max(labelled.labels, 1)
    told = f"{title}{labelled.labels:,} labels, {share:.0%} match; {labelled.evaluated:,} after the warm-up, "
    yield Text(f"{told}{labelled.positive:,} of them anomalies.")
    yield Text(f"{'':<22}{'precision':>9}{'recall':>8}{'F1':>7}{'AP':>7}  {'95 %':<12}{'found':>6}{'delay':>7}", "dim")
    for one in labelled.reached:
        yield _voice(one)


def _voice(one: Reached) -> Text:
    from rich.text import Text

    from logwatch.backtest.text import number, seconds
    from logwatch.backtest.words import NAMES

    columns = zip((one.precision, one.recall, one.f1, one.average_precision), (9, 8, 7, 7), strict=True)
    figures = "".join(f"{number(figure.value):>{width}}" for figure, width in columns)
    average = one.average_precision
    interval = f"{number(average.low, 2)} to {number(average.high, 2)}"
    name = NAMES.get(one.voice, one.voice)
    text = f"{name:<22}{figures}  {interval:<12}{one.found:>6,}{seconds(one.delay):>7}"
    return Text(text, "bold" if one.voice == "whole" else "dim" if one.voice in ("random", "all") else "")


def _alone(result: Result) -> Iterator[Text]:
    from rich.text import Text

    from logwatch.backtest.text import rate
    from logwatch.backtest.words import NAMES

    yield Text(f"{'at the same budget':<24}{'incidents':>10}{'a day':>10}{'of ours':>10}", "dim")
    for one in result.alone:
        text = f"{NAMES.get(one.voice, one.voice):<24}{one.incidents:>10,}{rate(one.per_day):>10}{one.shared:>10,}"
        yield Text(text, "bold" if one.voice == "whole" else "")


def _budget(result: Result) -> Iterator[Text]:
    from rich.text import Text

    from logwatch.backtest.text import number, rate
    from logwatch.sinks.render import escape

    yield Text(f"{'source':<26}{'days':>8}{'incidents':>11}{'a day':>8}{'asked':>10}{'achieved/asked':>16}", "dim")
    for one in result.kept[:SHOWN]:
        name = escape(one.source)
        name = name if len(name) < 26 else "…" + name[-24:]
        ratio = number(one.ratio, 2)
        yield Text(f"{name:<26}{one.days:>8.2f}{one.incidents:>11,}{rate(one.per_day):>8}{one.asked:>10}{ratio:>16}")
    if len(result.kept) > SHOWN:
        yield Text(f"and {len(result.kept) - SHOWN:,} more sources")
