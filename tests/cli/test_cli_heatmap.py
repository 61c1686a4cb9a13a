"""`logwatchd heatmap` as people call it: a picture in a file or on standard output, colours in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from logwatch.cli import run
from logwatch.cli.heatmap import preview
from logwatch.types import Mark, MetricWindow

START = 1_760_000_000
SECOND = 10**9


Call = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def call(capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """A command line in this process: its exit code, and what it wrote where."""

    def carried_out(*arguments: str) -> tuple[int, bytes, str]:
        code = run(["heatmap", *arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return carried_out


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("metrics") / "web"
    rows = ["time,name,labels,value"]
    for step in range(60):
        stamp = str(np.datetime64(START + 10 * step, "s")) + "Z"
        rows += [f"{stamp},cpu,,{step % 9}", f"{stamp},memory,,{step}"]
    file.write_text("\n".join(rows) + "\n")
    return file


def test_a_picture_is_written(call: Call, metrics: Path, tmp_path: Path) -> None:
    out = tmp_path / "web.png"
    code, _, err = call(str(metrics), "-o", str(out))
    assert code == 0, err
    with Image.open(out) as found:
        assert found.format == "PNG"
    code, piped, err = call(str(metrics), "-o", "-")
    assert code == 0, err
    assert piped == out.read_bytes()
    with Image.open(BytesIO(piped)) as found:
        found.verify()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 64, "-o"),
        (("-o", "x.jpg"), 64, ".png"),
        (("-o", "x.png", "--at", "yesterday"), 64, "is no time like"),
        (("-o", "x.png", "--at", "2020-01-01T00:00:00Z"), 65, "they go from"),
        (("-o", "x.png", "--source", "db"), 65, "there are: web"),
        (("-o", "no/such/folder/x.png"), 73, "cannot write"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(
    call: Call, metrics: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, out, err = call(str(metrics), *arguments)
    assert found == code
    assert said in err
    assert out == b""


def test_files_or_a_state_are_named_and_not_both(call: Call, metrics: Path, tmp_path: Path) -> None:
    for arguments in ((), (str(metrics), "--state", str(tmp_path))):
        code, _, err = call(*arguments, "-o", "x.png")
        assert code == 64
        assert "Name files, or" in err


def test_nothing_there_is_exit_66(call: Call, tmp_path: Path) -> None:
    assert call(str(tmp_path / "none"), "-o", "x.png")[0] == 66


def test_the_preview_fits_its_terminal_and_shows_marks() -> None:
    values = np.random.default_rng(0).normal(size=(5, 120)).astype(np.float32)
    values[2, 100:] = np.nan
    marks = (Mark(START * SECOND + 110 * 10 * SECOND, "incident", "x"),)
    names = ("cpu", "evil\x1b[2J\n", "long" * 50, "memory", "x")
    window = MetricWindow("web\x1b[31m", names, START * SECOND, 10 * SECOND, values, None, marks)
    for columns in (20, 60, 80, 200):
        rows = [row.plain for row in preview(window, columns)]
        assert all(row.isprintable() for row in rows)
        assert all(len(row) <= columns for row in rows[1:6])
        assert "▲" in rows[6]
    wide = [row.plain for row in preview(window, 200)]
    names_end = 200 // 3 + 1
    assert wide[6].index("▲", names_end) - names_end == 110
    cells = {span.style for row in list(preview(window, 200))[1:6] for span in row.spans}
    assert len(cells) > 50
