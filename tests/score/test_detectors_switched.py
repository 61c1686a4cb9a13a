"""Detectors switched off and on between runs on one state: the others go on, and those that come back begin anew."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.score.keys import NEVER, KeyTable
from logwatch.types import RecordBatch, Stream

ALL: tuple[str, ...] = ()
PART = ("lstm", "values")


@pytest.fixture(autouse=True)
def few_keys_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyTable.__init__, "__defaults__", (40, None, NEVER))


def lines(count: int) -> list[bytes]:
    rng = random.Random(3)
    verbs = ["opens", "reads", "writes", "closes", "retries"]
    return [
        f"2026-01-05T{8 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d} INFO req=r{rng.randrange(100)} "
        f"{rng.choice(verbs)} size={rng.randint(1, 9)}".encode()
        for i in range(count)
    ]


TEXT = lines(4000)


def scores(folder: Path, runs: list[tuple[tuple[str, ...], int]]) -> dict[str, np.ndarray]:
    """Of every event, by detector; NaN where it was off. A run is what is off in it, and where it ends."""
    found: dict[str, np.ndarray] = {}
    at = 0
    for off, end in runs:
        loaded = load(environ={f"LOGWATCHD_DETECTORS__{name.upper()}__ENABLED": "false" for name in off})

        def keep(scored: Scored) -> None:
            begin = scored.events.first
            for column, name in enumerate(scored.detectors):
                whole = found.setdefault(name, np.full(len(TEXT), np.nan, np.float32))
                whole[begin : begin + len(scored.events)] = scored.nats[:, column]

        table = SourceTable(kind="file", entity=r"req=(\w+)")
        with opened(loaded.settings, detectors_of(loaded), folder, {"files": table}, on_scored=keep) as session:
            n, stream = end - at, Stream("app", "1")
            place = np.arange(at, end, dtype=np.int64)
            records = RecordBatch(
                TEXT[at:end], [stream], np.zeros(n, np.int32), place, place + 1, np.zeros(n, np.uint8)
            )  # fmt: skip
            session.pipeline.process(records, "files")
            session.commit()
        at = end
    return found


def test_detectors_that_stay_on_score_as_if_no_other_had_been_switched(tmp_path: Path) -> None:
    """At chunks' ends: elsewhere the open chunk ends, and is learned, a little early."""
    plain = scores(tmp_path / "plain", [(ALL, 4000)])
    switched = scores(tmp_path / "switched", [(ALL, 1024), (PART, 2048), (ALL, 3072), (PART, 4000)])
    for name in ("new", "rare", "markov", "gap"):
        np.testing.assert_array_equal(switched[name], plain[name], err_msg=name)
    assert np.isnan(switched["lstm"][1024:2048]).all()
    assert not np.isnan(plain["lstm"][1024:]).any()


def test_what_begins_anew_knows_nothing_of_before(tmp_path: Path) -> None:
    kept = scores(tmp_path / "kept", [(ALL, 4000)])
    anew = scores(tmp_path / "anew", [(ALL, 2048), (PART, 2560), (ALL, 4000)])
    later = scores(tmp_path / "later", [(PART, 2560), (ALL, 4000)])
    np.testing.assert_array_equal(anew["lstm"][2560:], later["lstm"][2560:])
    assert not np.isnan(kept["lstm"][2560:]).any()
    assert np.isnan(anew["lstm"][2560:2600]).all()  # nothing was learned yet
    assert not np.isnan(anew["lstm"][3600:]).any()


@pytest.mark.parametrize("moment", [1000, 1500, 2047])
def test_a_switch_within_a_chunk_is_exact_over_restarts(tmp_path: Path, moment: int) -> None:
    whole = scores(tmp_path / "whole", [(ALL, moment), (PART, 2300), (ALL, 4000)])
    parts = scores(tmp_path / "parts", [(ALL, moment), (PART, moment + 1), (PART, 2300), (ALL, 2301), (ALL, 4000)])
    assert whole.keys() == parts.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values, err_msg=name)


def test_it_is_said_which_detectors_were_switched(tmp_path: Path) -> None:
    scores(tmp_path, [(ALL, 100)])
    with capture_logs() as logs:
        scores(tmp_path, [(PART, 100)])
        scores(tmp_path, [(PART, 100)])
    (said,) = [log for log in logs if "detectors" in log["event"]]
    assert (said["new"], sorted(said["gone"])) == ([], ["lstm", "values"])


def test_what_visits_gathered_of_other_detectors_is_not_judged_by_the_names_of_now(tmp_path: Path) -> None:
    """More keys than the table holds: some leave it as the chunk ends with the switch, and their visits close."""
    closed: list[Scored] = []
    scores(tmp_path, [(ALL, 1500)])
    loaded = load(environ={f"LOGWATCHD_DETECTORS__{name.upper()}__ENABLED": "false" for name in PART})
    table = SourceTable(kind="file", entity=r"req=(\w+)")
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": table}, on_scored=closed.append):
        pass
    (late,) = closed
    assert len(late.units) > 40
    assert np.isnan(late.units.nats[:, : len(late.detectors)]).all()
