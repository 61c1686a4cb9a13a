"""`logwatchd plugins`: which plugins there are, whether they are sound, and the beginning of a new one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logwatch.cli import options

if TYPE_CHECKING:
    from logwatch.app.plugins import PluginReport

REFUSED = 78
KINDS = ("source", "decoder", "detector", "risk", "sink", "hook")


@options.verb(
    "plugins",
    help="""List, check or begin plugins.

    list: every component that a configuration can name, and where it comes from. Nothing of a plugin is run.

    check [NAME or FILE.py ...]: load plugins and hold them against the rules of their kind; without a name, all of
    them. The exit code is 78 where one is refused.

    new KIND NAME: write a plugin with a test that passes. KIND is source, decoder, detector, risk, sink or hook.""",
    examples="""
    logwatchd plugins list
    logwatchd plugins new detector forbidden_words
    logwatchd plugins check forbidden_words/forbidden_words.py
    """,
)
@click.argument("action", type=click.Choice(["list", "check", "new"]))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The configuration: its plugins_dir, and what it names.  [default: the environment's]",
)
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Where `new` writes.  [default: NAME]")
@options.as_json
def command(action: str, names: tuple[str, ...], file: Path | None, into: Path | None, as_json: bool) -> int:
    if action == "new":
        return _new(names, into)
    if into is not None or (action == "list" and names):
        raise click.UsageError(f"`plugins {action}` takes no {'--into' if into is not None else 'names'}.")
    loaded = options.settings(file)
    options.quiet_log()
    from logwatch import app

    found = app.list_plugins(loaded) if action == "list" else app.check_plugins(loaded, names)
    if as_json:
        for one in found:
            click.echo(json.dumps(asdict(one)))
    else:
        _show(found)
    return REFUSED if action == "check" and any(one.problem for one in found) else 0


def _new(names: Sequence[str], into: Path | None) -> int:
    if len(names) != 2 or names[0] not in KINDS:
        raise click.UsageError(f"`plugins new` takes a kind ({', '.join(KINDS)}) and a name.")
    from logwatch import app

    kind: Any = names[0]
    files, use = app.new(kind, names[1], into)
    for path in files:
        click.echo(path)
    folder = files[0].parent
    click.echo(f"\nTry it:\n  python -m pytest {folder}\n  pip install -e {folder}\n\nUse it:", err=True)
    click.echo("".join(f"  {line}\n" for line in use.splitlines()), err=True, nl=False)
    return 0


def _show(found: Sequence[PluginReport]) -> None:
    if not found:
        click.echo("There is no plugin.", err=True)
    for one in found:
        origin = one.checked or one.origin
        used = "" if not one.used else "  (in use)"
        click.echo(f"{one.kind:<9} {one.name:<20} {one.api:<4} {_safe(origin)}{used}")
        if one.problem:
            lines = [_safe(line) for line in one.problem.splitlines()]
            click.echo(click.style("  refused: ", fg="red") + "\n  ".join(lines))


def _safe(text: str) -> str:
    from logwatch.sinks.render import escape

    return escape(text)
