"""The wheel, installed into a bare environment outside the clone: complete, typed, and its demo runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import logwatch

ROOT = Path(__file__).parents[2]
DEMO_MOST = 2 * 1024 * 1024
"""Bytes of recordings that the wheel may carry."""

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LOGWATCHD_"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, ROOT, cwd=folder)
    if built.returncode and "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("the build needs hatchling, and no package index answers")
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("logwatchd-*.whl")
    return made


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone; what it depends on is borrowed from ours (torch is large)."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "-q", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    # A .pth file of ours is not followed from there: the clone stays out of sight.
    (site,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_the_recordings_and_the_risk_plugin_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {info.filename: info.file_size for info in archive.infolist()}
    own = {"logwatch", "logwatch_cnn_risk", f"logwatchd-{logwatch.__version__}.dist-info"}
    assert {name.split("/")[0] for name in names} == own
    assert {"logwatch/py.typed", "logwatch/demo_data/labels.csv"} <= set(names)
    assert 0 < sum(size for name, size in names.items() if name.startswith("logwatch/demo_data/")) <= DEMO_MOST


def test_the_installed_program_is_the_wheels(bare: Path) -> None:
    program = bare / "venv" / "bin" / "logwatchd"
    assert run(program, "--version", cwd=bare).stdout.strip() == f"logwatchd, version {logwatch.__version__}"
    where = run(bare / "venv" / "bin" / "python", "-c", "import logwatch; print(logwatch.__file__)", cwd=bare)
    assert Path(where.stdout.strip()).is_relative_to(bare)


def test_the_demo_runs_outside_the_clone(bare: Path) -> None:
    done = run(bare / "venv" / "bin" / "logwatchd", "demo", "--json", cwd=bare)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    recordings = report["recordings"]
    programs = [recording for recording in recordings if recording["name"] != "host"]
    assert all(recording["records"] > 0 and recording["faults"] for recording in programs)
    assert all(recording["values"] > 0 for recording in recordings)
    assert 0 < report["risk"]["probability"] < 1
    assert len(programs) >= 3
    assert any(len(fault["by"]) == 2 for program in programs for fault in program["faults"]), "logs and metrics join"
