"""`logwatchd train risk` and `logwatchd risk` as people call them: a gate that never passes in silence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from logwatch.cli import run
from tests.cli.conftest import Call
from tests.plugins import deployments_made as made

HEAD = "source,deployment,start,end,failed,failed_at,fault"


def stamp(number: int, second: int) -> str:
    """Deployments follow each other, two minutes apart."""
    return str(np.datetime64(made.START // made.SECOND + 120 * number + second, "s")) + "Z"


def write(folder: Path, numbers: Sequence[int]) -> None:
    """Metrics of deployments, a file each."""
    for number in numbers:
        values, _ = made.deployment(number)
        rows = [f"{stamp(number, at)}," + ",".join(f"{x:.5g}" for x in step) for at, step in enumerate(values.T)]
        (folder / f"d{number}.csv").write_text("\n".join([",".join(("time", *made.NAMES)), *rows]) + "\n")


def labels(folder: Path, numbers: Sequence[int], name: str = "d{}.csv") -> Path:
    rows = []
    for number in numbers:
        _, fault = made.deployment(number)
        failed = f"1,{stamp(number, made.LENGTH)},{fault}" if fault else "0,,"
        rows.append(f"{name.format(number)},d{number},{stamp(number, 0)},{stamp(number, made.LENGTH + 1)},{failed}")
    file = folder / "labels.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("deployments")
    write(place, range(20))
    labels(place, range(20))
    return place


@pytest.fixture(scope="module")
def weights(folder: Path) -> Path:
    out = folder / "risk.safetensors"
    files = [str(folder / f"d{number}.csv") for number in range(20)]
    arguments = ["train", "risk", *files, "--labels", str(folder / "labels.csv"), "-o", str(out)]
    assert (
        run([*arguments, "--horizon", "30s", "--window", "16", "--report", str(folder / "report.html"), "--json"]) == 0
    )
    return out


def test_the_report_is_a_page_with_the_curves_of_every_model(folder: Path, weights: Path) -> None:
    page = (folder / "report.html").read_text()
    for said in ("ROC", "Precision and recall", "Calibration", "Lead time", "slow leak", "row-shared"):
        assert said in page
    assert page.count("<polyline") == 5 * 4
    assert "<script" not in page
    assert "http" not in page


def test_a_report_that_cannot_be_written_is_said_before_the_work(call: Call, folder: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "report.html"
    files = ("train", "risk", folder / "d0.csv", "--labels", folder / "labels.csv", "-o", tmp_path / "x.safetensors")
    code, _, err = call(*files, "--report", nowhere)
    assert code == 73, err
    assert "no such directory" in err


def test_training_reports_every_model_and_the_gate_uses_what_it_wrote(call: Call, folder: Path, weights: Path) -> None:
    gate = ("--weights", weights, "--window", 16, "--at", stamp(0, 58), "--json")
    code, out, err = call("risk", folder / "d0.csv", *gate)
    assert code == 1, err
    found = json.loads(out)
    assert found["risk"] > 0.5
    assert found["passes"] is False
    assert found["drivers"][0]["metric"] == "memory"
    assert "by the" in found["detail"]
    code, out, err = call("risk", folder / "d3.csv", "--weights", weights, "--window", 16, "--at", stamp(3, 58))
    assert code == 0, err
    assert "passes" in out


def test_the_limit_decides(call: Call, folder: Path, weights: Path) -> None:
    gate = ("--weights", weights, "--window", 16, "--at", stamp(0, 58))
    assert call("risk", folder / "d0.csv", *gate, "--max", 1)[0] == 0
    assert call("risk", folder / "d3.csv", *gate[:-1], stamp(3, 58), "--max", 0)[0] == 1


def test_the_picture_shows_what_drove_it(call: Call, folder: Path, tmp_path: Path) -> None:
    png = tmp_path / "why.png"
    arguments = ("risk", "--metrics", folder / "d0.csv", "--window", 16, "--at", stamp(0, 58), "--max", 1)
    code, _, err = call(*arguments, "--png", png)
    assert code == 0, err
    plain = tmp_path / "plain.png"
    call("heatmap", folder / "d0.csv", "--at", stamp(0, 58), "-o", plain)
    with Image.open(png) as found:
        colours = {colour for _, colour in found.convert("RGB").getcolors(1 << 20)}
    assert (214, 40, 40) in colours  # of frames: nothing else in this picture has it


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 64, "Name files"),
        (("d0.csv", "--model", "cnn"), 64, "needs --weights"),
        (("d0.csv", "--max", "2"), 64, "--max"),
        (("d0.csv", "--at", "soon"), 64, "is no time like"),
        (("no.csv",), 66, "nothing to read"),
        (("d0.csv",), 65, "too old"),
        (("d0.csv", "--source", "web", "--at", "2025-10-09T08:54:10Z"), 65, "there are: d0.csv"),
        (("d0.csv", "--at", "2020-01-01T00:00:00Z"), 65, "no metrics"),
        (("d0.csv", "--window", "600", "--max-age", "9000d"), 65, "too few samples"),
        (("log.txt", "--max-age", "9000d"), 65, "too few metrics"),
        (("d0.csv", "--weights", "missing.safetensors"), 65, "missing.safetensors: no such file"),
        (("d0.csv", "--weights", "labels.csv"), 65, "labels.csv: no safetensors file"),
    ],
)
def test_where_there_is_no_answer_it_does_not_pass(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "log.txt").write_text("2026-01-01T00:00:00Z INFO started\n" * 30)
    found, out, err = call("risk", *arguments)
    assert found == code, err
    assert said in err
    assert out == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",1,", ",0,"), "none of 20 deployments failed"),
        (lambda text: text.replace("d1", "x1").replace("d0", "x0"), "labels match"),
        (lambda text: text.replace("failed_at", "when"), "no column 'failed_at'"),
        (lambda text: text.replace(",1,", ",yes,"), "neither 0 nor 1"),
        (lambda text: text.replace("2025-", "20a5-"), "line 2"),
        (lambda text: text.splitlines()[0] + "\n", "no deployment in it"),
        (lambda text: "\n".join(text.splitlines()[:6]) + "\n", "training needs 5 and 5"),
    ],
)
def test_labels_that_cannot_be_learned_from_are_refused(
    call: Call, folder: Path, tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    file = tmp_path / "labels.csv"
    text = (folder / "labels.csv").read_text()
    changed = change(text).replace("\nd", "\ngone") if said == "labels match" else change(text)
    file.write_text(changed)
    files = [folder / f"d{number}.csv" for number in range(20)]
    out = tmp_path / "x.safetensors"
    code, _, err = call("train", "risk", *files, "--labels", file, "-o", out, "--window", 16)
    assert code == 65, err
    assert said in err
    assert not out.exists()


def opened(pid: int, file: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return any(os.path.realpath(one) == str(file) for one in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it closed another while we looked
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_gate_that_is_interrupted_does_not_pass(tmp_path: Path, number: signal.Signals) -> None:
    values = np.random.default_rng(0).normal(5, 1, (40_000, 8)).round(3)
    rows = (f"{stamp(0, at)}," + ",".join(map(str, row)) for at, row in enumerate(values.tolist()))
    file = tmp_path / "long.csv"
    file.write_text("\n".join(["time,a,b,c,d,e,f,g,h", *rows]) + "\n")
    command = [sys.executable, "-m", "logwatch", "risk", str(file), "--max-age", "9000d", "--max", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not opened(running.pid, file):
            assert running.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)
        running.send_signal(number)
        out, err = running.communicate(timeout=100)
    assert (running.returncode, out) == (65, ""), err
    assert "it does not pass" in err


def test_a_gate_whose_reader_has_gone_away_does_not_pass(folder: Path) -> None:
    command = [sys.executable, "-m", "logwatch", "risk", str(folder / "d0.csv"), "--window", "16"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*command, "--at", stamp(0, 58), "--max", "0"], stdout=write, stderr=subprocess.PIPE,
                              text=True, check=False)  # fmt: skip
    finally:
        os.close(write)
    assert done.returncode == 65, done.stderr
    assert "it does not pass" in done.stderr
    assert "Broken" not in done.stderr


@pytest.mark.parametrize("horizon", ["1ms", "0.9s"])
def test_a_horizon_in_which_nothing_can_be_measured_is_refused(call: Call, folder: Path, horizon: str) -> None:
    arguments = ("train", "risk", folder / "d0.csv", "--labels", folder / "labels.csv", "-o", folder / "x.safetensors")
    code, _, err = call(*arguments, "--horizon", horizon)
    assert code == 64, err
    assert "at least 1s" in err


def test_an_output_that_cannot_be_written_is_said_before_the_work(call: Call, folder: Path) -> None:
    arguments = ("train", "risk", folder / "d0.csv", "--labels", folder / "labels.csv", "-o", "no/such/folder/x")
    assert call(*arguments)[0] == 73
