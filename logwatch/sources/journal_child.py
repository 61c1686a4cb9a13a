"""`journalctl` as a child process: started, read without blocking, started again when it dies."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
from collections.abc import Sequence

from logwatch.api import Clock
from logwatch.errors import ConfigError
from logwatch.sources.journal_config import JournalConfig
from logwatch.telemetry import Logger

log = Logger(__name__)

READ = 256 * 1024
BACKOFF_S = (1.0, 60.0)
"""The first wait before it is started again, and the longest; each is twice the one before."""

STEADY_S = 30.0
"""A child that ran for so long ended by accident: the next wait is the first again."""

_SAID = 2000  # bytes of its complaints that are kept


def program() -> str:
    """Path of journalctl. Raises ConfigError where there is none."""
    found = shutil.which("journalctl")
    if found is None:
        raise ConfigError("journalctl is not installed: the journal cannot be read", "install systemd, or read files")
    return found


def selection(config: JournalConfig) -> list[str]:
    """The arguments that choose entries; matches come last."""
    chosen = [] if config.directory is None else [f"--directory={config.directory}"]
    chosen += [f"--unit={unit}" for unit in config.units]
    return [*chosen, "--", *config.matches] if config.matches else chosen


def environment() -> dict[str, str]:
    """What journalctl needs, and none of our settings: they may hold secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}


class Child:
    """One journalctl after another.

    Args:
        config: what to read.
        clock: for the waits between two.
    """

    def __init__(self, config: JournalConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._not_before = 0.0
        self._wait = BACKOFF_S[0]
        self._said = b""
        self.ended = False  # it came to its end, and is not to be started again

    @property
    def running(self) -> bool:
        """Whether there is one."""
        return self._process is not None

    def start(self, where: Sequence[str]) -> bool:
        """Start one, if it is time to.

        Args:
            where: the arguments that say where to begin.
        """
        now = self._clock.monotonic()
        if self._process is not None or self.ended or now < self._not_before:
            return False
        follow = [] if self._config.once else ["--follow"]
        command = [program(), "--output=json", "--all", "--no-pager", "--quiet", *follow, *where]
        self._process = subprocess.Popen(  # noqa: S603  # no shell; the arguments are checked by `JournalConfig`
            [*command, *selection(self._config)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0, start_new_session=True, env=environment(),
        )  # fmt: skip
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._began, self._said = now, b""
        return True

    def read(self) -> bytes | None:
        """What it wrote since the last call, b"" for nothing; None when it has just ended."""
        process = self._process
        if process is None or process.stdout is None:
            return b""
        self._listen()
        try:
            block = os.read(process.stdout.fileno(), READ)
        except BlockingIOError:
            return b""
        if block:
            return block
        self._bury(process)
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until it may have written something, at most `seconds`."""
        poller = select.poll()
        if self._process is not None and self._process.stdout is not None:
            poller.register(self._process.stdout.fileno(), select.POLLIN | select.POLLHUP)
        poller.poll(max(0.0, seconds) * 1000)

    def close(self) -> None:
        """End it. Safe to call twice."""
        process, self._process = self._process, None
        self.ended = True
        if process is not None:
            process.terminate()
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close_pipes(process)

    def _listen(self) -> None:
        """Keep the beginning of what it complains about; nothing it says may fill its pipe."""
        if self._process is not None and self._process.stderr is not None:
            with contextlib.suppress(OSError):
                while block := os.read(self._process.stderr.fileno(), 65_536):
                    self._said = (self._said + block)[:_SAID]

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        self._listen()
        status = process.wait()
        self._process = None
        _close_pipes(process)
        reason = " ".join(self._said.decode("utf-8", "replace").split()) or f"status {status}"
        if self._config.once:
            self.ended = True
            if status != 0:
                log.error("the journal cannot be read", reason=reason)
            return
        now = self._clock.monotonic()
        if now - self._began >= STEADY_S:
            self._wait = BACKOFF_S[0]
        self._not_before, wait = now + self._wait, self._wait
        self._wait = min(2 * self._wait, BACKOFF_S[1])
        log.warning("journalctl ended; it is started again", reason=reason, seconds=wait)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
