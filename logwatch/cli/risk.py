"""`logwatchd risk`: the gate before and during a deployment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.heatmap import read_at, save_png
from logwatch.cli.train import duration
from logwatch.requests import HeatmapRequest, RiskRequest

if TYPE_CHECKING:
    from logwatch.app.risk import Assessed

MODELS = ("best", "cnn", "row-shared", "logistic", "boosted", "rule")


@options.verb(
    "risk",
    help="""Say how likely a failure is, from metrics: a gate for deployments.

    Exit code 0: the risk is at most --max. 1: it is above. 65: there is no answer, because metrics are missing, too few
    or too old, the weights cannot be used, or it was interrupted; it never passes in silence. Without --weights the
    plain rule answers: how far the metrics are from what they were.

    With --url, or the --state of a running daemon, the daemon's own answers count: those of every source that has
    metrics, or of --source. Each of them must have a risk, and none may be above --max.""",
    examples="""
    logwatchd risk metrics.csv --weights risk.safetensors --max 0.3 && ./promote
    logwatchd risk 'metrics/*.csv' --source web-1 --at 2026-11-22T13:20:00Z --png why.png
    logwatchd risk --url http://127.0.0.1:8711 --source web-1 --max 0.3
    logwatchd risk --state /var/lib/logwatchd --source web-1 --json
    """,
)
@options.paths(required=False)
@click.option("--metrics", "more", multiple=True, metavar="PATH", help="Files of metrics; as those named without it.")
@click.option(
    "--state", type=click.Path(path_type=Path), metavar="DIR",
    help="Ask the daemon that runs there; without one, or with --at, --weights or --png, what it kept there.",
)  # fmt: skip
@click.option("--url", metavar="URL", help="Ask a daemon's API: http://127.0.0.1:8711.")
@click.option(
    "--token-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="--url: a file with the token that it wants.  [default: as LOGWATCHD_HTTP__TOKEN_FILE says]",
)  # fmt: skip
@click.option("--source", metavar="NAME", help="Of which source; a file is a source of its own name.")
@click.option(
    "--at", callback=read_at, metavar="TIME",
    help="At which time of the past: 2026-01-31T08:00:00Z.  [default: at the end of the metrics]",
)  # fmt: skip
@click.option(
    "--max", "most", type=click.FloatRange(0, 1), default=0.5, show_default=True, metavar="P",
    help="The highest risk that passes.",
)  # fmt: skip
@click.option(
    "--max-age", callback=duration, default="5min", show_default=True, metavar="TIME",
    help="How old the newest metrics may be; with --at it does not matter.",
)  # fmt: skip
@click.option(
    "--weights", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="What `logwatchd train risk` learned.  [default: none, the rule answers]",
)  # fmt: skip
@click.option(
    "--model", type=click.Choice(MODELS), default="best", show_default=True,
    help="Which of the trained models answers; best is what training chose.",
)  # fmt: skip
@click.option(
    "--window", type=click.IntRange(16, 1024), metavar="STEPS",
    help="Steps of the metrics that are looked at.  [default: as configured, else 120]",
)  # fmt: skip
@click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Draw the heatmap, with frames around what drove the risk.",
)  # fmt: skip
@options.as_json
def command(
    paths: tuple[str, ...], more: tuple[str, ...], state: Path | None, url: str | None, token_file: Path | None,
    source: str | None, at: int | None, most: float, max_age: float, weights: Path | None, model: str,
    window: int | None, png: Path | None, as_json: bool,
) -> int:  # fmt: skip
    files = (*more, *paths)
    if bool(files) + (state is not None) + (url is not None) != 1:
        raise click.UsageError("Name files of metrics, or the --state of a daemon, or its --url.")
    own = at is not None or weights is not None or model != "best" or window is not None or png is not None
    if url is not None and own:
        raise click.UsageError("--at, --weights, --model, --window and --png are of files; a daemon has its own.")
    if token_file is not None and url is None:
        raise click.UsageError("--token-file needs --url.")
    if url is not None or (state is not None and not own and _runs(state)):
        from logwatch.cli.risk_asked import gate

        with _never_by_chance():
            return gate(url or "", token_file, state, source, most, as_json)
    if weights is None and model not in ("best", "rule"):
        raise click.UsageError(f"The model {model} needs --weights.")
    config = options.windowed(options.settings(), window)
    with _never_by_chance():
        which = HeatmapRequest(files, config, source, at, None, state)
        return _of_files(RiskRequest(which, weights, model, None if at is not None else max_age), most, png, as_json)


def _of_files(request: RiskRequest, most: float, png: Path | None, as_json: bool) -> int:
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(show_alerts=False, as_json=as_json) as ui:
        found = app.risk(request, ui)
        passes = found.risk.probability <= most
        if png is not None:
            from logwatch.heatmap.picture import picture

            note = f"risk {found.risk.probability:.2f} within {found.risk.horizon:g} s, {found.risk.detail}"
            save_png(png, picture(found.window, note=note, heat=found.risk.heat))
        if as_json:
            sys.stdout.write(json.dumps(_plain(found, most, passes)) + "\n")
        else:
            _show(found, most, passes)
    return 0 if passes else 1


@contextmanager
def _never_by_chance() -> Iterator[None]:
    """A signal, or a reader that goes away, is a clean end elsewhere: of a gate it must not look as if it passed."""
    from logwatch.errors import DataError

    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        raise DataError("interrupted before there was an answer", "it does not pass") from error
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # it is flushed once more at the end
        raise DataError("nobody reads the answer", "it does not pass") from error


def _runs(state: Path) -> bool:
    return (state / "control.sock").exists()


def _plain(found: Assessed, most: float, passes: bool) -> dict[str, object]:
    from logwatch.heatmap.ticks import moment

    risk = found.risk
    return {
        "source": found.window.source, "at": moment(found.window.end).replace(" ", "T") + "Z",
        "risk": risk.probability, "horizon": risk.horizon, "max": most, "passes": passes,
        "drivers": [{"metric": name, "share": share} for name, share in risk.drivers], "detail": risk.detail,
    }  # fmt: skip


def _show(found: Assessed, most: float, passes: bool) -> None:
    from logwatch.heatmap.shown import clean
    from logwatch.heatmap.ticks import moment

    risk, window = found.risk, found.window
    verdict = "passes" if passes else "does not pass"
    sign = "≤" if passes else ">"
    click.echo(
        f"{clean(window.source, 80)} at {moment(window.end)} UTC: risk {risk.probability:.2f} within "
        f"{risk.horizon:g} s {sign} {most:g}: {verdict}"
    )
    click.echo(risk.detail)
    for name, share in risk.drivers:
        click.echo(f"{share:>5.0%} {clean(name)}")
