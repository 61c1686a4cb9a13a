"""systemd and its daemons, booted in a container; the journal keeps the place of every message."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

DRIVE = Path(__file__).with_suffix(".sh")
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/drive /out
ExecStartPost=/usr/bin/systemctl poweroff --force
TimeoutStartSec=500
StandardOutput=null
StandardError=null
"""
QUIET = (
    "postgresql",
    "rabbitmq-server",
    "docker",
    "containerd",
    "smbd",
    "nmbd",
    "ssh",
    "cron",
    "systemd-tmpfiles-clean",
)
LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
DONE = re.compile(
    r"(Stopped target|Start(ed|ing)|Stopp(ed|ing)|Finished|Failed to (start|listen on|mount|activate)|Reached target|"
    r"Dependency failed|Timed out|Reload(ed|ing)|Listening|Closed|(Unm|M)ount(ed|ing)|Created slice|Removed slice|"
    r"Condition|Set up|Assertion|Activat(ed|ing)|Deactivat(ed|ing))"
)


class Systemd(TemplateProgram):
    """A container's systemd, journald, logind, hostnamed, timedated, localed."""

    name: ClassVar[str] = "systemd"
    boots: ClassVar[bool] = True
    title = "systemd"
    language = "C"
    half = "design"
    how = (
        "booted in a container, CODE_FILE and CODE_LINE of the journal, info and debug in turn (most lines are "
        "of debug); services that work, crash, hang and are sandboxed, timers, sockets, mounts, jobs, mistaken units"
    )
    header = r"\S+ \S+ [^\s\[]+\[\d+\]: "
    wrappers: ClassVar[dict[str, str]] = {r"path-lookup\.c:\d+": "a path and nothing else"}
    same = (
        r".*: Changed [\w-]+ -> [\w-]+",
        r"\S+ changed [\w-]+ -> [\w-]+",
        r".*: Got notified about unit deactivation\.",
        r"Spawning thread to nuke .*",
    )

    def version(self) -> str:
        """As systemctl told."""
        return (self.home / "version").read_text().split()[1]

    def entries(self) -> Iterator[dict[str, str]]:
        """The journal's entries of systemd itself."""
        for row in (self.home / "journal.json").read_text().splitlines():
            entry = json.loads(row)
            if "CODE_LINE" in entry and isinstance(entry.get("MESSAGE"), str):
                yield entry

    def levels(self, lines: Iterable[Line]) -> dict[str, int]:
        """Before thinning: the text does not hold them."""
        return dict(Counter(LEVELS[int(entry["PRIORITY"])] for entry in self.entries()).most_common())

    def lines(self) -> Iterator[Line]:
        """Print an entry as journalctl does; the rows after its first one are continuations."""
        for entry in self.entries():
            at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            place = f"{Path(entry['CODE_FILE']).name}:{entry['CODE_LINE']}"
            first, *rest = entry["MESSAGE"].split("\n")
            if place.startswith("job.c:") and (found := DONE.match(first)):  # one place, a table of formats
                place += f" {found[0]}"
            sender = f"{entry['SYSLOG_IDENTIFIER']}[{entry['_PID']}]"
            yield Line(f"{at:%Y-%m-%dT%H:%M:%S+0000} {entry['_HOSTNAME']} {sender}: {first}", place)
            yield from map(Line, rest)

    def drive(self) -> None:
        """Boot over a copy-on-write view of this machine, with the journal's rate limit off."""
        with tempfile.TemporaryDirectory() as lay:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", lay], check=True)
            try:
                self._boot(Path(lay))
            finally:
                subprocess.run(["umount", "-l", f"{lay}/root", lay], check=False)

    def _boot(self, lay: Path) -> None:
        root = lay / "root"
        for folder in ("up", "work", "root"):
            (lay / folder).mkdir()
        options = f"lowerdir=/,upperdir={lay}/up,workdir={lay}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
        etc = root / "etc"
        (etc / "machine-id").unlink(missing_ok=True)
        (etc / "hostname").write_text("bastion1\n")
        (etc / "systemd/journald.conf").write_text("[Journal]\nRateLimitIntervalSec=0\nStorage=volatile\n")
        (etc / "systemd/system/drive.service").write_text(UNIT)
        wanted = etc / "systemd/system/multi-user.target.wants"
        wanted.mkdir(exist_ok=True)
        (wanted / "drive.service").symlink_to("../drive.service")
        for name in QUIET:
            unit = etc / f"systemd/system/{name}.service"
            unit.unlink(missing_ok=True)
            unit.symlink_to("/dev/null")
        (etc / "tmpfiles.d/tmp.conf").unlink(missing_ok=True)
        (etc / "tmpfiles.d/tmp.conf").symlink_to("/dev/null")  # else booting empties /tmp
        (root / "drive").write_bytes(DRIVE.read_bytes())
        (root / "drive").chmod(0o755)
        options = [
            f"--bind={self.home}:/out",
            "--private-network",
            "--register=no",
            "--keep-unit",
            "--hostname=bastion1",
        ]
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
        with (self.home / "boot.log").open("wb") as log:
            argv = ["systemd-nspawn", "-q", "-D", str(root), "--boot", *options]
            subprocess.run(argv, env=environment, stdin=-3, stdout=log, stderr=log, timeout=600, check=False)


if __name__ == "__main__":
    assert __spec__
    main(Systemd, __spec__.name)
