"""Fixtures of the integration tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    for running in program.started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def unprivileged(program: Program) -> Program:
    """The program with the rights that permissions give, although the tests may run as root."""
    if os.geteuid() != 0:
        return program
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing: root may read everything")
    drop = "-dac_override,-dac_read_search"
    program.prefix = ("setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}")
    if subprocess.run([*program.prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("setpriv may not drop capabilities here")
    return program
