"""sshd on a bastion host: people with passwords, machines with keys, file copies."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.machine import HOST_NAME
from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program, wait
from tests.data.recordings.programs.sshd_faults import SshdFaults
from tests.data.recordings.programs.syslog import Syslog

PEOPLE = ("alice", "bob", "carol", "dave")
MACHINES = ("deploy", "archive", "git")
SETTINGS = """
Port 22
ListenAddress 127.0.0.1
HostKey {home}/host_key
PidFile none
LogLevel VERBOSE
UsePAM yes
UseDNS no
PrintMotd no
PermitRootLogin no
KbdInteractiveAuthentication no
MaxAuthTries 4
MaxStartups 8:40:20
LoginGraceTime 40
Subsystem sftp internal-sftp
"""
PAM = """
auth required pam_unix.so
account required pam_nologin.so
account required pam_unix.so
session required pam_limits.so
session required pam_unix.so
password required pam_unix.so minlen=4
"""
COMMANDS = (
    "true",
    "uptime",
    "df -h /",
    "ls /srv",
    "id",
    "git --version",
    "sleep 1",
    "cat /etc/debian_version",
)


class Sshd(SshdFaults, Program):
    """OpenSSH on port 22, logging to a syslog socket of our own."""

    name: ClassVar[str] = "sshd"
    sources: ClassVar[tuple[str, ...]] = ("auth",)
    client_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, subprocess.TimeoutExpired)

    def start(self) -> None:
        """Make users and keys, start syslog and sshd."""
        self.passwords = {name: f"{name}-garden" for name in PEOPLE}
        Syslog(Path("/dev/log"), self.log_path("auth"), HOST_NAME).start()
        Path("/run/sshd").mkdir()
        Path("/etc/pam.d/sshd").write_text(PAM)
        for name in (*PEOPLE, *MACHINES):
            self._add_user(name)
        self._make_key(self.home / "host_key")
        (self.home / "sshd_config").write_text(SETTINGS.format(home=self.home))
        self.server = self.spawn(["/usr/sbin/sshd", "-D", "-f", self.home / "sshd_config"])
        self.until(lambda: self.by_key(Random(0), "deploy", "true") == 0)

    def activities(self) -> Sequence[Activity]:
        """Machines often, people now and then."""
        return (
            Activity(self._machine, every=5.5, threads=2),
            Activity(self._person, every=14.0, threads=3),
            Activity(self._copy_file, every=20.0),
            Activity(self._typing_error, every=90.0),
            Activity(self._probe, every=30.0, periodic=True),
            Activity(self._backup_job, every=180.0, periodic=True),
            Activity(self._password_change, every=600.0, periodic=True),
        )

    def faults(self) -> Sequence[Fault]:
        """Six kinds of trouble."""
        here = self.sources
        return (
            Fault("brute_force", 50, here, self.brute_force),
            Fault("keys_refused", 45, here, self.keys_refused),
            Fault("account_takeover", 45, here, self.account_takeover),
            Fault("frozen", 50, here, self.frozen),
            Fault("protocol_garbage", 40, here, self.protocol_garbage),
            Fault("connection_flood", 45, here, self.connection_flood),
        )

    def by_key(self, rng: Random, user: str, command: str) -> int:
        """Log in with the user's key and run a command; the exit status."""
        return self._ssh(
            rng, "-o", "BatchMode=yes", "-i", self._folder(user) / ".ssh/key", f"{user}@127.0.0.1", command
        )

    def by_password(self, rng: Random, user: str, password: str, command: str, source: str = "") -> int:
        """Log in with a password and run a command; the exit status."""
        options = ("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1")
        return self._ssh(rng, *options, f"{user}@127.0.0.1", command, password=password, source=source)

    def _ssh(self, rng: Random, *argv: object, password: str = "", source: str = "") -> int:
        source = source or f"127.0.{rng.randrange(1, 4)}.{rng.randrange(2, 30)}"
        before = ("sshpass", "-p", password) if password else ()
        options = ("-F", "none", "-b", source, "-o", "StrictHostKeyChecking=no",
                   "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=15")  # fmt: skip
        command = [*before, "ssh", *options, *(str(a) for a in argv)]
        quiet = subprocess.DEVNULL
        return subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=90, check=False).returncode

    def _folder(self, user: str) -> Path:
        return self.home / "users" / user

    def _add_user(self, name: str) -> None:
        folder = self._folder(name)
        folder.parent.mkdir(exist_ok=True)
        subprocess.run(["useradd", "-m", "-d", folder, "-s", "/bin/sh", name], check=True)
        if name in self.passwords:
            self.set_password(name, self.passwords[name])
        (folder / ".ssh").mkdir(mode=0o700)
        self._make_key(folder / ".ssh/key")
        (folder / ".ssh/key.pub").rename(folder / ".ssh/authorized_keys")
        subprocess.run(["chown", "-R", f"{name}:", folder / ".ssh"], check=True)

    def _make_key(self, path: Path) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)

    def set_password(self, user: str, password: str) -> None:
        """Set a password as the administrator does."""
        subprocess.run(["chpasswd"], input=f"{user}:{password}\n", text=True, check=True)
        self.passwords[user] = password

    def _machine(self, rng: Random) -> None:
        self.by_key(rng, rng.choice(MACHINES), rng.choice(COMMANDS))

    def _person(self, rng: Random) -> None:
        user = rng.choice(PEOPLE)
        self.by_password(rng, user, self.passwords[user], f"sleep {rng.uniform(0.5, 15):.1f}")

    def _copy_file(self, rng: Random) -> None:
        key = self._folder("deploy") / ".ssh/key"
        self._ssh(rng, "-i", key, "-s", "deploy@127.0.0.1", "sftp")

    def _typing_error(self, rng: Random) -> None:
        user = rng.choice(PEOPLE)
        self.by_password(rng, user, "wrong", "true")
        self.by_password(rng, user, self.passwords[user], "uptime")

    def _probe(self, rng: Random) -> None:
        self.connect().close()

    def _backup_job(self, rng: Random) -> None:
        for _ in range(rng.randint(5, 9)):
            self.by_key(rng, "archive", "tar -c /etc/apt | wc -c")
            wait(rng, 0.1, 0.8)

    def _password_change(self, rng: Random) -> None:
        self.set_password("dave", f"dave-{rng.randrange(10**6)}")
