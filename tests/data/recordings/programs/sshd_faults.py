"""What goes wrong with sshd and its accounts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import ExitStack
from random import Random

from tests.data.recordings.program import Program

STRANGER = "127.0.66.6"
GUESSED = ("admin", "root", "oracle", "test", "ubuntu", "pi", "alice", "guest", "ftpuser", "nagios")
GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"SSH-1.5-scan\r\n",
           b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08")  # fmt: skip


class SshdFaults(Program):
    """The faults; the program itself is in ``sshd.py``."""

    server: subprocess.Popen[bytes]
    passwords: dict[str, str]

    def by_password(self, rng: Random, user: str, password: str, command: str, source: str = "") -> int:
        """Log in with a password."""
        raise NotImplementedError

    def connect(self) -> socket.socket:
        """A bare connection from the address of a stranger."""
        return socket.create_connection(("127.0.0.1", 22), 5, source_address=(STRANGER, 0))

    def brute_force(self, seconds: float) -> None:
        """A stranger guesses names and passwords."""
        guessers = [threading.Thread(target=self._guess, args=(n, seconds - 4)) for n in range(3)]
        for guesser in guessers:
            guesser.start()
        for guesser in guessers:
            guesser.join()

    def _guess(self, number: int, seconds: float) -> None:
        rng = Random(number)

        def guess() -> None:
            self.by_password(rng, rng.choice(GUESSED), f"{rng.random()}", "true", STRANGER)

        self.during(seconds, 0.3, guess)

    def keys_refused(self, seconds: float) -> None:
        """A careless script makes the home folders of the machines writable for everybody."""
        homes = [self.home / "users" / name for name in ("deploy", "archive", "git")]
        for home in homes:
            home.chmod(0o777)
        time.sleep(seconds)
        for home in homes:
            home.chmod(0o755)

    def account_takeover(self, seconds: float) -> None:
        """Some wrong passwords, the right one, and then the password is changed."""
        rng, old, new = Random(7), self.passwords["bob"], "mine-now-4711"
        guesses = max(3, int(seconds / 5))
        for _ in range(guesses):
            self.by_password(rng, "bob", f"bob{rng.randrange(100)}", "true", STRANGER)
            time.sleep(0.5)
        change = f"printf '{old}\\n{new}\\n{new}\\n' | passwd"
        for command in ("id", "cat /etc/passwd", change):
            self.by_password(rng, "bob", old, command, STRANGER)
        self.passwords["bob"] = new
        self.by_password(rng, "bob", new, "sleep 5", STRANGER)

    def frozen(self, seconds: float) -> None:
        """The server is stopped: nobody gets in, and the log falls silent."""
        os.kill(self.server.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.server.pid, signal.SIGCONT)
        time.sleep(3)

    def protocol_garbage(self, seconds: float) -> None:
        """A scanner speaks other protocols to the port."""
        rng = Random(8)
        self.during(seconds, 0.6, lambda: self._speak(rng.choice(GARBAGE)))

    def _speak(self, garbage: bytes) -> None:
        with self.connect() as link:
            link.sendall(garbage)
            link.settimeout(0.5)
            link.recv(100)

    def connection_flood(self, seconds: float) -> None:
        """Connections that never log in, until the server drops new ones."""
        with ExitStack() as held:
            self.during(seconds, 0.5, lambda: held.enter_context(self.connect()))
        time.sleep(2)
