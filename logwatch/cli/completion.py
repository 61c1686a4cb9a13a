"""`logwatchd completion`: completion of verbs, options and files in a shell."""

from __future__ import annotations

import click

from logwatch.cli import options
from logwatch.cli.exits import COMPLETE, PROGRAM


@options.verb(
    "completion",
    help="""Print the completion script of a shell.""",
    examples="""
    logwatchd completion bash > /etc/bash_completion.d/logwatchd
    logwatchd completion zsh > "${fpath[1]}/_logwatchd"
    logwatchd completion fish > ~/.config/fish/completions/logwatchd.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    from click.shell_completion import ShellComplete, get_completion_class

    from logwatch.cli.verbs import cli

    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    # The base class's `source`: that of bash would first run a bash, to complain where it is an old one.
    click.echo(ShellComplete.source(completion(cli, {}, PROGRAM, COMPLETE)))
    return 0
