"""A real Kafka broker for tests and benchmarks: `with broker() as b: KafkaConsumer(bootstrap_servers=b.bootstrap)`.

In this order: the one that `LOGWATCHD_TEST_KAFKA` names (host:port), a container (image from
`LOGWATCHD_TEST_KAFKA_IMAGE`, `apache/kafka` by default), Apache Kafka from Maven on this machine's Java.
`cluster(3)` is always of the last kind. Everything is bound to loopback, and ends with its `with`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from tests.kafka import security
from tests.kafka.container import ContainerBroker
from tests.kafka.jars import NoKafka, jars, java

__all__ = ["Broker", "LocalBroker", "NoKafka", "broker", "cluster", "own_broker"]

START_S = 60.0
STOP_S = 20.0
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"

_spawner = ThreadPoolExecutor(1, thread_name_prefix="broker")
"""A child that dies with its parent dies with the thread that made it: one that lasts."""

COMMON = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # tests cannot wait for the usual six seconds
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "log.segment.delete.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "500",
    "log.cleaner.backoff.ms": "500",
    "controlled.shutdown.enable": "true",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class Broker(Protocol):
    """A broker that runs somewhere.

    `listeners` maps "PLAINTEXT" (always) and, where the broker has them, those of `security.PROTOCOLS` to host:port.
    `trusted` is the certificate file that its TLS clients trust. `can_restart`: stop, kill, start and restart work.
    """

    listeners: Mapping[str, str]
    trusted: Path | None
    can_restart: bool

    @property
    def bootstrap(self) -> str:
        """host:port without any security."""
        ...

    def start(self) -> None:
        """Start it, on the same ports and data as before; returns when it serves."""
        ...

    def stop(self) -> None:
        """Stop it as an administrator would."""
        ...

    def kill(self) -> None:
        """Stop it as a power cut would."""
        ...

    def remove(self) -> None:
        """Stop it for good."""
        ...


class LocalBroker:
    """One broker (and controller) of Maven's jars.

    Args:
        folder: for its data, its configuration and its log.
        ports: free ports of loopback: the plain listener, the controller, and with security those of its listeners.
        node: its number, from 1.
        voters: the controllers of its cluster, as Kafka writes them.
        secure: with TLS, SASL and access lists beside the plain listener, which may do everything.
        settings: more of Kafka's settings.
        heap: of the JVM.
    """

    can_restart = True

    def __init__(
        self, folder: Path, ports: list[int], node: int = 1, voters: str = "", *, secure: bool = False,
        settings: Mapping[str, str] | None = None, heap: str = "512m", brokers: int = 1,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._java, self._jars = java(), jars()
        self._heap, self._secure = heap, secure
        names = ["PLAINTEXT", "CONTROLLER", *(security.PROTOCOLS if secure else ())]
        places = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}
        self.listeners: Mapping[str, str] = {name: place for name, place in places.items() if name != "CONTROLLER"}
        self.trusted = security.certificate(folder) if secure else None
        self._process: subprocess.Popen[bytes] | None = None
        self._write(places, node, voters or f"{node}@{places['CONTROLLER']}", dict(settings or {}), brokers)

    def _write(self, places: dict[str, str], node: int, voters: str, settings: dict[str, str], brokers: int) -> None:
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **security.PROTOCOLS}
        copies = str(min(brokers, 3))
        own = {
            "node.id": str(node),
            "controller.quorum.voters": voters,
            "listeners": ",".join(f"{name}://{place}" for name, place in places.items()),
            "advertised.listeners": ",".join(f"{name}://{place}" for name, place in self.listeners.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{protocols[name]}" for name in places),
            "log.dirs": str(self._folder / "data"),
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": "2" if brokers > 2 else "1",
            "default.replication.factor": copies,
        }
        whole = COMMON | own | (security.properties(self._folder) if self._secure else {}) | settings
        self._config = self._folder / "server.properties"
        self._config.write_text("".join(f"{name}={value}\n" for name, value in whole.items()))

    @property
    def bootstrap(self) -> str:
        """host:port without any security."""
        return self.listeners["PLAINTEXT"]

    @property
    def pid(self) -> int:
        """Of the running JVM."""
        assert self._process is not None
        return self._process.pid

    def _run(self, *arguments: str) -> list[str]:
        quiet = "-Dorg.slf4j.simpleLogger."
        levels = [f"{quiet}defaultLogLevel=warn", f"{quiet}log.kafka.server.KafkaRaftServer=info"]
        jvm = [f"-Xmx{self._heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *levels]
        # A test run that is killed takes its broker with it.
        ties = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        return [*ties, self._java, *jvm, "-cp", f"{self._jars}/*", *arguments]

    def _format(self) -> None:
        users = security.scram() if self._secure else []
        tool = ["kafka.tools.StorageTool", "format", "-c", str(self._config), "-t", CLUSTER_ID, *users]
        done = subprocess.run(self._run(*tool), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the broker's storage cannot be formatted: {done.stdout}{done.stderr}")

    def launch(self) -> None:
        """Start it without waiting until it serves."""
        if not (self._folder / "data").exists():
            self._format()
        with open(self._folder / "log", "wb") as out:
            run = self._run("kafka.Kafka", str(self._config))
            spawned = _spawner.submit(
                subprocess.Popen, run, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
            self._process = spawned.result()

    def await_start(self) -> None:
        """Until it serves. Raises RuntimeError with its log where it does not."""
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while b"Kafka Server started" not in (log := (self._folder / "log").read_bytes()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the broker did not start:\n{log.decode(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def start(self) -> None:
        """Start it, on the same ports and data as before; returns when it serves."""
        self.launch()
        self.await_start()

    def stop(self) -> None:
        """Stop it as an administrator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(signal.SIGKILL)

    remove = kill

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Named:
    """The broker that `LOGWATCHD_TEST_KAFKA` names; not ours to stop."""

    trusted: Path | None = None
    can_restart = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.listeners: Mapping[str, str] = {"PLAINTEXT": bootstrap}

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        raise NotImplementedError("a broker that is not ours")

    kill = stop

    def remove(self) -> None:
        """It goes on."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextlib.contextmanager
def broker(*, secure: bool = False, settings: Mapping[str, str] | None = None, heap: str = "512m") -> Iterator[Broker]:
    """One broker that runs. Raises NoKafka with the reason where there is none.

    Args:
        secure, settings, heap: for one that is started from Maven's jars; see `LocalBroker`.
    """
    named = os.environ.get("LOGWATCHD_TEST_KAFKA")
    one: Broker | None = _Named(named) if named else _contained()
    if one is None:
        with own_broker(secure=secure, settings=settings, heap=heap) as own:
            yield own
        return
    try:
        yield one
    finally:
        one.remove()


@contextlib.contextmanager
def own_broker(
    *, secure: bool = False, settings: Mapping[str, str] | None = None, heap: str = "512m"
) -> Iterator[LocalBroker]:
    """One broker from Maven's jars, for what others cannot do; otherwise as `broker`."""
    with tempfile.TemporaryDirectory(prefix="logwatchd-kafka-", ignore_cleanup_errors=True) as folder:
        one = LocalBroker(
            Path(folder), free_ports(2 + len(security.PROTOCOLS)), secure=secure, settings=settings, heap=heap
        )
        try:
            one.start()
            yield one
        finally:
            one.kill()


