"""What tests of the file source share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.reader import Reader, readers


@pytest.fixture(scope="session")
def reading() -> type[Reader]:
    """Makes readers: `reading("/var/log/*.log", once=True)`."""
    return Reader


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with one line."""
    path = tmp_path / "app.log"
    path.write_bytes(b"first\n")
    return path


@pytest.fixture(autouse=True)
def _close_readers() -> Iterator[None]:
    yield
    while readers:
        readers.pop().source.close()
