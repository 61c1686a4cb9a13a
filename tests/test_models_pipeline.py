"""Models in a real pipeline: chosen at chunk ends, carried between states, the same through kills and restarts."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from logwatch.app.model_store import FOLDER, MOST, lstm_of, stored
from logwatch.app.models import answer, asked_model, export_model, import_model, of_session
from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.errors import ConfigError, DataError, UsageError
from logwatch.rows import Scored
from logwatch.score import versions
from logwatch.score.lstm import LogLstm
from logwatch.types import RecordBatch, Stream

SAYS = ["begin of {n}", "read {n} rows", "wrote {n} rows", "checked {n} sums", "end after {n} ms"]
SHUFFLED = [SAYS[i] for i in (0, 3, 1, 4, 2)]


def lines(count: int, says: list[str] = SAYS, seed: int = 1, first: int = 0) -> list[bytes]:
    """A program that says the same in the same order, one line a second, with a stray now and then."""
    rng, out = random.Random(seed), []
    for i in range(first, first + count):
        text = says[i % len(says)] if rng.random() > 0.02 else rng.choice(SAYS)
        stamp = f"2026-01-0{5 + i // 86400}T{i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        out.append(f"{stamp} INFO {text.format(n=rng.randint(1, 99))}".encode())
    return out


class Run:
    """A lane that is fed, told things and killed; the nats of every event that it ends with."""

    def __init__(self, folder: Path, log: list[bytes]) -> None:
        self.folder, self.log = folder, log
        self.nats: dict[int, np.ndarray] = {}

    def _keep(self, scored: Scored) -> None:
        for row in range(len(scored.events)):
            self.nats[scored.events.first + row] = scored.nats[row]

    @contextlib.contextmanager
    def session(self, **config: Any) -> Iterator[Session]:
        loaded = load(environ={})
        changed = loaded.settings.model_copy(update={"state": self.folder, **config})
        tables = {"files": SourceTable(kind="file")}
        with opened(changed, detectors_of(loaded), self.folder, tables, on_scored=self._keep) as session:
            yield session

    def feed(self, session: Session, end: int = 0, size: int = 512) -> None:
        end = end or len(self.log)
        while (at := session.pipeline.seen) < end:
            last = min(at + size, end)
            start = np.arange(at, last, dtype=np.int64)
            which, flags = np.zeros(last - at, np.int32), np.zeros(last - at, np.uint8)
            records = RecordBatch(self.log[at:last], [Stream("s", "1")], which, start, start + 1, flags)
            session.pipeline.process(records, "files")

    def lstm(self, begin: int, end: int) -> np.ndarray:
        """What the LSTM said of events, the first column."""
        return np.array([self.nats[i][0] for i in range(begin, end)])


def lstm(session: Session) -> LogLstm:
    found = lstm_of(session.pipeline)
    assert found is not None
    return found


def say(session: Session, action: str, **more: Any) -> dict[str, Any]:
    reply = answer(of_session(session), {"action": action, "by": "a test", **more})
    assert "error" not in reply, reply
    return reply


def refused(session: Session, action: str, **more: Any) -> str:
    reply = answer(of_session(session), {"action": action, **more})
    return f"{reply['error']} {reply['hint']} {reply['code']}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a host that has seen a good deal."""
    folder = tmp_path_factory.mktemp("trained")
    run = Run(folder / "state", lines(9000))
    with run.session() as session:
        run.feed(session)
        session.commit()
    bundle = folder / "model.tar"
    export_model(run.folder, bundle, {"verb": "model", "action": "export"}, load(environ={}).settings)
    return bundle


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short versions and shadows: chunks of 1,024 lines are long for a test."""
    for name, value in (("SPAN", 3), ("SHADOW", 2), ("LEAST", 100)):
        monkeypatch.setattr(versions, name, value)


def test_a_fresh_state_begins_with_a_model_and_knows_from_the_first_line_what_comes_next(
    trained: Path, tmp_path: Path
) -> None:
    warm, cold = Run(tmp_path / "warm", lines(300, seed=7)), Run(tmp_path / "cold", lines(300, seed=7))
    with warm.session(model=trained) as session:
        warm.feed(session)
        assert [row["origin"] for row in say(session, "list")["lanes"][0]["versions"]] == ["imported", "learned"]
    with cold.session() as session:
        cold.feed(session)
    assert np.isnan(cold.lstm(0, 60)).all()
    assert np.median(warm.lstm(0, 60)) < 0.2
    assert np.nanmean(warm.lstm(64, 300)) < 0.5 * np.nanmean(cold.lstm(64, 300))


def test_a_warm_start_is_saved_whole(trained: Path, tmp_path: Path) -> None:
    one, other = Run(tmp_path / "one", lines(1500, seed=7)), Run(tmp_path / "other", lines(1500, seed=7))
    with one.session(model=trained) as session:
        one.feed(session)
    with other.session(model=trained) as session:
        session.commit()
    for end in (40, 700, 1500):
        with other.session(model=trained) as session:
            other.feed(session, end, 111)
            session.commit()
    np.testing.assert_array_equal(one.lstm(0, 1500), other.lstm(0, 1500))


def test_a_state_that_has_learned_keeps_its_own_model(trained: Path, tmp_path: Path) -> None:
    run = Run(tmp_path, lines(600))
    with run.session() as session:
        run.feed(session, 500)
        session.commit()
    with run.session(model=trained) as session:
        assert not any(one.bundle for one in lstm(session).versions)


def test_a_model_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "half.tar").write_bytes(b"half of a bundle")
    for name in ("half.tar", "none.tar"):
        with pytest.raises(ConfigError, match="model: "), Run(tmp_path / "state", []).session(model=tmp_path / name):
            pass


def test_one_goes_back_to_a_version_whose_weights_are_kept(quick: None, tmp_path: Path) -> None:
    run = Run(tmp_path, lines(9000))
    with run.session() as session:
        run.feed(session)
        rows = {row["number"]: row for row in say(session, "list")["lanes"][0]["versions"]}
        assert {row["state"] for row in rows.values()} == {"kept", "open"}
        assert rows[2]["events"][0] == rows[1]["events"][1]
        assert rows[2]["since"] > rows[1]["since"]
        assert rows[3]["own"] is not None
        was = lstm(session).versions.weights[2]
        assert "not kept" in refused(session, "rollback", version=99)
        assert "number" in refused(session, "rollback")
        assert "no lane" in refused(session, "rollback", version=2, lane="t/0")
        say(session, "rollback", version=2)
        model = lstm(session)
        assert model.versions.open.parent == 2
        assert model.version.startswith("lstm-1.")
        np.testing.assert_array_equal(model._model.flat[: len(was.flat)], was.flat)
        shown = say(session, "show")
        assert [row["number"] for row in shown["lineage"]] == [2, 1]
        assert "no version 99" in refused(session, "show", version=99)


def test_a_better_model_from_elsewhere_takes_over_and_a_worse_one_does_not(
    quick: None, trained: Path, tmp_path: Path
) -> None:
    for says, state in ((SAYS, "kept"), (SHUFFLED, "refused")):
        run = Run(tmp_path / state, lines(6000, says))
        with run.session() as session:
            run.feed(session, 300)
            session.commit()
        settings_ = load(environ={}).settings.model_copy(update={"state": run.folder})
        reply = import_model(run.folder, trained, {"verb": "model", "action": "import"}, settings_)
        with run.session() as session, capture_logs() as logs:
            run.feed(session, 600)
            assert [one.state for one in lstm(session).versions if one.bundle] == ["shadow"]
            run.feed(session)
            (row,) = [one for one in lstm(session).versions if one.bundle]
            assert (row.state, row.bundle) == (state, reply["bundle"])
            assert (row.own < row.other) == (state == "kept")
        assert [one["state"] for one in logs if one.get("version") == row.number] == [state]


def test_what_is_asked_for_now_is_not_tried(trained: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "state", lines(2000, SHUFFLED))
    with run.session(learning="frozen") as session:
        run.feed(session, 200)
        bundle = stored(trained.parent / "state", next((trained.parent / "state" / FOLDER).iterdir()).stem).id
        assert "no bundle" in refused(session, "import", bundle=bundle)
        assert "no bundle" in refused(session, "import", bundle="../../etc/passwd")
        (run.folder / FOLDER).mkdir()
        (run.folder / FOLDER / f"{bundle}.tar").write_bytes(trained.read_bytes())
        assert "frozen" in refused(session, "import", bundle=bundle)
        say(session, "import", bundle=bundle, now=True)
        assert lstm(session).versions.open.head
    (run.folder / FOLDER / f"{bundle}.tar").write_bytes(b"spoilt")
    with run.session() as session:
        assert "no bundle" in refused(session, "import", bundle=bundle)


def test_bundles_in_the_state_are_bounded(trained: Path, tmp_path: Path) -> None:
    run = Run(tmp_path, lines(7200))
    with run.session() as session:
        names = set()
        for end in (65, 129, 257, 513, *range(1025, 7200, 1024)):
            run.feed(session, end)
            names.add(say(session, "export")["bundle"])
    assert len(names) > MOST
    assert len(list((run.folder / FOLDER).iterdir())) == MOST


def test_at_rest_the_same_is_answered_and_choices_wait_for_the_next_start(tmp_path: Path) -> None:
    run = Run(tmp_path / "state", lines(20_000))
    with run.session() as session:
        run.feed(session)
        session.commit()
        live = {action: say(session, action) for action in ("list", "show", "export")}
    settings_ = load(environ={}).settings.model_copy(update={"state": run.folder})
    for action, reply in live.items():
        assert asked_model(run.folder, {"verb": "model", "action": action}, settings_) == reply
    with pytest.raises(DataError, match="not kept"):
        asked_model(run.folder, {"verb": "model", "action": "rollback", "version": 999}, settings_)
    with pytest.raises(UsageError, match="no action"):
        asked_model(run.folder, {"verb": "model", "action": "burn"}, settings_)
    asked_model(run.folder, {"verb": "model", "action": "rollback", "version": 1}, settings_)
    with run.session() as session:
        assert lstm(session).versions.open.parent == 1


LOG = lines(4200) + lines(800, SHUFFLED, first=4200)
TOLD: dict[int, Callable[[Session], Any]] = {
    1300: lambda session: say(session, "import", bundle=_brought(session)),
    3100: lambda session: say(session, "rollback", version=1),
    4000: lambda session: say(session, "import", bundle=_brought(session), now=True),
}
_BUNDLE: list[bytes] = []


def _brought(session: Session) -> str:
    folder = session.settings.state / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / f"{_ID[0]}.tar").write_bytes(_BUNDLE[0])
    return _ID[0]


_ID: list[str] = []


def told(folder: Path, kills: set[int], size: int) -> np.ndarray:
    """A run that is told things at some lines, and dies after others without a commit."""
    run = Run(folder, LOG)
    done: set[int] = set()
    for kill in [*sorted(kills), len(LOG)]:
        with run.session() as session:
            while session.pipeline.seen < kill:
                at = session.pipeline.seen
                run.feed(session, min([kill, *(point for point in TOLD if point > at)]), size)
                if (at := session.pipeline.seen) in TOLD and at not in done:
                    done.add(at)
                    TOLD[at](session)
                elif at % 3 == 0:
                    session.commit()
    return run.lstm(0, len(LOG))


@pytest.fixture
def undisturbed(quick: None, trained: Path, tmp_path: Path) -> np.ndarray:
    _BUNDLE[:], _ID[:] = [trained.read_bytes()], [next((trained.parent / "state" / FOLDER).iterdir()).stem]
    return told(tmp_path, set(), 512)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.sets(st.integers(100, len(LOG) - 1), max_size=4), size=st.integers(60, 900))
def test_a_run_that_is_killed_chooses_again_in_the_same_places(
    undisturbed: np.ndarray, kills: set[int], size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        np.testing.assert_array_equal(told(Path(folder), kills, size), undisturbed)
