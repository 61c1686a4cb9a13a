"""The command line: one file a verb. This is the only place that exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from logwatch.cli.exits import COMPLETE, PROGRAM, Failure, explain
from logwatch.cli.verbs import Invocation, cli


def main() -> NoReturn:
    """The command `logwatchd`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code."""
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)
    invocation = Invocation()
    try:
        return _invoke(list(arguments), invocation)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # nothing may reach the user as a traceback
        return _end(explain(error, debug=invocation.debug))


def _invoke(arguments: list[str], invocation: Invocation) -> int:
    with cli.make_context(PROGRAM, arguments, obj=invocation) as context:
        code = cli.invoke(context)
        sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _end(failure: Failure) -> int:
    if failure.output_lost:
        # The interpreter flushes standard output once more at its end; that must not fail loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if failure.text:
        click.echo(failure.text, err=True)
    return failure.code


__all__ = ["main", "run"]
