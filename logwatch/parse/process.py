"""A process that shapes lines, from its parent's side; and whether one is worth while here."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from logwatch.parse.shape import Shaped
from logwatch.parse.wire import pack, unpack
from logwatch.parse.worker import HEAD, ROOT, Request, Shared

PATIENCE_S = 30.0
"""An answer that takes longer will not come."""


class Dead(Exception):
    """The process is gone, or does not answer."""


class Worker:
    """The process, from its parent's side.

    Args:
        redact: rules.
        rules: on templates.

    Raises:
        OSError, AttributeError: it cannot be started here.
    """

    def __init__(self, redact: Sequence[str], rules: Sequence[Sequence[str]] = ()) -> None:
        file = Shared.make()
        try:
            self._shared = Shared(file)
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter, fixed arguments
                [sys.executable, "-P", "-c", f"from logwatch.parse.worker import main; main({file})"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                pass_fds=(file,), start_new_session=True, env=_environment(),
            )  # fmt: skip
        finally:
            os.close(file)
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101  # for the type checker: they are pipes
        assert back is not None  # noqa: S101  # likewise
        self._to, self._from = to, back
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        self._ready = False
        self._count = 0
        self.id = self._process.pid
        with contextlib.suppress(OSError):  # it is dead already: `ready` says so
            self._to.write(json.dumps([list(redact), list(rules)]).encode() + b"\n")

    def ready(self) -> bool:
        """It has started, and runs the code that runs here. Raises Dead."""
        if not self._ready and self.answered(0.0):
            root = self._from.readline()
            if root != json.dumps(ROOT).encode() + b"\n":
                raise Dead("it did not start" if not root else f"it runs the code in {root.decode().strip()}")
            self._ready = True
        return self._ready

    def submit(self, request: Request) -> int:
        """Number of the request, -1 where it is too long; two at most are on their way. Raises Dead."""
        size = self._shared.put(self._count % 2, pack(request))
        if size < 0:
            return -1
        try:
            self._to.write(HEAD.pack(self._count, size))
        except OSError as error:
            raise Dead(str(error)) from error
        self._count += 1
        return self._count - 1

    def answered(self, seconds: float) -> bool:
        """Something can be read within that time, be it the end."""
        return bool(self._poll.poll(seconds * 1000))

    def result(self, number: int) -> Shaped | None:
        """The answer to a request, None where it must be shaped here; in the order of the requests. Raises Dead."""
        if not self.answered(PATIENCE_S):
            raise Dead(f"no answer for {PATIENCE_S:g} s")
        head = self._from.read(HEAD.size) or b""
        if len(head) != HEAD.size:
            raise Dead("it ended")
        of, size = HEAD.unpack(head)
        if of != number:
            raise Dead(f"it answers {of}, not {number}")
        return unpack(Shaped, self._shared.get(2 + number % 2, size)) if size >= 0 else None

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._to.close()
        self._from.close()
        self._process.kill()
        self._process.wait()
        self._shared.close()


def _environment() -> dict[str, str]:
    """Ours, without our settings (they may hold secrets), and with one thread a library."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOGWATCHD_")}
    root = Path(ROOT).parent
    if root.name not in ("site-packages", "dist-packages"):  # run from a clone
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), kept.get("PYTHONPATH"))))
    return kept | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def usable_processors() -> int:
    """Processors that this process may use: its affinity, and the quota of its control groups (version 2)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError, StopIteration):
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        folder = Path("/sys/fs/cgroup", own.lstrip("/"))
        for level in (folder, *folder.parents[: len(Path(own).parts) - 1]):
            count = min(count, _quota(level))
    return count


def _quota(folder: Path) -> int:
    """Whole processors that a control group grants; many where it sets no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # none set: "max"
        return sys.maxsize
