"""The command line in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from logwatch.cli import run

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """A command line in this process: its exit code, and what it wrote where."""

    def carried_out(*arguments: object) -> tuple[int, str, str]:
        code = run([str(one) for one in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return code, out, err

    return carried_out
