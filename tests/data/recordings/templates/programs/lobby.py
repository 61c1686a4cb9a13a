"""Lobby, a JavaScript service of ours: what koa, socket.io, engine.io and ioredis say below it, and its visitors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.data.recordings.templates.recording import TemplateProgram, main

TOOLS = Path("/srv/recording/tools/lobby")
PACKAGES = ("koa@2", "@koa/router", "koa-static", "koa-body", "koa-session", "socket.io", "socket.io-client", "ioredis")
SPEAKERS = ("koa", "koa-send", "@koa/router", "socket.io", "socket.io-client", "engine.io", "ioredis")
LIBRARIES = "koa*,@koa*,engine*,socket.io*,ioredis*"
LIVES = (("", 50), (LIBRARIES, 50), ("", 40), (LIBRARIES, 40))
PATHS = (
    "",
    "rooms/1",
    "rooms/a%20b",
    "broken",
    "fail",
    "old",
    "none",
    "%zz",
    "package.json",
    ".hidden",
    "lobby_app.cjs",
    "socket.io/",
)
PATHS += (
    "socket.io/?EIO=3&transport=polling",
    "socket.io/?EIO=4&transport=odd",
    "socket.io/?EIO=4&transport=polling&sid=none",
)


class Lobby(TemplateProgram):
    """Lobby."""

    name = "lobby"
    title = "a JavaScript service of ours and its visitors, their libraries' lines:"
    language = "JavaScript"
    half = "design"
    how = (
        "a hook on stdout and stderr that takes the place from the stack; pages, rooms, a store, with and without "
        "debug lines; Redis killed and stopped, broken requests, refused visitors, restarts"
    )
    header = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:(?P<level>[A-Z]+) )?"

    @classmethod
    def prepare(cls) -> None:
        """The libraries from npm; Redis comes from Debian."""
        if not (TOOLS / "node_modules" / "koa").exists():
            TOOLS.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--silent", *PACKAGES], cwd=TOOLS, check=True)

    def version(self) -> str:
        """Of the libraries that say most."""
        packages = {
            name: TOOLS / "node_modules" / name / "package.json"
            for name in ("koa", "socket.io", "engine.io", "ioredis")
        }
        return ", ".join(f"{name} {json.loads(path.read_text())['version']}" for name, path in packages.items())

    def said(self, text: str) -> str:
        """Words in quotes are part of what is said."""
        return super().said(text).replace('"', "'")

    def drive(self) -> None:
        """Four lives; Redis stops, dies and comes back in each."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        for name in ("lobby_app.cjs", "nodered_place.cjs"):
            shutil.copy(Path(__file__).with_name(name), TOOLS)
        shutil.copy(Path(__file__).with_name("lobby_app.cjs"), self.home)
        for number, (debug, seconds) in enumerate(LIVES):
            redis = self.redis()
            lobby = self.node("serve", debug)
            time.sleep(2)
            visitors = [self.node("visit", debug) for _ in range(2)]
            self.trouble(seconds, redis, Random(f"trouble/{number}"))
            lobby.send_signal((signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[number])
            time.sleep(4)
            for child in (*visitors, lobby):
                child.kill()
                child.wait()
            subprocess.run(["redis-cli", "shutdown", "nosave"], check=False, capture_output=True)
        self.twice()

    def redis(self) -> subprocess.Popen[bytes]:
        """The store."""
        return self.spawn(["redis-server", "--save", "", "--dir", self.home], stdout=subprocess.DEVNULL)

    def node(self, what: str, debug: str) -> subprocess.Popen[bytes]:
        """Start the lobby or a visitor."""
        environment = {**os.environ, "DEBUG": debug, "NO_COLOR": "1", "GONE": "1" if debug else ""}
        argv = ["node", "--require", TOOLS / "nodered_place.cjs", TOOLS / "lobby_app.cjs", what]
        with self.raw().open("ab") as out:
            return self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env=environment)

    def trouble(self, seconds: float, redis: subprocess.Popen[bytes], rng: Random) -> None:
        """Requests all the while, faults of the store in between."""
        begin = time.monotonic()
        faults = [(0.3, "kill"), (0.4, "start"), (0.6, "stop"), (0.7, "go on"), (0.85, "cut")]
        while (gone := time.monotonic() - begin) < seconds:
            self.ask(rng)
            if faults and gone > faults[0][0] * seconds:
                redis = self.harm(redis, faults.pop(0)[1])
            time.sleep(rng.expovariate(8))

    def harm(self, redis: subprocess.Popen[bytes], how: str) -> subprocess.Popen[bytes]:
        """One fault of the store, or its end."""
        match how:
            case "kill":
                redis.kill()
            case "start":
                return self.redis()
            case "stop":
                redis.send_signal(signal.SIGSTOP)
            case "go on":
                redis.send_signal(signal.SIGCONT)
            case _:
                subprocess.run(["redis-cli", "client", "kill", "type", "normal"], check=False, capture_output=True)
        return redis

    def ask(self, rng: Random) -> None:
        """A request, at times a broken one."""
        with suppress(OSError):
            if rng.random() < 0.1:
                with socket.create_connection(("localhost", 3000), 1) as link:
                    link.send(
                        rng.choice((b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nBad Header\r\n\r\n", b"\x16\x03\1", b""))
                    )
            elif rng.random() < 0.3:
                body = rng.choice((b'{"text": "hello"}', b"{", b'{"text": "' + b"x" * 3000 + b'"}'))
                request = urllib.request.Request(f"http://localhost:3000/rooms/{rng.randrange(4)}", body)
                request.add_header("Content-Type", rng.choice(("application/json", "text/odd")))
                urllib.request.urlopen(request, timeout=2).read()  # noqa: S310 - to localhost
            else:
                urllib.request.urlopen(f"http://localhost:3000/{rng.choice(PATHS)}", timeout=2).read()

    def twice(self) -> None:
        """A second lobby finds the port taken."""
        first = self.node("serve", LIBRARIES)
        time.sleep(3)
        second = self.node("serve", LIBRARIES)
        time.sleep(3)
        for child in (first, second):
            child.kill()
            child.wait()


if __name__ == "__main__":
    assert __spec__ is not None
    main(Lobby, __spec__.name)
