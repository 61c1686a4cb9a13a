"""A machine of its own for the recording: private namespaces, so that nothing leaks either way.

The recorder runs again inside its own mount, host name, network and process namespaces. Network: only
a loopback device, hence the usual ports. Mounts: /etc and /var/log are scratch copies (users for sshd,
/var/log/btmp), /dev has room for /dev/log. Processes: all of them end with the recorder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSIDE = "RECORDING_INSIDE"
HOST_NAME = "bastion1"
NAMESPACES = ("mount", "uts", "net", "pid", "fork", "kill-child", "mount-proc")
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def enter(module: str, arguments: Sequence[str]) -> None:
    """Run ``python -m module`` again inside the namespaces; returns only when already inside."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0:
        raise SystemExit("recording needs root: it starts sshd, makes users and mounts small disks")
    environment = {**os.environ, INSIDE: "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    options = [f"--{name}" for name in NAMESPACES]
    argv = ["unshare", *options, sys.executable, "-m", module, *arguments]
    os.execvpe("unshare", argv, environment)  # noqa: S606 - no shell is wanted


def become_child() -> None:
    """Go on as a child of the first process of the namespace, which buries orphans as an init does."""
    child = os.fork()
    if not child:
        return
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


def furnish(scratch: Path) -> None:
    """Bring up loopback and lay private copies over /etc, /var/log, /run and /dev."""
    _run("hostname", HOST_NAME)
    _run("ip", "link", "set", "lo", "up")
    small_disk(scratch, "64m")
    _overlay(Path("/etc"), scratch)
    (Path("/etc") / "hostname").write_text(f"{HOST_NAME}\n")
    small_disk(Path("/var/log"), "16m")
    small_disk(Path("/run"), "16m")
    _devices(scratch / "dev")


def small_disk(path: Path, size: str) -> None:
    """Mount a tmpfs of this size: a disk that can be filled."""
    path.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path)


def fill_disk(path: Path) -> Path:
    """Write a file over all that is free on the disk of ``path``; delete it to free the space."""
    filler = path / "core.dump"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)) == 65536:
                pass
            while file.write(bytes(512)) == 512:
                pass
        except OSError:
            return filler
    return filler


def _overlay(path: Path, scratch: Path) -> None:
    upper, work = scratch / "upper", scratch / "work"
    upper.mkdir()
    work.mkdir()
    options = f"lowerdir={path},upperdir={upper},workdir={work}"
    _run("mount", "-t", "overlay", "-o", options, "overlay", path)


def _devices(path: Path) -> None:
    small_disk(path, "1m")
    for name, (major, minor) in DEVICES.items():
        _run("mknod", "-m", "666", path / name, "c", major, minor)
    for name in ("pts", "shm"):
        (path / name).mkdir()
        _run("mount", "--bind", f"/dev/{name}", path / name)
    (path / "ptmx").symlink_to("pts/ptmx")
    (path / "fd").symlink_to("/proc/self/fd")
    _run("mount", "--rbind", path, "/dev")


def _run(*argv: object) -> None:
    subprocess.run([str(a) for a in argv], check=True)
