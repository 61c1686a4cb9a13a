"""`logwatchd risk --url`, and `--state` of a running daemon: its answers as a gate."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from logwatch.cli import options
from logwatch.requests import RiskAsk


def gate(url: str, token_file: Path | None, state: Path | None, source: str | None, most: float, as_json: bool) -> int:
    """0: every source has a risk, and none is above. 1: one is above. Raises DataError where one has none."""
    from logwatch import app
    from logwatch.errors import DataError

    rows = app.risk_asked(RiskAsk(url, _token(token_file), state, source))
    above = [one for one in rows if one["probability"] is not None and one["probability"] > most]
    unknown = [one for one in rows if one["probability"] is None]
    if as_json:
        highest = max((one["probability"] for one in rows if one["probability"] is not None), default=None)
        passes = not above and not unknown
        sys.stdout.write(json.dumps({"results": rows, "highest": highest, "max": most, "pass": passes}) + "\n")
    else:
        for one in rows:
            _show(one, most)
    if unknown and not above:
        one = unknown[0]
        more = f", and of {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise DataError(f"no risk of {one['source']!r}{more}: {one.get('error') or 'unknown'}", "it does not pass")
    return 1 if above else 0


def _token(file: Path | None) -> str:
    from logwatch.errors import DataError

    if file is None:
        secret = options.settings().settings.http.token()
        return secret.get_secret_value() if secret else ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'no text'}") from error


def _show(one: dict[str, Any], most: float) -> None:
    from logwatch.heatmap.shown import clean

    name = clean(one["source"], 80)
    if one["probability"] is None:
        click.echo(f"{name}: no risk: {clean(str(one.get('error') or 'unknown'), 200)}")
        return
    passes = one["probability"] <= most
    sign, verdict = ("≤", "passes") if passes else (">", "does not pass")
    click.echo(
        f"{name} at {one['time']}: risk {one['probability']:.2f} within {one['horizon']:g} s {sign} {most:g}: {verdict}"
    )
    for metric, share in one["drivers"]:
        click.echo(f"{share:>5.0%} {clean(metric)}")
