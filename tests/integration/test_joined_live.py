"""A stack trace that a program writes while it is watched is one alert, with its lines."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.program import TERM, Program, eventually, habit, odd


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "cri"])
def test_a_trace_is_one_alert(program: Program, tmp_path: Path, wrapped: bool) -> None:
    def put(text: str) -> None:
        with log.open("a") as out:
            prefix = "2026-03-01T10:00:00.123456789Z stderr F " if wrapped else ""
            out.write("".join(f"{prefix}{line}\n" for line in text.splitlines()))

    log = tmp_path / "app.log"
    put(habit(3000))
    running = program.start("tail", log)
    at = iter(range(3001, 10_000))

    def alerted() -> bool:
        put(odd(next(at)).replace("INFO", "ERROR"))
        put("Traceback (most recent call last):")
        time.sleep(0.01)  # a program that does not write it in one go
        put('  File "/srv/reactor.py", line 42, in breach\n    raise Breach(block)\nreactor.BreachError: block 1')
        return bool(running.out.read_text())

    eventually(alerted, "an alert")
    assert running.end(TERM) == 0
    alerts = [json.loads(line) for line in running.out.read_text().splitlines()]
    texts = [line["text"] for line in alerts[0]["lines"] if "Traceback" in line["text"]]
    assert texts
    assert all(text.endswith("reactor.BreachError: block 1") for text in texts)
    assert all(text.count("\n") in (3, 4) for text in texts)
