"""The group of verbs. Each is imported only when it is used, so that `--help` costs nothing of what it would need."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import Any

import click

import logwatch

VERBS = (
    "tail", "run", "demo", "check-config", "score", "templates", "heatmap", "backtest", "train", "risk", "status",
    "alerts", "mark", "model", "plugins", "completion",
)  # fmt: skip
"""In the order of the help: what a newcomer needs comes first."""


@dataclass(slots=True)
class Invocation:
    """What is known of the command line before a verb runs."""

    debug: bool = False


class Verb(click.Command):
    """A verb: every one takes `--debug`, so that it can be put at the end of a command that failed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples stand as they were written."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.strip().splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line.strip()}\n")


def _set_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).debug = True


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_debug,
        help="Show where an error came from.",
    )


class Verbs(click.Group):
    """The program itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"logwatch.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in VERBS:
            near = difflib.get_close_matches(name, VERBS, n=1)
            raise click.UsageError(f"There is no verb '{name}'." + (f" Did you mean '{near[0]}'?" if near else ""), ctx)
        return super().resolve_command(ctx, args)


cli = Verbs(
    "logwatchd",
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="VERB ...",
    help="""Learns what is normal in your logs, and says what is not.

Give it a log, and it learns its lines as they come: which there are, what follows what, how often, how long apart.
You set no thresholds, only how many alerts you would like ("2/day"). Each alert shows the lines, and what was
expected instead.

Start with `logwatchd demo`, or with a log of yours: `logwatchd tail /var/log/syslog`.""",
    epilog="Each verb has its own help: logwatchd tail --help",
)
click.version_option(logwatch.__version__, "--version", prog_name="logwatchd")(cli)
