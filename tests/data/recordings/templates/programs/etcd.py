"""etcd: three members that are killed, stopped, cut off, filled up, spoilt, replaced and misconfigured."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

TOOLS = Path("/srv/recording/tools/etcd")
CALLER = re.compile(r',"caller":"([^"]*)"')
ENDLESS = re.compile(r"rafthttp/peer_status\.go:82|rafthttp/stream\.go:597|raft/raft\.go:1232|grpclog/grpclog\.go")
MESSAGE = re.compile(r'"msg":"((?:[^"\\]|\\.)*)"')
NAMES = ("one", "two", "three")
PEERS = {name: f"http://127.0.0.1:{2380 + 10 * n}" for n, name in enumerate(NAMES)}
CLIENTS = {name: f"http://127.0.0.1:{2379 + 10 * n}" for n, name in enumerate(NAMES)}
QUICK = ("--snapshot-count", "300", "--heartbeat-interval", "50", "--election-timeout", "300", "--enable-v2")
QUICK += ("--auto-compaction-mode", "revision", "--auto-compaction-retention", "200", "--max-request-bytes", "20000")
REFUSED = (
    ("--listen-client-urls", "http://localhost:1"),
    ("--listen-client-urls", "https://127.0.0.1:2400", "--advertise-client-urls", "https://127.0.0.1:2400"),
    ("--initial-cluster", "other=http://127.0.0.1:2480"),
    ("--listen-peer-urls", "http://127.0.0.1:2380"),
    ("--data-dir", "/proc/none"),
    ("--heartbeat-interval", "500", "--election-timeout", "100"),
    ("--cert-file", "none.pem", "--key-file", "none.key", "--listen-client-urls", "https://127.0.0.1:2400"),
    ("--discovery", "http://127.0.0.1:1/none"),
    ("--discovery-srv", "shop.test"),
    ("--auto-tls", "--peer-auto-tls", "--listen-client-urls", "https://127.0.0.1:2400"),
    ("--auth-token", "jwt,pub-key=none"),
    ("--auto-compaction-mode", "weekly"),
    ("--no-such-flag",),
    ("--force-new-cluster",),
    ("--experimental-initial-corrupt-check", "--experimental-corrupt-check-time", "1s", "--pre-vote"),
)

SECURITY = (
    "user add root:secret",
    "role add root",
    "user grant-role root root",
    "role add reader",
    "role grant-permission reader read /shop/",
    "user add bob:pw",
    "user grant-role bob reader",
    "auth enable",
    "get /shop/1 --user bob:wrong",
    "get /shop/1 --user bob:pw",
    "put /shop/1 x --user bob:pw",
    "get /shop/1",
    "user passwd bob --user root:secret",
    "user delete bob --user root:secret",
    "auth disable --user root:secret",
    "role delete reader",
)


class Etcd(TemplateProgram):
    """etcd."""

    name = "etcd"
    title = "etcd, a cluster of three, JSON by zap"
    language = "Go"
    half = "design"
    how = (
        "the field caller of its lines, taken out; three members and refused ones in one log, info and debug in "
        "turn; members killed, stopped, full, replaced and spoilt, users, garbage, mistaken starts"
    )
    wrappers: ClassVar = {r"grpclog/grpclog\.go:\d+": "lines of gRPC"}
    header = r'\{"level":"(?P<level>\w+)","ts":"[^"]*",'

    @classmethod
    def prepare(cls) -> None:
        """Only the programs, without Debian's service."""
        if not (TOOLS / "usr").exists():
            TOOLS.mkdir(parents=True, exist_ok=True)
            subprocess.run(["apt-get", "download", "etcd-server", "etcd-client"], cwd=TOOLS, check=True)
            for package in TOOLS.glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, TOOLS], check=True)

    def version(self) -> str:
        """Of etcd."""
        return subprocess.check_output([TOOLS / "usr/bin/etcd", "--version"], text=True).split()[2]

    def lines(self) -> Iterator[Line]:
        """Lines without their caller; of statements that repeat without end every 20th."""
        for number, row in enumerate(self.raw().read_text(errors="surrogateescape").splitlines()):
            found = CALLER.search(row) if row.startswith('{"level"') else None
            if not found:
                yield Line(row)
            elif not ENDLESS.match(found[1]) or number % 20 == 0:
                text = row[: found.start()] + row[found.end() :]
                yield Line(text.replace(found[1], found[1].rpartition(":")[0]), found[1])  # traces tell it again

    def said(self, text: str) -> str:
        """The text of ``msg`` and the names of the other fields."""
        found = MESSAGE.search(text)
        keys = re.findall(r',"([\w-]+)":', text.partition('"msg"')[2]) if found else ()
        return f"{found[1]} {sorted(set(keys))}" if found else text

    def drive(self) -> None:
        """INFO, then DEBUG, each with faults; then a spoilt member, then starts that fail."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        for level, seconds in (("info", 50), ("debug", 70), ("debug", 40)):
            for name in NAMES:  # a cluster that lost its majority for good is given up
                shutil.rmtree(self.home / name, ignore_errors=True)
            members = {name: self.member(name, level) for name in NAMES}
            time.sleep(4)
            stop = threading.Event()
            clients = [threading.Thread(target=self.client, args=(stop, Random(f"{level}/{n}"))) for n in range(3)]
            for client in clients:
                client.start()
            self.trouble(members, level, seconds)
            stop.set()
            for client in clients:
                client.join()
            for child in members.values():
                self.end(child)
        self.spoilt()
        self.refused()

    def member(self, name: str, level: str, *options: str, state: str = "new") -> subprocess.Popen[bytes]:
        """Start a member."""
        cluster = ",".join(f"{one}={url}" for one, url in PEERS.items())
        argv: list[str | Path] = [TOOLS / "usr/bin/etcd", "--name", name, "--data-dir", str(self.home / name)]
        argv += ["--listen-client-urls", CLIENTS[name], "--advertise-client-urls", CLIENTS[name]]
        argv += ["--listen-peer-urls", PEERS[name], "--initial-advertise-peer-urls", PEERS[name]]
        argv += [
            "--initial-cluster",
            cluster,
            "--initial-cluster-state",
            state,
            "--logger",
            "zap",
            "--log-outputs",
            "stderr",
        ]
        argv += ["--log-level", level, *QUICK, *options]
        with self.raw().open("ab") as out:
            return self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "HOME": str(self.home)})

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Stop it."""
        child.send_signal(signal.SIGCONT)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        child.wait()

    def etcdctl(self, *arguments: str) -> str:
        """Run etcdctl, not minding what becomes of it."""
        argv = ["timeout", "3", TOOLS / "usr/bin/etcdctl", *arguments, "--endpoints", ",".join(CLIENTS.values())]
        argv += ["--command-timeout", "800ms", "--dial-timeout", "500ms"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        done = subprocess.run(argv, capture_output=True, text=True, cwd=self.home, env=environment, check=False)
        return done.stdout

    def client(self, stop: threading.Event, rng: Random) -> None:
        """Work of all kinds."""
        while not stop.is_set():
            key, value = f"/shop/{rng.randrange(50)}", "x" * rng.choice((5, 50, 500, 15_000, 30_000))
            work = rng.choice(WORK)
            if work == "burst":
                puts = "\n".join(f"put {key}/{n} {value[:99]}" for n in range(60))
                argv = [
                    "timeout",
                    "3",
                    TOOLS / "usr/bin/etcdctl",
                    "txn",
                    "--endpoints",
                    rng.choice(list(CLIENTS.values())),
                ]
                subprocess.run(argv, input=f"\n{puts}\n\n\n", text=True, capture_output=True, check=False)
            elif work == "garbage":
                with (
                    suppress(OSError),
                    socket.create_connection(("127.0.0.1", rng.choice((2379, 2380, 2390))), 1) as link,
                ):
                    link.send(
                        rng.choice(
                            (b"nonsense\r\n\r\n", b"\x16\x03\1\2\0\1\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxx", b"")
                        )
                    )
            elif work == "page":
                path = rng.choice(
                    ("version", "health", "metrics", "members", "raft", "debug/vars", "v2/keys/a?wait=x", "none")
                )
                url = f"{rng.choice([*CLIENTS.values(), *PEERS.values()])}/{path}"
                subprocess.run(["curl", "-s", "--max-time", "2", url], stdout=subprocess.DEVNULL, check=False)
            else:
                self.etcdctl(*work.format(key=key, value=value, n=rng.randrange(1, 900)).split())
            stop.wait(rng.expovariate(6))

    def trouble(self, members: dict[str, subprocess.Popen[bytes]], level: str, seconds: float) -> None:
        """Faults one after the other."""
        rng = self.rng(level)
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            for name in [name for name, child in members.items() if child.poll() is not None]:
                members[name] = self.member(name, level)
            name = rng.choice(NAMES)
            match number % 6:
                case 0:
                    members[name].kill()
                    time.sleep(4)
                    members[name] = self.member(name, level)
                case 1:
                    members[name].send_signal(signal.SIGSTOP)
                    time.sleep(3)
                    members[name].send_signal(signal.SIGCONT)
                case 2:
                    self.end(members[name])
                    time.sleep(5)
                    members[name] = self.member(name, level, "--quota-backend-bytes", "2000000")
                case 3:
                    self.replace(members, name, level)
                case 4:
                    self.security()
                case 5:
                    for order in ("defrag", "alarm disarm", "endpoint status", "snapshot save s.db", "move-leader 1"):
                        self.etcdctl(*order.split())
            time.sleep(3)
            number += 1

    def replace(self, members: dict[str, subprocess.Popen[bytes]], name: str, level: str) -> None:
        """Remove a member and add a new one."""
        found = re.search(rf"(\w+), started, {name},", self.etcdctl("member", "list"))
        if not found:
            return
        self.etcdctl("member", "remove", found[1])
        time.sleep(2)
        self.end(members[name])
        shutil.rmtree(self.home / name, ignore_errors=True)
        self.etcdctl("member", "add", name, f"--peer-urls={PEERS[name]}")
        members[name] = self.member(name, level, state="existing")

    def security(self) -> None:
        """Users, roles, wrong passwords; off again at the end."""
        for order in SECURITY:
            self.etcdctl(*order.split())

    def spoilt(self) -> None:
        """Starts with damaged files."""
        for number, name in enumerate(NAMES):
            files = sorted(
                (self.home / name / "member" / ("wal", "snap")[number == 1]).glob(("*.wal", "*.snap", "*.wal")[number])
            )
            if files:
                with files[-1].open("r+b") as file:
                    file.seek((20, 10, 60_000)[number])
                    file.write(self.rng(name).randbytes(300))
            child = self.member(name, ("debug", "info")[number % 2])
            time.sleep(6)
            self.end(child)
        shutil.rmtree(self.home / "one" / "member" / "wal", ignore_errors=True)
        (self.home / "one" / "member" / "snap" / "db").write_bytes(b"spoilt")
        child = self.member("one", "debug")
        time.sleep(4)
        self.end(child)

    def refused(self) -> None:
        """Starts with wrong settings."""
        for number, options in enumerate(REFUSED):
            argv: list[str | Path] = [
                TOOLS / "usr/bin/etcd",
                "--name",
                "alone",
                "--data-dir",
                str(self.home / f"alone{number}"),
            ]
            argv += ["--logger", "zap", "--log-outputs", "stderr", "--listen-peer-urls", "http://127.0.0.1:2480"]
            argv += [
                "--listen-client-urls",
                "http://127.0.0.1:2479",
                "--advertise-client-urls",
                "http://127.0.0.1:2479",
            ]
            argv += ["--log-level", ("info", "debug")[number % 2], *options]
            with self.raw().open("ab") as out:
                child = self.spawn(
                    argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "HOME": str(self.home)}
                )
            time.sleep(3)
            self.end(child)


WORK = (
    "put {key} {value}",
    "put {key} {value}",
    "get {key}",
    "get / --prefix",
    "del {key} --prefix",
    "put {key} {value}",
    "burst",
)
WORK += (
    "lease grant 2",
    "compact {n}",
    "lease keep-alive --once {n}",
    "garbage",
    "page",
    "page",
    "member list",
    "burst",
)
WORK += (
    "get {key} --rev 999999",
    "get {key} --consistency=s",
    "user list",
    "endpoint health",
    "watch {key} --rev 1 --prefix",
)

if __name__ == "__main__":
    assert __spec__ is not None
    main(Etcd, __spec__.name)
