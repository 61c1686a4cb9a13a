"""`logwatchd status --ready` is a health check: it asks the running daemon, and takes no stopped one's word."""

from __future__ import annotations

import signal

import pytest

from tests.integration.program import TERM, Program, eventually, habit


def test_it_is_true_while_the_daemon_runs_and_at_no_other_time(program: Program) -> None:
    state = program.folder / "state"
    assert program("status", "--ready", "--state", state).returncode == 69
    (program.folder / "a.log").write_text(habit(50))
    daemon = program.daemon(str(program.folder / "a.log"))
    eventually(lambda: program("status", "--ready", "--state", state).returncode == 0, "ready")
    assert daemon.running.end(TERM) == 0
    done = program("status", "--ready", "--state", state)
    assert done.returncode == 69, "the state is there, the daemon is not"
    assert "no daemon answers" in done.stderr
    assert program("status", "--state", state).returncode == 0, "a person is told what the state holds"


@pytest.mark.slow
def test_a_daemon_that_hangs_is_not_ready(program: Program) -> None:
    (program.folder / "a.log").write_text(habit(50))
    daemon = program.daemon(str(program.folder / "a.log"))
    process = daemon.running.process
    process.send_signal(signal.SIGSTOP)
    try:
        assert program("status", "--ready", "--state", daemon.state).returncode == 69
    finally:
        process.send_signal(signal.SIGCONT)
