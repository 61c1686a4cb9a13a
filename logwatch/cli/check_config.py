"""`logwatchd check-config`: is a configuration right, and what does it come to?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logwatch.cli import options, ruled
from logwatch.cli.wording import plural

if TYPE_CHECKING:
    from logwatch.config import Loaded, Problem
    from logwatch.plugins import Checked, Configured

# What could act on a terminal, and is written as it is by JSON.
_ACTING = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")

Row = tuple[tuple[str | int, ...], Any, str]
"""Path of a value, the value as it is written, where it comes from."""


@options.verb(
    "check-config",
    help="""Check a configuration, and show what it comes to.

    Nothing is opened.
    Every value is shown with where it comes from: the file and line, an environment variable, or the default. Where
    something is wrong, every error is shown at once, with the nearest valid name; the exit code is then 78. The rules
    on templates are tried on the lines that they carry.

    With --lines: what the rules on templates make of the lines of a file.""",
    examples="""
    logwatchd check-config -c logwatchd.toml
    LOGWATCHD_BUDGET=5/day logwatchd check-config -c logwatchd.toml | grep -v default
    logwatchd check-config -c logwatchd.toml --json | jq '.errors'
    logwatchd check-config -c logwatchd.toml --lines /var/log/app.log
    """,
)
@options.config_file
@click.option(
    "--lines",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="LOGFILE",
    help="Show what the rules on templates make of these lines.",
)
@options.as_json
def command(file: Path, lines: Path | None, as_json: bool) -> int:
    from logwatch.config import ConfigProblems

    try:
        configured = _checked(file)
    except ConfigProblems as error:
        if not as_json:
            raise
        click.echo(json.dumps({"file": str(file), "valid": False, "errors": _problems_json(error.problems)}))
        return ConfigProblems.exit_code
    if lines is not None:
        return ruled.show(configured.loaded, lines, as_json=as_json)
    warnings = [*configured.left_out, *_warnings(configured)]
    rows = [*_rows(configured)]
    if as_json:
        click.echo(json.dumps(_json(file, rows, warnings)))
        return 0
    _show(rows)
    for warning in warnings:
        click.echo(click.style("warning: ", fg="yellow") + str(warning), err=True)
    click.echo(f"{file}: valid" + (f", {plural(len(warnings), 'warning')}" if warnings else ""), err=True)
    return 0


def _checked(file: Path) -> Configured[Checked]:
    """Raises ConfigProblems, also where the rules on templates do not do what their lines say."""
    from logwatch.config import ConfigProblems
    from logwatch.plugins import check

    configured = check(file)
    if any(rule.same or rule.different for rule in configured.loaded.settings.template):
        from logwatch import app  # the miner, 0.5 s

        if problems := app.rule_problems(configured.loaded):
            raise ConfigProblems(problems)
    return configured


def _rows(configured: Configured[Checked]) -> Iterator[Row]:
    from logwatch.config.layers import DEFAULT
    from logwatch.plugins import INHERITED

    loaded = configured.loaded
    yield from loaded.values()
    for one in configured.resolved:
        generic = one.part.table.model_dump(mode="json", include=set(type(one.part.table).model_fields))
        for key, value in (generic | one.config.model_dump(mode="json")).items():
            path = (*one.part.path, key)
            origin = loaded.origin(path)
            inherited = origin == DEFAULT and key in INHERITED and key not in generic
            yield path, value, loaded.origin((key,)) if inherited else origin


def _warnings(configured: Configured[Checked]) -> Iterator[Problem]:
    from logwatch.config import Problem

    loaded = configured.loaded
    for table, what in (("source", "there is nothing to read"), ("sink", "alerts are only kept in the state")):
        if not getattr(loaded.settings, table):
            yield Problem("", table, f"none is configured: {what}")
    for one in configured.resolved:
        yield from _unmatched(loaded, one)


def _unmatched(loaded: Loaded, one: Checked) -> Iterator[Problem]:
    """Paths of a source that match nothing: right in a configuration that runs ahead of its programs, or a slip."""
    import glob

    from logwatch.config import Problem, dotted

    for index, pattern in enumerate(getattr(one.config, "paths", ())):
        if not any(glob.iglob(str(pattern), recursive=True)):
            path = (*one.part.path, "paths", index)
            yield Problem(loaded.locate(path), dotted(path), f'"{pattern}" matches nothing now')


def _show(rows: list[Row]) -> None:
    """As TOML that could be used in the file's place, the origins as comments."""
    table: tuple[str | int, ...] = ()
    for path, value, origin in rows:
        if path[:-1] != table:
            table = path[:-1]
            click.echo("\n" + click.style(_header(table), bold=True))
        line = f"{_key(path[-1])} = {_toml(value)}" if value is not None else f"# {_key(path[-1])} is not set"
        click.echo(f"{line:<48}  " + click.style(f"# {origin}", dim=origin == "default"))


def _header(table: tuple[str | int, ...]) -> str:
    keys = ".".join(_key(part) for part in table if isinstance(part, str))
    return f"[[{keys}]]" if isinstance(table[-1], int) else f"[{keys}]"


def _key(key: str | int) -> str:
    text = str(key)
    return text if text.replace("-", "").replace("_", "").isalnum() and text.isascii() else json.dumps(text)


def _toml(value: Any) -> str:
    """JSON is TOML for texts, numbers, truth values and lists of them; tables are written inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return _ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _json(file: Path, rows: list[Row], warnings: list[Problem]) -> dict[str, Any]:
    from logwatch.config import dotted

    settings = [{"key": dotted(path), "value": value, "origin": origin} for path, value, origin in rows]
    return {"file": str(file), "valid": True, "settings": settings, "warnings": _problems_json(warnings)}


def _problems_json(problems: Any) -> list[dict[str, str]]:
    return [{"where": one.where, "key": one.key, "message": one.message} for one in problems]