def _contained() -> Broker | None:
    """One in a container that runs, or None where containers cannot be had: the next kind serves."""
    if not ContainerBroker.possible():
        return None
    one = ContainerBroker(*free_ports(2))
    try:
        one.start()
    except Exception as error:  # noqa: BLE001  # no such image, no network, no rights …
        print(f"no broker in a container: {error}", file=sys.stderr)
        one.remove()
        return None
    return one


@contextlib.contextmanager
def cluster(count: int = 3, settings: Mapping[str, str] | None = None) -> Iterator[list[LocalBroker]]:
    """So many brokers in one cluster, every topic with three copies. Raises NoKafka."""
    ports = free_ports(2 * count)
    voters = ",".join(f"{n + 1}@127.0.0.1:{ports[2 * n + 1]}" for n in range(count))
    with tempfile.TemporaryDirectory(prefix="logwatchd-kafka-", ignore_cleanup_errors=True) as name:
        brokers = []
        try:
            for n in range(count):
                folder = Path(name) / str(n + 1)
                folder.mkdir()
                pair = ports[2 * n : 2 * n + 2]
                one = LocalBroker(folder, pair, n + 1, voters, settings=settings, heap="320m", brokers=count)
                brokers.append(one)
                one.launch()
            for one in brokers:
                one.await_start()
            yield brokers
        finally:
            for one in brokers:
                one.kill()
