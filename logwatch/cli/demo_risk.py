"""What `demo` ends with: the metrics while a fault was there, as a heatmap, and the risk that they showed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logwatch.cli.ui import Terminal
from logwatch.requests import DemoRisk

if TYPE_CHECKING:
    from rich.console import RenderableType


def draw(found: DemoRisk, png: Path | None) -> Path:
    """Write the picture; without a name, to a new file. Raises StateNotWritable."""
    from logwatch.cli.heatmap import save_png
    from logwatch.heatmap.picture import picture

    if png is None:
        handle, name = tempfile.mkstemp(prefix="logwatchd-demo-", suffix=".png")
        os.close(handle)
        png = Path(name)
    note = f"risk {found.risk.probability:.2f} within {found.risk.horizon:g} s, {found.risk.detail}"
    save_png(png, picture(found.window, note=note, heat=found.risk.heat))
    return png


def show_risk(found: DemoRisk, drawn: Path | None, ui: Terminal) -> None:
    """For people."""
    ui.show(*_rows(found, drawn, ui.columns))


def _rows(found: DemoRisk, drawn: Path | None, columns: int) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.cli.heatmap import preview
    from logwatch.decide.risks import sentence
    from logwatch.sinks.render import escape

    yield Text()
    yield from preview(found.window, columns)
    said = Text(f"{escape(found.fault.name)}: ", "bold")
    yield said.append(escape(sentence(found.risk)), "not bold")
    if drawn is not None:
        yield Text(f"picture: {escape(str(drawn))}", "dim")


def risk_json(found: DemoRisk) -> dict[str, Any]:
    """For programs."""
    from logwatch.sinks.schema import rfc3339

    return {
        "source": found.window.source, "time": rfc3339(found.window.end), "fault": found.fault.name,
        "probability": found.risk.probability, "horizon": found.risk.horizon, "detail": found.risk.detail,
        "drivers": [[name, share] for name, share in found.risk.drivers],
    }  # fmt: skip
