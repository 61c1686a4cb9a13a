"""`logwatchd train risk` without labels: what the log side found is what metrics are to foretell."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from logwatch.cli import run
from tests.cli.conftest import Call
from tests.integration.program import BEGIN

EVERY, GROWS, STEP = 1200, 40, 5
"""Seconds from one fault to the next, for how long memory grows before it, and from one value to the next."""

USUAL = (
    "GET /cart in {} ms", "POST /order {} accepted", "cache holds {} entries", "session {} opened", "session {} closed",
    "worker {} is idle", "mail {} sent", "rendered page {} for a guest",
)  # fmt: skip
FAULTS = (
    "disk sdb1 is full", "out of memory: worker was killed by the kernel", "certificate expired",
    "connection to the database refused, giving up after many tries", "deadlock found in the ledger",
    "too many open files", "replica lags behind and was taken out of the pool by hand", "thread pool exhausted",
    "cannot resolve payments.example", "segmentation fault in libimage", "clock went backwards, leases are void",
    "queue rejected the message since its quota is used up",
)  # fmt: skip
FAILED = [EVERY * (number + 2) for number in range(len(FAULTS))]
END = FAILED[-1] + EVERY
SILENT = (FAILED[4] + 500, FAILED[8] + 500)
RECORDED = Path(__file__).parents[1] / "data" / "recordings" / "redis"


def stamp(at: float) -> str:
    return f"{np.datetime64(BEGIN.replace(tzinfo=None), 'ms') + round(at * 1000)}Z"


def log() -> str:
    """A line every two seconds on average, and each fault says something that nobody has heard; twice it is silent."""
    rng, at, rows = (
        random.Random(5),
        0.0,
        list(zip(map(float, FAILED), (f"ERROR {one}" for one in FAULTS), strict=True)),
    )
    while at < END:
        at += rng.expovariate(0.5)
        if not any(begin < at < begin + 120 for begin in SILENT):
            rows.append((at, "INFO " + rng.choice(USUAL).format(rng.randrange(1000))))
    return "".join(f"{stamp(at)} {text}\n" for at, text in sorted(rows))


def metrics() -> str:
    rng, since = np.random.default_rng(3), np.arange(EVERY, END, STEP)
    grown = sum(np.clip(since - at + GROWS, 0, None) * (since <= at) for at in FAILED)
    load, waiting = rng.normal(5, 0.5, len(since)), rng.normal(3, 0.3, len(since))
    rows = zip(since.tolist(), load, rng.normal(50, 1, len(since)) + 1.5 * grown, waiting, strict=True)
    return "\n".join(["time,load,memory,waiting", *(f"{stamp(at)},{a:.3f},{b:.3f},{c:.3f}" for at, a, b, c in rows)])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that read the log of `web`, and metrics of the same program."""
    place = tmp_path_factory.mktemp("incidents")
    (place / "web.log").write_text(log())
    (place / "web.csv").write_text(metrics())
    assert run(["score", str(place / "web.log"), "--state", str(place / "state"), "--budget", "6/hour"]) == 0
    return place


def incidents(call: Call, state: Path) -> list[dict[str, str]]:
    out = call("alerts", "list", "--state", state, "--limit", 100, "--json")[1]
    return [json.loads(line) for line in out.splitlines()]


def test_incidents_of_the_log_side_teach_and_the_report_says_so(call: Call, place: Path, tmp_path: Path) -> None:
    state, out = shutil.copytree(place / "state", tmp_path / "state"), tmp_path / "risk.safetensors"
    known = incidents(call, state)
    silence, *_ = (one["incident"] for one in known if one["kind"] == "silence")
    left = sum(one["kind"] != "silence" for one in known)
    assert call("alerts", "normal", silence, "--state", state)[0] == 0  # no metric foretells one
    arguments = ("train", "risk", place / "web.csv", "--state", state, "--horizon", "20s", "--window", 16)
    code, said, err = call(*arguments, "-o", out, "--json")
    assert code == 0, err
    report = json.loads(said)
    assert report["notes"][0].startswith(f"labels: {left} incidents that the log side found, no failures")
    assert f"labels: {left} of {left} incidents" in err
    assert report["models"][report["serves"]]["auc"] > 0.8, report["models"]
    gate = ("risk", place / "web.csv", "--weights", out, "--window", 16)
    assert call(*gate, "--at", stamp(FAILED[4] - 3), "--max", 0.3)[0] == 1
    assert call(*gate, "--at", stamp(FAILED[4] - 300), "--max", 0.3)[0] == 0


