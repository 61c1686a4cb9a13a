"""Apache ZooKeeper: three members that write one log, with members killed, stopped, mistaken and corrupted."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.jvm import JavaProgram, compiled, java, logback
from tests.data.recordings.templates.recording import main

VERSION = "3.9.3"
NAME = f"zookeeper-{VERSION}"
JARS = (
    f"org.apache.zookeeper:zookeeper:{VERSION}",
    "ch.qos.logback:logback-classic:1.2.13",
    "io.dropwizard.metrics:metrics-core:4.1.12.1",
    "org.xerial.snappy:snappy-java:1.1.10.5",
    "org.eclipse.jetty:jetty-server:9.4.56.v20240826",
    "org.eclipse.jetty:jetty-servlet:9.4.56.v20240826",
    "com.fasterxml.jackson.core:jackson-databind:2.15.2",
    "commons-cli:commons-cli:1.5.0",
    "jline:jline:2.14.6",
)
PATTERN = "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%logger{0}] - %m%n"
MEMBERS = (1, 2, 3)
SETTINGS = """tickTime=500
initLimit=10
syncLimit=4
dataDir={home}/{member}
clientPort={port}
admin.serverPort={admin}
4lw.commands.whitelist=srvr,mntr,cons,dump,envi,ruok,stat,wchs,wchp
maxClientCnxns=20
snapCount=400
autopurge.purgeInterval=1
reconfigEnabled=true
standaloneEnabled=false
extendedTypesEnabled=true
quorum.cnxTimeout=2000
server.1=127.0.0.1:2888:3888:participant;127.0.0.1:2181
server.2=127.0.0.1:2889:3889:participant;127.0.0.1:2182
server.3=127.0.0.1:2890:3890:participant;127.0.0.1:2183
"""
MISTAKES = (
    ("tickTime=2000", "tickTime=fast"),
    ("tickTime=2000", "nothing=1"),
    ("dataDir=", "dataDirectory="),
    ("server.2=", "server.2=127.0.0.1:1:2:visitor;"),
    ("server.1=127.0.0.1:2888", "server.1=127.0.0.1"),
    ("initLimit=10", "initLimit=0"),
    ("clientPort=", "clientPort=99"),
    ("admin.serverPort=", "admin.serverPort=2181\nadmin.x="),
    ("syncLimit=4", "syncLimit=4\nsslQuorum=true"),
    ("syncLimit=4", "syncLimit=4\nmetricsProvider.className=no.such.Provider"),
    ("syncLimit=4", "syncLimit=4\nminSessionTimeout=90000\nmaxSessionTimeout=10"),
    ("syncLimit=4", "syncLimit=4\ngroup.1=1:2\ngroup.2=2:3\nweight.1=x"),
    ("syncLimit=4", "syncLimit=4\npeerType=visitor"),
)
COMMANDS = (
    "ls -R /",
    "get /nothing",
    "create /shop/a b",
    "create -e /shop/e x",
    "create -s /shop/s- x",
    "set /shop/a 5",
    "delete /nothing",
    "deleteall /shop/a",
    "stat /shop",
    "getAcl /shop",
    "setAcl /shop world:anyone:cdrw",
    "setquota -n 3 /shop",
    "listquota /shop",
    "addauth digest a:b",
    "config",
    "reconfig -remove 3",
    "reconfig -add 3=127.0.0.1:2890:3890:participant;2183",
    "sync /",
    "history",
    "removewatches /nothing",
    "getEphemerals",
    "version",
    "whoami",
    "nothing",
    "getAllChildrenNumber /",
    "setquota -b 1 /shop",
)
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xfe",
    b"\x00\x00\x00\x04abcd",
    b"kill",
    b"\x16\x03\x01\x02\x00\x01",
)


class Zookeeper(JavaProgram):
    """An ensemble of three."""

    name: ClassVar[str] = "zookeeper"
    folder, jars, release = NAME, JARS, VERSION
    title = "Apache ZooKeeper"
    language = "Java"
    half = "design"
    how = (
        "logback, three members and the command line client in one log, INFO and DEBUG in turn; sessions, watches, "
        "transactions, access lists, quotas; members killed, stopped and corrupted, broken configurations, garbage"
    )
    header = r"\S+ \S+ \[myid:[^\]]*\] - (?P<level>[A-Z]+) +\[.*?:\w+\] - "
    same = (r"Sending DIFF zxid=\S+ +for peer sid: \d+", r"Peer state changed: \w+")
    wrappers: ClassVar[dict[str, str]] = {
        r".*\.ZookeeperBanner:\d+": "lines of a picture made of letters",
        r".*\.common\.PathTrie:\d+": "a part of a path and nothing else",
        r".*\.server\.RateLogger:\d+": "repeats what was logged elsewhere",
        r".*\.Environment:\d+": "a heading given by the caller, then any property of Java",
        r".*\.jetty\.util\.log\.\S+": "Jetty's own logging",
    }

    def activities(self) -> Sequence[Activity]:
        """Sessions of several kinds, four letter words, the admin server, strangers."""
        return (
            Activity(self._session, every=0.6, threads=3),
            Activity(self._words, every=2.5),
            Activity(self._stranger, every=4.0),
            Activity(self._left_behind, every=6.0),
            Activity(self._command_line, every=14.0),
        )

    def drive(self) -> None:
        """Phases of DEBUG and INFO, a fault after each; then mistaken starts."""
        self.classpath = compiled(NAME, self.home)
        logback(self.home, PATTERN, "INFO")
        self.members: dict[int, subprocess.Popen[bytes]] = {}
        for member in MEMBERS:
            (self.home / str(member)).mkdir()
            (self.home / str(member) / "myid").write_text(f"{member}\n")
            self._settings(member)
            self._member(member)
        self.until(self._answers)
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, fault in (
            ("INFO", self._kill_follower),
            ("DEBUG", self._kill_leader),
            ("INFO", self._freeze),
            ("DEBUG", self._corrupt),
            ("INFO", self._lose_quorum),
            ("DEBUG", self._wrong_id),
            ("INFO", self._reconfigured),
        ):
            logback(self.home, PATTERN, level)
            self.over.wait(14)
            with suppress(*self.client_errors):
                fault()
            self.over.wait(8)
        self.over.set()
        self._mistaken_starts()
        for member in MEMBERS:
            self.members[member].send_signal(signal.SIGTERM)

    def _settings(self, member: int, old: str = "", new: str = "") -> Path:
        path = self.home / f"zoo{member}.cfg"
        text = SETTINGS.format(home=self.home, member=member, port=2180 + member, admin=8080 + member)
        path.write_text(text.replace(old, new) if old else text)
        return path

    def _run(self, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
        with self.raw().open("ab") as log:
            argv = java(self.classpath, *arguments, memory="128m", zookeeper_extendedTypesEnabled="true")
            return self.spawn(argv, cwd=self.home, stdout=log, stderr=log, **options)

    def _member(self, member: int) -> None:
        path = self.home / f"zoo{member}.cfg"
        self.members[member] = self._run("org.apache.zookeeper.server.quorum.QuorumPeerMain", path)

    def _answers(self) -> bool:
        return any(b"Mode: leader" in self._word("srvr", member) for member in MEMBERS)

    def _word(self, word: str, member: int) -> bytes:
        with socket.create_connection(("127.0.0.1", 2180 + member), 2) as peer:
            peer.settimeout(2)
            peer.sendall(word.encode())
            return peer.recv(10000)

    def _leader(self) -> int:
        for member in MEMBERS:
            with suppress(OSError):
                if b"Mode: leader" in self._word("srvr", member):
                    return member
        return 1

    def _client(self, rng: Random, timeout: float = 4.0) -> KazooClient:
        hosts = ",".join(f"127.0.0.1:{2180 + m}" for m in rng.sample(MEMBERS, 3))
        client = KazooClient(hosts=hosts, timeout=timeout, read_only=rng.random() < 0.1)
        client.start(timeout=3)
        return client

    def _session(self, rng: Random) -> None:
        client = self._client(rng)
        try:
            client.ensure_path("/shop/orders")
            for _ in range(rng.randint(1, 8)):
                with suppress(*self.client_errors):
                    self._request(client, rng)
        finally:
            client.stop()
            client.close()

    def _request(self, client: KazooClient, rng: Random) -> None:
        path = f"/shop/orders/{rng.randrange(60)}"
        kind = rng.randrange(14)
        if kind < 4:
            client.create(path, b"x" * rng.randrange(300), ephemeral=rng.random() < 0.5, sequence=rng.random() < 0.3)
        elif kind < 6:
            client.get(path, watch=lambda event: None)
        elif kind == 6:
            client.set(path, b"new", version=rng.choice((-1, 3)))
        elif kind == 7:
            client.delete(path, recursive=rng.random() < 0.5)
        elif kind == 8:
            change = client.transaction()
            change.create(path, b"1")
            change.check("/nothing", 3)
            change.commit()
        elif kind == 9:
            client.create(f"/secret{rng.randrange(9)}", b"", acl=[make_digest_acl("ann", "pw", all=True)])
        elif kind == 10:
            client.get(f"/secret{rng.randrange(9)}")
        elif kind == 11:
            client.add_auth(rng.choice(("digest", "magic")), "ann:pw")
        elif kind == 12:
            client.create(rng.choice(("/a/../b", "/zookeeper/quota/x/y", "/a//b")), b"", makepath=True)
        else:
            client.set("/shop", b"y" * rng.choice((10, 1_200_000)))

    def _left_behind(self, rng: Random) -> None:
        client = self._client(rng, 2.0)
        client.create(f"/shop/lock{rng.randrange(999)}", b"", ephemeral=True)
        client._connection._socket.shutdown(socket.SHUT_RDWR)
        time.sleep(4)
        client.stop()

    def _words(self, rng: Random) -> None:
        words = (
            "srvr",
            "mntr",
            "cons",
            "dump",
            "envi",
            "ruok",
            "stat",
            "wchs",
            "wchp",
            "conf",
            "dirs",
            "crst",
            "isro",
            "nope",
        )
        self._word(rng.choice(words), rng.choice(MEMBERS))
        page = rng.choice(
            ("stats", "monitor", "configuration", "dump", "leader", "initial_configuration", "nothing", "snapshot")
        )
        urllib.request.urlopen(f"http://127.0.0.1:{8080 + rng.choice(MEMBERS)}/commands/{page}", timeout=3).read()

    def _stranger(self, rng: Random) -> None:
        port = rng.choice((2181, 2182, 2183, 3888, 3889, 2888, 2889))
        with socket.create_connection(("127.0.0.1", port), 2) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(GARBAGE))
            peer.recv(10)
        if rng.random() < 0.2:
            many = [socket.create_connection(("127.0.0.1", 2181), 2) for _ in range(25)]
            time.sleep(1)
            for peer in many:
                peer.close()

    def _command_line(self, rng: Random) -> None:
        text = "\n".join(rng.sample(COMMANDS, 8)) + "\n"
        main_class = "org.apache.zookeeper.ZooKeeperMain"
        client = self._run(main_class, "-server", f"127.0.0.1:{rng.choice((2181, 2182, 2190))}", stdin=subprocess.PIPE)
        with suppress(subprocess.TimeoutExpired):
            client.communicate(text.encode(), 12)
        client.kill()

    def _kill(self, member: int, seconds: float = 5.0) -> None:
        self.members[member].kill()
        self.members[member].wait()
        time.sleep(seconds)

    def _kill_follower(self) -> None:
        member = next(m for m in MEMBERS if m != self._leader())
        self._kill(member)
        self._member(member)

    def _kill_leader(self) -> None:
        member = self._leader()
        self._kill(member)
        self._member(member)

    def _freeze(self) -> None:
        member = self._leader()
        self.members[member].send_signal(signal.SIGSTOP)
        time.sleep(8)
        self.members[member].send_signal(signal.SIGCONT)

    def _corrupt(self) -> None:
        member = next(m for m in MEMBERS if m != self._leader())
        self._kill(member, 1)
        files = sorted((self.home / str(member) / "version-2").iterdir())
        kept = {path: path.read_bytes() for path in files}
        for path in [p for p in files if p.name.startswith(("log", "snapshot"))][-3:]:
            path.write_bytes(kept[path][: len(kept[path]) // 2] + b"\xff" * 40)
        self._member(member)
        time.sleep(6)
        self._kill(member, 1)
        for path, content in kept.items():
            path.write_bytes(content)
        self._member(member)

    def _lose_quorum(self) -> None:
        for member in (1, 2):
            self.members[member].terminate()
        time.sleep(8)
        for member in (1, 2):
            self._member(member)

    def _wrong_id(self) -> None:
        self._kill(3, 1)
        identity = self.home / "3" / "myid"
        for wrong in ("2\n", "seven\n", "9\n"):
            identity.write_text(wrong)
            self._member(3)
            time.sleep(4)
            self._kill(3, 0.5)
        identity.write_text("3\n")
        self._settings(3, "clientPort=2183", "clientPort=2183\nreadonlymode.enabled=true")
        self._member(3)

    def _reconfigured(self) -> None:
        client = self._client(self.rng("reconfigured"))
        client.reconfig(joining=None, leaving="3", new_members=None)
        time.sleep(3)
        client.reconfig(
            joining="server.3=127.0.0.1:2890:3890:participant;127.0.0.1:2183", leaving=None, new_members=None
        )
        client.stop()

    def _mistaken_starts(self) -> None:
        for old, new in MISTAKES:
            path = self._settings(9, old.replace("2000", "500"), new)
            with suppress(subprocess.TimeoutExpired):
                child = self._run("org.apache.zookeeper.server.quorum.QuorumPeerMain", path)
                child.wait(5)
            child.kill()


if __name__ == "__main__":
    assert __spec__
    main(Zookeeper, __spec__.name)
