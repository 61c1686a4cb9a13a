"""Options that several verbs share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from logwatch.cli.verbs import Invocation, Verb

if TYPE_CHECKING:
    from logwatch.config import Loaded

    Text = click.ParamType[str]
else:
    Text = click.ParamType  # generic since click 8.4

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("/etc/logwatchd/logwatchd.toml")


class Checked(Text):
    """A value that is checked by a function of `logwatch.config`, and kept as it was written.

    Args:
        name: how help calls the value.
        check: name of the function; it raises ValueError.
    """

    def __init__(self, name: str, check: str) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from logwatch import config  # pydantic: not needed for help

        check = config.Budget.parse if self._check == "budget" else config.check_pattern
        try:
            check(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


def verb(name: str, *, examples: str, help: str) -> Callable[[Callable[..., int]], click.Command]:
    """Declare a verb; its function returns the exit code."""
    return click.command(name, cls=Verb, help=help, epilog=examples, short_help=help.strip().split("\n\n")[0])


state = click.option(
    "--state",
    type=click.Path(path_type=Path),  # one that is no directory is a state that cannot be written, not a wrong usage
    metavar="DIR",
    help="Go on from what was learned in DIR, and keep there what is learned now.",
)

budget = click.option(
    "--budget",
    type=Checked("budget", "budget"),
    metavar="N/PERIOD",
    help="How many alerts you would like per source: 2/day, 1/week, or 0.1% of what is judged.  "
    "[default: as configured, else 2/day]",
)

source = click.option(
    "--source",
    metavar="NAME",
    help="Name of the source; it may hold {name}, {path}, {host}. Files of one name are watched as one source.",
)

entity = click.option(
    "--entity",
    type=Checked("regex", "entity"),
    metavar="REGEX",
    help="What a line is about: the first group of REGEX, as in 'request_id=(\\S+)', else its whole match. "
    "Each is then watched by itself.",
)

learning = click.option(
    "--learning",
    type=click.Choice(["online", "frozen"]),
    help="Go on learning from the lines, or only judge them.  [default: as configured, else online]",
)

model = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Begin with what a model knows that was learned elsewhere: a file of `model export` or `train logs`. A state "
    "that has learned already keeps its own.",
)

config_file = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIG,
    show_default=True,
    metavar="FILE",
    help="The configuration, in TOML.",
)

daemon_config = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"The configuration of the daemon.  [default: {DEFAULT_CONFIG}, if there is one]",
)

as_json = click.option("--json", "as_json", is_flag=True, help="JSON, also on a terminal.")


def paths(help_name: str = "PATH", *, required: bool = True) -> Callable[[F], F]:
    """Files and globs; `-` is standard input."""
    return click.argument("paths", nargs=-1, required=required, metavar=f"{help_name}...")


def quiet_log() -> None:
    """For verbs that talk to people themselves: the program's own log only says what went wrong inside."""
    from logwatch.telemetry import configure_log

    invocation = click.get_current_context().ensure_object(Invocation)
    configure_log("console", "debug" if invocation.debug else "error")


def given(**flags: tuple[str, Any]) -> dict[str, tuple[str, Any]]:
    """Setting → (flag, value), for `load`; flags that were not given (None) say nothing."""
    return {key: (flag, value) for key, (flag, value) in flags.items() if value is not None}


def settings(file: Path | None = None, **flags: tuple[str, Any]) -> Loaded:
    """The settings of a call that configures no components by tables."""
    from logwatch.config import load

    return load(file, flags=given(**flags))


def windowed(config: Loaded, steps: int | None) -> Loaded:
    """With windows of so many steps; None: as configured."""
    if steps is None:
        return config
    heatmap = config.settings.heatmap.model_copy(update={"window": steps})
    return replace(config, settings=config.settings.model_copy(update={"heatmap": heatmap}))
