"""`check-config --lines`: what the rules on templates make of the lines of a file, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from logwatch.cli.wording import plural

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from logwatch.config import Loaded
    from logwatch.requests import RulesReport

SHOWN = 50
"""Templates shown on a terminal."""


def show(loaded: Loaded, lines: Path, *, as_json: bool) -> int:
    """Try the rules on a file, print what came out, and return the exit code."""
    from logwatch import app
    from logwatch.cli import options
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        found = app.ruled_lines(loaded, lines, ui)
        if ui.for_people:
            ui.show(*_rows(found))
        else:
            ui.write(json.dumps(asdict(found), ensure_ascii=True))
    return 0


def _rows(found: RulesReport) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.sinks.render import escape

    yield Text(f"{plural(found.lines, 'line')}, {plural(len(found.rules), 'rule')}", "bold")
    for number, rule in enumerate(found.rules):
        yield Text(f"{rule.lines:>9,}  ", "cyan").append(escape(f"[{number}] {rule.kind} = {rule.pattern}"), "default")
        yield _cut(Text(f"{'':>11}{escape(rule.example)}" if rule.lines else f"{'':>11}no line", "dim"))
    for template in found.templates[:SHOWN]:
        by = ", ".join(map(str, template.rules))
        yield (
            Text(f"{template.count:>9,}  ", "cyan").append(escape(template.template), "bold").append(f"  [{by}]", "dim")
        )
        yield _cut(Text(f"{'':>11}e.g. {escape(template.example)}", "dim"))
    if len(found.templates) > SHOWN:
        yield Text(f"{'':>11}and {plural(len(found.templates) - SHOWN, 'more template')}", "dim")


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
