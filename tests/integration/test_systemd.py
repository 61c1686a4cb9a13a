"""The unit in a real systemd: start, reload, kill -9, watchdog, stop, exposure, removal. `systemd_probe.sh` does it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("systemd_probe.sh")


def test_the_scripts_are_well_formed() -> None:
    for script in (ROOT / "systemd" / "install.sh", PROBE):
        subprocess.run(["bash", "-n", str(script)], check=True)
        assert os.access(script, os.X_OK), f"{script} cannot be run"


def test_the_unit_is_well_formed() -> None:
    unit = ROOT / "systemd" / "logwatchd.service"
    keys = [line.partition("=")[0] for line in unit.read_text().splitlines() if "=" in line and line[0] not in "#["]
    assert len(keys) == len(set(keys)) + 1, "only SystemCallFilter has two lines"
    text = unit.read_text()
    assert "RestartPreventExitStatus=64 73 78" in text
    assert "\nMemoryDenyWriteExecute" not in text, "PyTorch makes code at run time"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    "LOGWATCHD_TEST_SYSTEMD" not in os.environ, reason="LOGWATCHD_TEST_SYSTEMD names no script that boots a systemd"
)
def test_the_service_lives_through_all_that_a_service_manager_does(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    wheel = next(tmp_path.glob("*.whl"))
    ran = subprocess.run(
        [os.environ["LOGWATCHD_TEST_SYSTEMD"], str(PROBE), str(wheel), sysconfig.get_paths()["purelib"]],
        capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert ran.stdout.rstrip().endswith("all steps passed")
