"""What goes wrong with nginx and the application behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from random import Random

from tests.data.recordings.program import Program

SCANNED = ("/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/cgi-bin/test.cgi",
           "/backup.zip", "/config.json", "/admin.php", "/server-status", "/vendor/phpunit/eval.php")  # fmt: skip


class NginxFaults(Program):
    """The faults; the program itself is in ``nginx.py``."""

    server: subprocess.Popen[bytes]
    backend: subprocess.Popen[bytes]

    def start_backend(self) -> None:
        """Start the application."""
        raise NotImplementedError

    def tell_backend(self, delay: float = 0.0, reset: float = 0.0) -> int:
        """Make the application misbehave."""
        raise NotImplementedError

    def ask(self, rng: Random, method: str, path: str, **options: object) -> int:
        """One request."""
        raise NotImplementedError

    def upstream_killed(self, seconds: float) -> None:
        """The application dies and is started again later: 502."""
        self.backend.kill()
        self.backend.wait()
        time.sleep(seconds)
        self.start_backend()

    def slow_upstream(self, seconds: float) -> None:
        """The application answers, but late: only the times show it."""
        self.tell_backend(delay=1.6)
        time.sleep(seconds)
        self.tell_backend()
        time.sleep(2)

    def upstream_stalled(self, seconds: float) -> None:
        """The application hangs: 504; it goes on where it stood."""
        os.kill(self.backend.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.backend.pid, signal.SIGCONT)
        time.sleep(2)

    def upstream_resets(self, seconds: float) -> None:
        """The application breaks off a part of its connections."""
        self.tell_backend(reset=0.4)
        time.sleep(seconds)
        self.tell_backend()

    def path_scan(self, seconds: float) -> None:
        """One client looks for holes."""
        rng = Random(3)

        def scan() -> None:
            path = rng.choice(SCANNED)
            self.ask(rng, "GET", path, agent="Mozilla/5.0 zgrab/0.x")

        self.during(seconds, 0.2, scan)

    def config_error(self, seconds: float) -> None:
        """A tool rolls out a broken file and reloads, again and again; nginx keeps the old one."""
        site = self.home / "site.conf"
        good = site.read_text()
        site.write_text(good + "proxy_cache_valid 200 10m\n")
        self.during(seconds, 8.0, lambda: os.kill(self.server.pid, signal.SIGHUP))
        site.write_text(good)
        os.kill(self.server.pid, signal.SIGHUP)
        time.sleep(2)
