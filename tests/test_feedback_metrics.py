"""Feedback on what no line says: metrics that are normal are silent, whatever the batches and kills."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from logwatch.app.alerts import answer
from logwatch.app.desk import of_session
from logwatch.app.session import Session
from tests.metric_runs import DEAD, Run, service, sizes_of

LINES = service(logs=False)
TOLD = 1 + 3 * (DEAD[0] - 1)
"""Just before the fault; an earlier step has alerted by then."""


class Said(Run):
    """A run in which somebody says something before it goes on; it may be killed right after."""

    action, counts = "", 0

    def prepare(self, session: Session) -> None:
        if self.action:
            alert = next(one for one in self.alerts if one.kind == "metric" and one.state == "open")
            reply = answer(of_session(session), {"action": self.action, "id": alert.id, "any_template": True})
            assert "error" not in reply, reply
        self.action = ""

    def inspect(self, session: Session) -> None:
        self.counts = sum(session.pipeline.stages.feedback.silenced.counts.values())


def run(folder: Path, action: str, most: int, kill: bool = False) -> Said:
    one = Said(folder, budget=("--budget", "10/day"))
    one.feed(LINES, sizes_of(1, most), stop=TOLD)
    one.action = action
    if kill:  # what is said is journalled, and nothing after it is committed
        one._commit = lambda session: None
        one.feed(LINES, sizes_of(2, most), stop=TOLD + 300)
        one._commit = partial(Run._commit, one)
    one.feed(LINES, sizes_of(3, most))
    return one


def test_metrics_that_are_normal_are_silent_and_counted(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain", "", 512)
    quiet = run(tmp_path / "quiet", "normal", 512)
    opened = [[one for one in each.alerts if one.state == "open"] for each in (plain, quiet)]
    assert len(opened[0]) == 2
    assert opened[1] == opened[0][:1]
    assert quiet.counts > 0


def test_a_killed_run_is_silent_about_the_same_steps(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", "normal", 512)
    killed = run(tmp_path / "killed", "normal", 37, kill=True)
    assert killed.told() == whole.told()
    assert killed.points == whole.points
    assert killed.counts == whole.counts
