"""Random faults while workers share a topic: nothing is lost, doubled or wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.kafka.broker import Broker

ROUNDS = 12


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(1200)
def test_random_faults_lose_double_and_falsify_nothing(kafka_broker: Broker) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.scaleout", "--only", "faults", "--rounds", str(ROUNDS), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    figures = {name: figure["value"] for name, figure in json.loads(done.stdout)["figures"].items()}
    assert figures["fault_rounds"] == ROUNDS
    assert figures["alerts_compared"] > 0
    assert (figures["alerts_lost"], figures["alerts_doubled"], figures["alerts_wrong"]) == (0, 0, 0)