def test_incidents_that_are_called_normal_do_not_teach_and_those_that_are_real_do(
    call: Call, place: Path, tmp_path: Path
) -> None:
    state = shutil.copytree(place / "state", tmp_path / "state")
    train = ("train", "risk", place / "web.csv", "--state", state, "--horizon", "20s", "--window", 16)
    found = incidents(call, state)
    faults = [one["incident"] for one in found if one["kind"] == "event"]
    assert len(faults) >= 10
    again, *normal, last = faults
    for one in (again, *normal):
        assert call("alerts", "normal", one, "--state", state)[0] == 0
    assert call("alerts", "undo", again, "--state", state)[0] == 0
    assert call("alerts", "normal", last, "--for", "1ms", "--state", state)[0] == 0
    assert call("alerts", "real", last, "--state", state)[0] == 0  # it was no longer said to be normal
    left = len(found) - len(normal)
    code, _, err = call(*train, "-o", tmp_path / "x.safetensors")
    assert code == 65, err
    assert f"{left} of {left} incidents of logs" in err
    assert f"{len(found) - left} more are normal" in err
    assert "training needs 10, in 5" in err
    assert not (tmp_path / "x.safetensors").exists()


def test_what_is_normal_of_one_silence_is_so_of_the_others_of_the_source(
    call: Call, place: Path, tmp_path: Path
) -> None:
    state = shutil.copytree(place / "state", tmp_path / "state")
    found = incidents(call, state)
    silences = [one["incident"] for one in found if one["kind"] == "silence"]
    assert len(silences) > 1
    assert call("alerts", "normal", silences[0], "--state", state)[0] == 0
    arguments = ("train", "risk", place / "web.csv", "--state", state, "--horizon", "10min")
    code, _, err = call(*arguments, "-o", tmp_path / "x.safetensors")
    assert code == 65, err
    assert f"{len(found) - len(silences)} of {len(found) - len(silences)} incidents of logs" in err
    assert f", {len(silences)} more are normal" in err


def test_a_recorded_half_hour_has_too_few_incidents_and_it_says_how_many_it_needs(call: Call, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert call("score", RECORDED / "redis.log.gz", "--source", "shop", "--state", state, "--budget", "60/hour")[0] == 0
    count = len(incidents(call, state))
    train = ("train", "risk", RECORDED / "metrics.csv.gz", "--state", state, "-o", tmp_path / "x.safetensors")
    code, _, err = call(*train)
    assert code == 65, err
    assert "it has shop; the metrics are of metrics.csv: --source says" in err
    code, _, err = call(*train, "--source", "shop")
    assert code == 65, err
    assert f"{count} of {count} incidents of logs" in err
    assert "training needs 10, in 5" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--state", "nowhere"), 65, "no state in nowhere"),
        (("--state", "nowhere", "--labels", "labels.csv"), 64, "give one of them"),
        (("--entity", "x"), 64, "no --entity"),
    ],
)
def test_without_labels_and_incidents_nothing_is_learned(
    call: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int,
    said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found, _, err = call("train", "risk", place / "web.csv", *arguments, "-o", "x.safetensors")
    assert found == code, err
    assert said in err


def test_a_state_that_cannot_be_read_is_refused(call: Call, place: Path, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 1000)
    code, _, err = call("train", "risk", place / "web.csv", "--state", tmp_path, "-o", tmp_path / "x.safetensors")
    assert code in (69, 78), err
    assert "cannot be opened" in err
