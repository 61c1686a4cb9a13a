"""Records of metrics that cannot be read, or not all of them: kept without secrets, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.telemetry import DEAD_LETTERS
from logwatch.types import RecordBatch, Stream

SCRAPE = b"# logwatchd scrape 1760000000000000000\n"


def letters(folder: Path, lines: list[bytes]) -> list[str]:
    """Texts of the dead letters of a scraped target."""
    n = len(lines)
    at = np.arange(n, dtype=np.int64)
    records = RecordBatch(lines, [Stream("s", "i")], np.zeros(n, np.int32), at, at + 1, np.zeros(n, np.uint8))
    loaded = load(environ={}, flags={})
    tables = {"p": SourceTable(kind="prometheus", signal="metrics")}
    with opened(loaded.settings, detectors_of(loaded), folder, tables) as session:
        session.pipeline.process(records, "p")
        session.commit()
    return [json.loads(line)["text"] for line in (folder / "dead-letters.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("good", [0, 1, 40])
def test_a_scrape_with_a_bad_line_is_kept_without_its_secrets(tmp_path: Path, good: int) -> None:
    """A scrape is a record of many lines: which record holds a secret must not be told by the number of its line."""
    before = DEAD_LETTERS.value(reason="not_a_number")
    bad = SCRAPE + b"a 1\n" * good + b'b{token="s3cr3tvalue"} x\n' + b"a 1\n" * good
    found = letters(tmp_path, [SCRAPE + b"a 1\n", bad, SCRAPE + b"c x"])
    assert len(found) == 2
    assert 'b{token="<redacted:token>"} x' in found[0]
    assert "s3cr3tvalue" not in "".join(found)
    assert DEAD_LETTERS.value(reason="not_a_number") - before == 2
