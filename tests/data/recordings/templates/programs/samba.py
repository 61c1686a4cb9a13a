"""Samba: smbd with shares of several kinds, its RPC daemons, and clients right and wrong, at debug levels 3 to 10."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

import psutil

from tests.data.recordings.machine import fill_disk, small_disk
from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

HEADER = re.compile(r"(?P<time>\[\d{4}/.*?\]) (?P<file>\S+?\.[ch]):(?P<line>\d+)\((?P<function>\w+)\)\s*$")
USERS = ("ann", "bob")
SETTINGS = """[global]
workgroup = SHOP
netbios name = BASTION1
server role = standalone server
interfaces = 127.0.0.1/8
bind interfaces only = yes
log file = {home}/raw.log
max log size = 0
log level = {level}
debug pid = yes
map to guest = bad user
private dir = {home}/private
lock directory = {home}/lock
state directory = {home}/state
cache directory = {home}/cache
pid directory = {home}/pid
ncalrpc dir = {home}/ncalrpc
passdb backend = tdbsam
max smbd processes = 30
deadtime = 1
server min protocol = NT1
unix extensions = yes
load printers = no
include = {home}/more.conf
[public]
path = {home}/public
guest ok = yes
read only = no
[staff]
path = {home}/staff
valid users = ann
read only = no
veto files = /*.exe/
hide dot files = yes
vfs objects = full_audit recycle streams_xattr
full_audit:success = all
[small]
path = {home}/small
read only = no
max connections = 2
[archive]
path = {home}/archive
read only = yes
[gone]
path = {home}/nowhere
read only = no
[hooks]
path = {home}/public
root preexec = /bin/false
root preexec close = yes
[hidden]
path = {home}/public
hosts deny = ALL
"""
MORE = (
    "",
    "[extra]\npath = /nowhere\nread only = perhaps\n",
    "nothing = 1\nlog level = 3 auth:10 nothing:5\n",
    "[broken\npath = /\n",
    "[vfs]\npath = /tmp\nvfs objects = no_such_module\n",
    "server max protocol = SMB9\nmax xmit = lots\n",
)
SHARES = ("public", "staff", "small", "archive", "gone", "hooks", "hidden", "nothing", "IPC$", "vfs", "extra")
COMMANDS = (
    "ls",
    "mkdir d{n}",
    "rmdir d{n}",
    "put /etc/hostname f{n}",
    "put {home}/large f{n}",
    "put /etc/hostname virus.exe",
    "get f{n} /dev/null",
    "get missing{n} /dev/null",
    "del f{n}",
    "rename f{n} g{n}",
    "cd d{n}; ls; cd ..",
    "cd ../../etc; ls",
    "allinfo f{n}",
    "du",
    "setmode f{n} +r",
    "symlink /etc/passwd s{n}",
    "hardlink f{n} h{n}",
    "getfacl f{n}",
    "chmod 600 f{n}",
    "lock 1 w 0 100",
    "open f{n}; close 1",
    "posix_open p{n} 0644",
    "stat f{n}",
    "utimes f{n} 2020:01:01-00:00:00 -1 -1 -1",
    "volume",
    "logoff; ls",
    "tcon public; ls",
    "notify .",
    "scopy f{n} c{n}",
    "deltree d{n}",
    "timeout 1; ls",
    "showacls; ls",
)
RPC = (
    "srvinfo; netshareenum; netsharegetinfo public",
    "enumdomusers; queryuser 1000; querydominfo; lookupnames ann nobody-here",
    "lsaquery; lsaenumsid; lookupsids S-1-5-32-544",
    "netsharedel nothing; netfileenum; netsessenum",
    "enumprinters; getdriver nothing; openprinter nothing",
    "winreg_enumkey HKLM; dsroledominfo; wkssvc_wkstagetinfo",
    "createdomuser new; deletedomuser new; chgpasswd ann a b",
)
GARBAGE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00\x00\x00\x10\xfeSMB" + b"\x00" * 12,
    b"\x00\x00\x00\x20\xffSMBr" + b"\x00" * 27,
    b"\x00\xff\xff\xff",
    b"\x81\x00\x00\x44" + b"A" * 68,
    b"\x85\x00\x00\x00",
)


class Samba(TemplateProgram):
    """smbd on port 445."""

    name: ClassVar[str] = "samba"
    client_errors: ClassVar[tuple[type[Exception], ...]] = (Exception,)
    title = "Samba"
    language = "C"
    half = "held_out"
    how = (
        "the place stands in each message's head line, which is joined with the message's first line; smbd and its RPC "
        "daemons at debug levels 3, 5 and 10; files, locks, accounts, wrong passwords, full disk, killed children, "
        "mistaken configurations, garbage"
    )
    header = r"\[\S+ \S+,\s+(?P<level>\d+)(, [^\]]*)?\] "
    same = (r"\S+ version \S+ started\.",)
    wrappers: ClassVar[dict[str, str]] = {
        r"build_options\.c:\d+": "a name of an option of the build and nothing else",
        r"util\.c:57\d": "bytes in hexadecimal",
    }

    def version(self) -> str:
        """As smbd says."""
        return subprocess.check_output(["smbd", "--version"], text=True).split()[1]

    def lines(self) -> Iterator[Line]:
        """Join each head line with the first line of its message."""
        head: re.Match[str] | None = None
        for row in self.raw().read_text(errors="replace").removesuffix("\n").split("\n"):
            if found := HEADER.match(row):
                head = found
            elif head:
                yield Line(f"{head['time']} {row.strip()}", f"{Path(head['file']).name}:{head['line']}")
                head = None
            else:
                yield Line(row)

    def activities(self) -> Sequence[Activity]:
        """People with files, administrators, strangers."""
        return (
            Activity(self._files, every=0.7, threads=2),
            Activity(self._rpc, every=3.0),
            Activity(self._stranger, every=4.0),
            Activity(self._list, every=5.0),
            Activity(self._flood, every=40.0),
        )

    def drive(self) -> None:
        """Levels 3, 5, 10 with faults between them."""
        for folder in ("private", "lock", "state", "cache", "pid", "ncalrpc", "public", "staff", "archive"):
            (self.home / folder).mkdir()
        (self.home / "ncalrpc").chmod(0o755)
        (self.home / "public").chmod(0o777)
        (self.home / "staff").chmod(0o777)
        small_disk(self.home / "small", "1m")
        (self.home / "large").write_bytes(os.urandom(300_000))
        (self.home / "archive" / "f1").write_text("old\n")
        self._configure(3)
        for user in USERS:
            subprocess.run(["useradd", "-M", user], check=True)
            argv = ["smbpasswd", "-c", self._conf, "-s", "-a", user]
            subprocess.run(argv, input=b"secret\nsecret\n", check=True, stdout=-3)
        self._serve()
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, more in ((3, MORE[1]), (5, MORE[2]), (3, MORE[3]), (10, MORE[4]), (5, MORE[5]), (3, "")):
            self._configure(level)
            self._tell("reload-config")
            self.over.wait(8 if level == 10 else 22)
            filler = fill_disk(self.home / "small")
            self._kill_child()
            self._configure(level, more)
            self._tell("reload-config")
            self.over.wait(4)
            filler.unlink()
            self._tell("close-share", "public")
            self._tell("pool-usage")
            self._configure(level)
            if level == 5:
                self.server.kill()
                self.server.wait()
                self._serve()
        self.over.set()
        self.server.terminate()
        self.server.wait(20)
        for more in MORE[1:]:
            self._configure(5, more)
            self._serve()
            self.server.terminate()
            self.server.wait(20)

    @property
    def _conf(self) -> Path:
        return self.home / "smb.conf"

    def _configure(self, level: int, more: str = "") -> None:
        self._conf.write_text(SETTINGS.format(home=self.home, level=level))
        (self.home / "more.conf").write_text(more)

    def _serve(self) -> None:
        with (self.home / "smbd.out").open("ab") as out:
            argv = ["smbd", "-F", "-s", self._conf]
            self.server = self.spawn(argv, stdout=out, stderr=out, stdin=subprocess.PIPE)
        self.over.wait(3)

    def _tell(self, *message: str) -> None:
        subprocess.run(
            ["smbcontrol", "-s", self._conf, "smbd", *message], check=False, stdout=-3, stderr=-3, timeout=10
        )

    def _kill_child(self) -> None:
        children = psutil.Process(self.server.pid).children(recursive=True)
        for child in children[-2:]:
            with suppress(psutil.Error):
                child.kill()

    def _client(self, *argv: object) -> None:
        subprocess.run([str(a) for a in argv], check=False, stdout=-3, stderr=-3, stdin=-3, timeout=12)

    def _who(self, rng: Random) -> str:
        return rng.choice(("ann%secret", "ann%secret", "bob%secret", "bob%wrong", "nobody-here%x", "%"))

    def _files(self, rng: Random) -> None:
        commands = "; ".join(rng.sample(COMMANDS, rng.randint(1, 7))).format(n=rng.randrange(4), home=self.home)
        protocol = rng.choice(("SMB3", "SMB3", "SMB2", "NT1"))
        share = f"//127.0.0.1/{rng.choice(SHARES[:3] * 3 + SHARES)}"
        self._client("smbclient", share, "-s", "/dev/null", "-U", self._who(rng), "-m", protocol, "-c", commands)

    def _rpc(self, rng: Random) -> None:
        self._client("rpcclient", "127.0.0.1", "-s", "/dev/null", "-U", self._who(rng), "-c", rng.choice(RPC))

    def _list(self, rng: Random) -> None:
        self._client("smbclient", "-s", "/dev/null", "-L", "127.0.0.1", "-U", self._who(rng))
        self._client("smbcacls", "-s", "/dev/null", "//127.0.0.1/public", f"f{rng.randrange(4)}", "-U", self._who(rng))

    def _stranger(self, rng: Random) -> None:
        with socket.create_connection(("127.0.0.1", rng.choice((445, 139))), 2) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(GARBAGE))
            peer.recv(100)

    def _flood(self, rng: Random) -> None:
        peers = [socket.create_connection(("127.0.0.1", 445), 2) for _ in range(rng.randint(25, 45))]
        time.sleep(1)
        for peer in peers:
            peer.close()


if __name__ == "__main__":
    assert __spec__
    main(Samba, __spec__.name)
