"""A broker in a container, by testcontainers, of the image `apache/kafka` or one that is configured as it is.

It shares the machine's network: its listeners stand on loopback, as those of a broker that is started here.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

IMAGE = "apache/kafka"
START_S = 90.0


class ContainerBroker:
    """A broker in a container on a port of loopback.

    Args:
        port, controller: free ones; they stay the same over restarts.
    """

    trusted: Path | None = None
    can_restart = True

    def __init__(self, port: int, controller: int) -> None:
        from testcontainers.core.container import DockerContainer

        self.bootstrap = f"127.0.0.1:{port}"
        self.listeners: Mapping[str, str] = {"PLAINTEXT": self.bootstrap}
        image = os.environ.get("LOGWATCHD_TEST_KAFKA_IMAGE") or IMAGE
        self._container: Any = DockerContainer(image).with_kwargs(network_mode="host")
        self._started = False
        for name, value in _environment(port, controller).items():
            self._container.with_env(name, value)

    @staticmethod
    def possible() -> bool:
        """Whether Docker answers, with testcontainers installed and the image at hand or to be had."""
        if shutil.which("docker") is None and "DOCKER_HOST" not in os.environ:
            return False
        try:
            import docker
            import testcontainers.core.config as config
        except ImportError:
            return False
        # The reaper is one more image; a container of ours is removed by the `with` that made it.
        config.testcontainers_config.ryuk_disabled = True
        try:
            docker.from_env().ping()
        except Exception:  # noqa: BLE001  # no daemon, no right to it, a broken one: the next kind of broker serves
            return False
        return True

    def start(self) -> None:
        """Start it, with the same data as before; returns when it serves."""
        before = time.time()
        if self._started:
            self._container.get_wrapped_container().start()
        else:
            self._started = True
            self._container.start()
        deadline = time.monotonic() + START_S
        while b"Kafka Server started" not in self._log(int(before)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start:\n{self._log(0).decode(errors='replace')[-2000:]}")
            time.sleep(0.2)

    def _log(self, since: int) -> bytes:
        return bytes(self._container.get_wrapped_container().logs(since=since))

    def stop(self) -> None:
        """Stop it as an administrator would."""
        self._container.get_wrapped_container().stop(timeout=20)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._container.get_wrapped_container().kill()

    def remove(self) -> None:
        """Stop it for good."""
        if self._started:
            self._container.stop(force=True)
            self._started = False


def _environment(port: int, controller: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@127.0.0.1:{controller}",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_LOG_SEGMENT_DELETE_DELAY_MS": "500",
    }
