"""`train logs`: repeatable to the last byte, better than one pass, refused where there is nothing to learn from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from logwatch.cli import run
from logwatch.train.bundle import read
from tests.test_models_pipeline import SAYS, lines

LOG = lines(12_000)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "app.log"
    path.write_bytes(b"\n".join(LOG) + b"\n")
    return path


def trained(log: Path, out: Path, *more: str) -> None:
    assert run(["train", "logs", str(log), "-o", str(out), "--json", *more]) == 0


def test_the_same_history_and_seed_give_the_same_bytes_and_another_seed_others(log: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "app.log.gz"
    zipped.write_bytes(gzip.compress(log.read_bytes()))
    for name, path, seed in (("a", log, "3"), ("b", log, "3"), ("c", zipped, "3"), ("d", log, "4")):
        trained(path, tmp_path / name, "--seed", seed, "--passes", "4")
    a, b, c, d = ((tmp_path / name).read_bytes() for name in "abcd")
    assert a == b == c
    assert a != d


def test_several_passes_do_better_than_one_and_end_where_nothing_is_gained(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(log, tmp_path / "model.tar")
    report = json.loads(capsys.readouterr().out)
    losses = report["losses"]
    assert min(losses) == losses[report["best"] - 1]
    assert min(losses) <= losses[0]
    assert len(losses) < 20
    bundle = read(tmp_path / "model.tar")
    assert bundle.id == report["bundle"]
    assert len(bundle.templates) == len(SAYS)
    assert bundle.facts["metrics"]["held_out"] == min(losses)
    assert bundle.facts["lineage"][0]["end"] == len(LOG)


def test_what_was_trained_is_used(log: Path, tmp_path: Path) -> None:
    trained(log, tmp_path / "model.tar", "--passes", "4")
    new = tmp_path / "new.log"
    new.write_bytes(b"\n".join(lines(200, seed=9)) + b"\n")
    surprise = {}
    for name, more in (("warm", ["--model", str(tmp_path / "model.tar")]), ("cold", [])):
        assert run(["score", str(new), "-o", str(tmp_path / f"{name}.jsonl"), *more]) == 0
        rows = [json.loads(row) for row in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        known = [row["detectors"].get("lstm") for row in rows if row["kind"] == "event"]
        surprise[name] = [nats for nats in known if nats is not None]
    assert len(surprise["warm"]) == 200
    assert len(surprise["cold"]) < 200
    assert sorted(surprise["warm"])[100] < 0.3


@pytest.mark.parametrize("more", [["--labels", "x.csv"], ["--metrics", "x.csv"], ["--report", "x.html"]])
def test_options_of_risk_are_not_those_of_logs(log: Path, tmp_path: Path, more: list[str]) -> None:
    assert run(["train", "logs", str(log), "-o", str(tmp_path / "m.tar"), *more]) == 64
    assert not (tmp_path / "m.tar").exists()


def test_too_little_to_learn_from_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.log"
    short.write_bytes(b"\n".join(lines(90)) + b"\n")
    assert run(["train", "logs", str(short), "-o", str(tmp_path / "m.tar")]) == 65
    assert "too little" in capsys.readouterr().err
    assert not (tmp_path / "m.tar").exists()
    assert run(["train", "logs", str(tmp_path / "none.log"), "-o", str(tmp_path / "m.tar")]) == 66
    assert run(["train", "logs", str(short), "-o", str(tmp_path / "none" / "m.tar")]) == 73
