"""Deployment marks in a real pipeline: drift after one is expected, errors are not; batches change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.app.desk import of_session
from logwatch.app.mark import mark
from logwatch.config.marks import MarkTable
from logwatch.decide.marks import AGAIN
from logwatch.types import Alert
from tests.test_feedback_pipeline import FAN, Run, lines

WARM, FAULT = "INFO the cache of users was warmed by {n} entries", FAN
RULE = MarkTable(pattern=r"Starting app v(\S+)", window=900)
STARTS = {1900: "INFO Starting app v1.2"}


def fed(folder: Path, odd: dict[int, str], size: int = 512, rules: tuple[MarkTable, ...] = (RULE,)) -> Run:
    run = Run(folder, lines(odd))
    with run.session(mark=rules) as session:
        run.feed(session, size=size)
        run.commit(session)
    return run


def about(run: Run, word: str) -> list[Alert]:
    return [one for one in run.alerts if one.state != "end" and any(word in line.text for line in one.lines)]


def test_what_is_new_after_a_mark_is_expected_and_an_error_is_not(tmp_path: Path) -> None:
    odd = {2060: WARM, 2300: FAULT}
    plain = fed(tmp_path / "plain", odd)
    marked = fed(tmp_path / "marked", odd | STARTS)
    assert about(plain, "cache")[0].severity != "info"
    assert about(marked, "cache")[0].severity == "info"
    assert about(marked, "cache")[0].detail == "expected after the mark 1.2"
    assert about(marked, "fan")[0].severity == about(plain, "fan")[0].severity != "info"
    assert about(marked, "fan")[0].detail == "after the mark 1.2"


def test_what_came_with_a_release_is_normal_after_it(tmp_path: Path) -> None:
    odd = dict.fromkeys((2000, 2100, 2200, 2300), WARM) | {2590: WARM}
    run = Run(tmp_path / "marked", lines(odd | {1900: "INFO Starting app v1.2"}))
    short = RULE.model_copy(update={"window": 600.0})
    with run.session(mark=(short,)) as session:
        run.feed(session)
        run.commit(session)
    assert not [one for one in run.opened(2500) if "cache" in one.template]
    plain = fed(tmp_path / "plain", odd)
    assert [one for one in plain.opened(2500) if "cache" in one.template]


@pytest.mark.parametrize("size", [1, 37])
def test_batches_change_nothing_about_marks(tmp_path: Path, size: int) -> None:
    odd = {i: text for i, text in {700: STARTS[1900], 705: WARM, 760: FAULT, 900: WARM}.items()}
    runs = [Run(tmp_path / str(each), lines(odd, count=1000)) for each in (1000, size)]
    for run, each in zip(runs, (1000, size), strict=True):
        with run.session(mark=(RULE,)) as session:
            run.feed(session, size=each)
            run.commit(session)
    told = [[(one.id, one.severity, one.detail) for one in run.alerts] for run in runs]
    assert told[0] == told[1]


def test_a_service_that_keeps_starting_over_opens_no_further_windows(tmp_path: Path) -> None:
    run = Run(tmp_path, lines(dict.fromkeys(range(100, 1000, 50), STARTS[1900]) | {990: "INFO Starting app v1.3"}))
    with run.session(mark=(RULE,)) as session:
        run.feed(session, 1000)
        marks = session.pipeline.stages.marks.latest()
    assert [(one.name, one.seen) for one in marks] == [("1.2", 100), ("1.3", 990)]
    assert AGAIN > 10**9


def test_a_mark_of_the_command_line_is_for_its_source_and_shown_in_time(tmp_path: Path) -> None:
    run = Run(tmp_path, lines({1000: WARM}))
    with run.session() as session:
        run.feed(session, 900)
        reply = mark(of_session(session), {"name": "release 1.2", "source": "other", "for": 60, "by": "me"})
        assert reply["mark"]["by"] == "me"
        (kept,) = session.pipeline.stages.marks.latest()
        assert (kept.name, kept.source, kept.seen, kept.until - kept.since) == ("release 1.2", "other", 900, 60 * 10**9)
        for wrong in ({"name": ""}, {"name": "x" * 101}, {"name": "a", "for": 0}, {"name": "a", "source": 7}):
            assert mark(of_session(session), wrong)["code"] == 64
        session.commit()
    with run.session() as session:
        assert session.pipeline.stages.marks.latest() == [kept]
