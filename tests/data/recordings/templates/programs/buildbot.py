"""Buildbot: a master and its workers; builds that fail and hang, workers killed and refused, bad configurations."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.programs.prometheus_world import Server, World
from tests.data.recordings.templates.python_programs import environment, install, installed, shortened
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

TAC = """
import sys
sys.path.insert(0, {home!r})
from buildbot_place import placed
from twisted.application import service
from twisted.logger import ILogObserver
from {module} import {kind}
application = service.Application({name!r})
application.setComponent(ILogObserver, placed)
{kind}({arguments}).setServiceParent(application)
"""
TRY = ("try", "--connect=pb", "--master=localhost:8031", "--username=bob", "--passwd=pw", "--vc=git")
TRY += ("--diff=/dev/null", "-b", "shop-0", "--wait")
METRIC = re.compile(r"\] (Counter|Timer) ")
WRONG = (
    "syntax error (",
    "c = 1\nBuildmasterConfig = {}",
    "from buildbot.plugins import none",
    "exec(open('good.cfg').read()); c['none'] = 1",
    "exec(open('good.cfg').read()); c['builders'] = c['builders'][:1] * 2",
    "exec(open('good.cfg').read()); c['workers'] = []",
    "exec(open('good.cfg').read()); c['schedulers'] = c['schedulers'][:2]",
    "exec(open('good.cfg').read()); c['builders'] = c['builders'][:4]; c['schedulers'] = []",
    "exec(open('good.cfg').read()); c['change_source'] = None; c['services'] = []",
    "exec(open('good.cfg').read()); c['workers'][0].password = 'other'",
    "exec(open('good.cfg').read()); c['db'] = {'db_url': 'sqlite:////none/x'}",
)


class Buildbot(TemplateProgram):
    """Buildbot."""

    name = "buildbot"
    title = "Buildbot, a master and three workers, Twisted's log"
    language = "Python"
    half = "held_out"
    how = (
        "a log observer in buildbot.tac that finds the frame that logged; master and workers in one log, without "
        "levels; failing and hanging builds, workers killed and refused, wrong configurations, a locked "
        "database, garbage"
    )
    header = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000 \[(?:[^\]#]*#(?P<level>\w+)|[^\]]*)\] "

    wrappers: ClassVar = {
        r"buildbot/db/connector\.py:205": "prints a long text line by line",
        r"buildbot/master\.py:(258|438|456)": "prints errors of the configuration, and one of three outcomes",
        r"buildbot/process/build\.py:542": "prints a value and nothing else",
        r"twisted/internet/defer\.py:\d+": "log.err as a callback, with the text of whoever set it",
        r"warnings\.py:\d+": "warnings of any module",
    }

    @classmethod
    def prepare(cls) -> None:
        """An environment of its own."""
        install(cls.name, "buildbot", "buildbot-worker", "treq", "setuptools<81")

    def version(self) -> str:
        """Of Buildbot."""
        return installed(self.name, "buildbot")

    def lines(self) -> Iterator[Line]:
        """Marked lines; a report of metrics has a place for each kind of metric."""
        for line in shortened(super().lines(), self.home):
            found = METRIC.search(line.text) if line.location.startswith("buildbot/process/metrics.py:") else None
            yield Line(line.text, f"{line.location} {found[1]}" if found else line.location)

    def drive(self) -> None:
        """Three lives of the master, with trouble in each; then starts that fail."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        threading.Thread(target=Server(("127.0.0.1", 9200), World).serve_forever, daemon=True).start()
        here = Path(__file__).parent
        shutil.copy(here / "buildbot_place.py", self.home)
        (self.home / "secrets").mkdir(mode=0o700)
        (self.home / "master").mkdir()
        shutil.copy(here / "buildbot_master.py", self.home / "master" / "good.cfg")
        self.repository()
        self.folders()
        for number, seconds in enumerate((80, 80, 60)):
            self.configure("")
            master = self.twistd("master")
            workers = [self.twistd(f"w{n}") for n in range(3)]
            time.sleep(6)
            self.trouble(seconds, master, workers, Random(f"trouble/{number}"))
            master.send_signal((signal.SIGTERM, signal.SIGKILL, signal.SIGINT)[number])
            with suppress(subprocess.TimeoutExpired):
                master.wait(15)
            time.sleep(3)
            for child in (master, *workers):
                self.end(child)
        self.mistakes()

    def shell(self, *argv: object, cwd: Path | None = None) -> None:
        """Run something that is not recorded."""
        environment = {**os.environ, **self.settings()}
        subprocess.run([str(a) for a in argv], cwd=cwd or self.home, env=environment, capture_output=True, check=False)

    def settings(self) -> dict[str, str]:
        """What all processes find in their environment."""
        who = {f"GIT_{role}_{what}": "bob" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        path = f"{environment(self.name)}:{os.environ['PATH']}"
        return {"HOME": str(self.home), "PATH": path, "TZ": "UTC", "GIT_CONFIG_GLOBAL": "/dev/null"} | who

    def repository(self) -> None:
        """A repository with a commit."""
        folder = self.home / "repository"
        self.shell("git", "init", "-q", "-b", "main", folder)
        self.commit(0)

    def commit(self, n: int) -> None:
        """One more commit, on a new branch at times."""
        folder = self.home / "repository"
        if n % 5 == 4:
            self.shell("git", "checkout", "-q", "-b", f"topic-{n}", cwd=folder)
        self.shell("git", "commit", "-q", "--allow-empty", "-m", f"change {n}", cwd=folder)

    def folders(self) -> None:
        """The folders of master and workers, each with its own buildbot.tac."""
        tac = TAC.format(
            home=str(self.home),
            module="buildbot.master",
            kind="BuildMaster",
            name="buildmaster",
            arguments="'.', 'master.cfg', umask=None",
        )
        self.configure("")
        (self.home / "master" / "buildbot.tac").write_text(tac)
        self.shell(environment(self.name) / "buildbot", "upgrade-master", self.home / "master")
        for n in range(4):
            folder = self.home / f"w{n}"
            (folder / "info").mkdir(parents=True)
            (folder / "info" / "admin").write_text("bob")
            arguments = f"'localhost', 9989, 'w{n}', {'secret' if n < 3 else 'wrong'!r}, {str(folder)!r}, 3, maxdelay=4"
            kind = {"module": "buildbot_worker.bot", "kind": "Worker", "name": "worker", "arguments": arguments}
            (folder / "buildbot.tac").write_text(TAC.format(home=str(self.home), **kind))

    def configure(self, wrong: str) -> None:
        """Write the master's configuration, right or wrong."""
        (self.home / "master" / "master.cfg").write_text(wrong or "exec(open('good.cfg').read())")

    def twistd(self, name: str) -> subprocess.Popen[bytes]:
        """Start the master or a worker."""
        with self.raw().open("ab") as out:
            argv = [environment(self.name) / "twistd", "--nodaemon", "--pidfile=", "--python", "buildbot.tac"]
            return self.spawn(argv, cwd=self.home / name, stdout=out, stderr=out, env={**os.environ, **self.settings()})

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Stop it."""
        child.send_signal(signal.SIGCONT)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        child.wait()

    def trouble(
        self, seconds: float, master: subprocess.Popen[bytes], workers: list[subprocess.Popen[bytes]], rng: Random
    ) -> None:
        """Changes and faults one after the other."""
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            self.commit(number)
            n = rng.randrange(3)
            match number % 8:
                case 1:
                    workers[n].kill()
                    time.sleep(2)
                    workers[n] = self.twistd(f"w{n}")
                case 2:
                    self.reconfigure(master, rng.choice(WRONG))
                case 3:
                    for order in ("", "--branch=none", "--auth=bob:wrong", "--auth=eve:pw"):
                        self.shell(
                            environment(self.name) / "buildbot",
                            "sendchange",
                            "-m",
                            "localhost:9999",
                            "-a",
                            "bob:pw",
                            "-W",
                            "eve",
                            order or "--branch=main",
                            "a.c",
                        )
                case 4:
                    workers[n].send_signal(signal.SIGSTOP)
                    time.sleep(9)
                    workers[n].send_signal(signal.SIGCONT)
                case 5:
                    stranger = self.twistd("w3")
                    workers.append(self.twistd("w0"))
                    time.sleep(4)
                    self.end(stranger)
                    self.end(workers.pop())
                case 6:
                    self.garbage(rng)
                    self.shell("timeout", "4", environment(self.name) / "buildbot", *TRY)
                case 7:
                    workers[n].send_signal(signal.SIGHUP)
                    self.lock_database()
            time.sleep(2.5)
            number += 1

    def reconfigure(self, master: subprocess.Popen[bytes], wrong: str) -> None:
        """Another configuration, then the good one again."""
        for text in (wrong, ""):
            self.configure(text)
            master.send_signal(signal.SIGHUP)
            time.sleep(3)

    def garbage(self, rng: Random) -> None:
        """Something else on the ports."""
        for port in (9989, 9999, 8031):
            with suppress(OSError), socket.create_connection(("localhost", port), 1) as link:
                link.send(
                    rng.choice((b"GET / HTTP/1.0\r\n\r\n", b"\x02pb\x80" + rng.randbytes(90), rng.randbytes(300)))
                )

    def lock_database(self) -> None:
        """Hold the database for some seconds."""
        with sqlite3.connect(self.home / "master" / "state.sqlite", timeout=1) as link, suppress(sqlite3.Error):
            link.execute("BEGIN EXCLUSIVE")
            time.sleep(7)

    def mistakes(self) -> None:
        """Starts with a wrong configuration, a taken port, a spoilt database."""
        for wrong in WRONG[:6]:
            self.configure(wrong)
            child = self.twistd("master")
            time.sleep(5)
            self.end(child)
        self.configure("")
        with socket.create_server(("127.0.0.1", 9989)):
            child = self.twistd("master")
            time.sleep(8)
            self.end(child)
        (self.home / "master" / "state.sqlite").write_bytes(b"spoilt" * 100)
        child = self.twistd("master")
        time.sleep(8)
        self.end(child)


if __name__ == "__main__":
    assert __spec__ is not None
    main(Buildbot, __spec__.name)
