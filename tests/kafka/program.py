"""The whole program on a topic, until everything is read."""

from __future__ import annotations

from pathlib import Path

from logwatch.app.follow import run
from logwatch.plugins import configure
from logwatch.requests import RunRequest
from tests.kafka.broker import Broker

CONFIG = """
state = "{folder}/state"
[[source]]
kind = "kafka"
bootstrap = "{bootstrap}"
topics = ["{topic}"]
group = "{topic}"
start = "{start}"
once = true
{more}
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
"""


def daemon(
    broker: Broker, folder: Path, topic: str, more: str = "", start: str = "beginning", listener: str = "PLAINTEXT"
) -> None:
    """Run the daemon until everything is read.

    Args:
        more: lines of the source.
        listener: of the broker, by which it is reached.
    """
    file = folder / "logwatchd.toml"
    bootstrap = broker.listeners[listener]
    file.write_text(CONFIG.format(folder=folder, bootstrap=bootstrap, topic=topic, more=more, start=start))
    run(RunRequest(configure(file, environ={})))
