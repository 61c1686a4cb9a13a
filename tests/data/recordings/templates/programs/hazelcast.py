"""Hazelcast: three members and clients in one log; members killed, frozen, split and mistaken."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import ClassVar

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.jvm import JavaProgram, compiled, java, logback
from tests.data.recordings.templates.recording import main

VERSION = "5.5.0"
NAME = f"hazelcast-{VERSION}"
JARS = (f"com.hazelcast:hazelcast:{VERSION}", "ch.qos.logback:logback-classic:1.5.12")
PATTERN = "%d{HH:mm:ss.SSS} [%thread] %-5level %logger{36} - %msg%n"
PORTS = (5701, 5702, 5703)
MISTAKES = ("multicast", "interface", "partitions", "property", "lite", "store", "increment", "diagnostics")
REQUESTS = (
    b"GET /hazelcast/health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /hazelcast/rest/cluster HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /hazelcast/rest/maps/carts/k1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /hazelcast/rest/maps/carts/k1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /hazelcast/rest/log-level HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nshop&&loud",
    b"POST /hazelcast/rest/management/cluster/state HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nshop&&x&y",
    b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    b"BREW / HTTP/1.1\r\n\r\n",
    b"set k1 0 10 5\r\nhello\r\n",
    b"get k1\r\n",
    b"incr k1 lots\r\n",
    b"HZC\x05",
    b"CP2" + b"\x00\x00\x00\xff" * 9,
    b"HZX" + b"\xff" * 20,
    b"\x16\x03\x01\x02\x00\x01\x00",
)


class Hazelcast(JavaProgram):
    """Members on ports 5701 to 5703."""

    name: ClassVar[str] = "hazelcast"
    folder, jars, release = NAME, JARS, VERSION
    title = "Hazelcast"
    language = "Java"
    half = "held_out"
    how = (
        "logback, three members and clients in one log, INFO and DEBUG in turn; maps, queues, locks, transactions, SQL,"
        " stream jobs, REST; members killed, frozen, split and merged, wrong clusters, mistaken members, garbage"
    )
    header = (
        r"\S+ \[.*?\] (?P<level>[A-Z]+) +\S+ - "
        r"(\[[\d.:]+\]:\d+ \[\w+\] \[[\d.]+\] |\S+ \[\w+\] \[[\d.]+\] )?"
    )

    wrappers: ClassVar[dict[str, str]] = {
        r".*\.ClientLoggingService:\d+": "the client's own logging",
        r".*\.operationservice\.Operation:\d+": "the message of any exception",
    }

    def activities(self) -> Sequence[Activity]:
        """Clients of Java and of sockets."""
        return (Activity(self._client, every=8.0), Activity(self._request, every=0.8))

    def drive(self) -> None:
        """INFO and DEBUG in turn, a fault in each; then mistaken members."""
        self.classpath = compiled(NAME, self.home, "HazelcastShop")
        logback(self.home, PATTERN, "INFO")
        self.members: dict[int, subprocess.Popen[bytes]] = {}
        for port in PORTS:
            self._member(port)
        self.over.wait(15)
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, fault in (
            ("INFO", self._kill),
            ("DEBUG", self._freeze),
            ("INFO", self._leave),
            ("DEBUG", self._kill),
            ("INFO", self._freeze),
        ):
            logback(self.home, PATTERN, level)
            self.over.wait(14)
            fault()
            self.over.wait(12)
        for mistake in MISTAKES:
            self._run("member", 5704 if mistake == "lite" else 5703, "shop", 2, mistake)
            self.over.wait(4)
        self._run("member", 5705, "other", 5)
        self.over.wait(10)
        self.over.set()
        for port in PORTS:
            self.members[port].terminate()
        self.members[PORTS[0]].wait(60)

    def _run(self, *arguments: object) -> subprocess.Popen[bytes]:
        argv = java(
            self.classpath,
            "HazelcastShop",
            *arguments,
            located_skip="com.hazelcast.logging,com.hazelcast.client.impl.clientside.ClientLoggingService",
            hazelcast_logging_type="slf4j",
            java_net_preferIPv4Stack="true",
        )
        with self.raw().open("ab") as log:
            return self.spawn(argv, cwd=self.home, stdout=log, stderr=log, stdin=-3)

    def _member(self, port: int) -> None:
        self.members[port] = self._run("member", port, "shop", 600)

    def _client(self, rng: Random) -> None:
        cluster = rng.choice(("shop", "shop", "shop", "other"))
        child = self._run("client", rng.choice((*PORTS, 5799)), cluster, rng.randint(2, 8))
        with suppress(subprocess.TimeoutExpired):
            child.wait(rng.choice((6, 15)))
        child.kill()
        self.children.remove(child)

    def _request(self, rng: Random) -> None:
        with socket.create_connection(("127.0.0.1", rng.choice(PORTS)), 2) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(REQUESTS))
            peer.recv(1000)

    def _kill(self) -> None:
        self.members[5702].kill()
        self.members[5702].wait()
        self.over.wait(6)
        self._member(5702)

    def _freeze(self) -> None:
        self.members[5703].send_signal(signal.SIGSTOP)
        self.over.wait(12)
        self.members[5703].send_signal(signal.SIGCONT)
        self.over.wait(8)

    def _leave(self) -> None:
        self.members[5701].terminate()
        self.members[5701].wait(60)
        self._member(5701)


if __name__ == "__main__":
    assert __spec__
    main(Hazelcast, __spec__.name)
