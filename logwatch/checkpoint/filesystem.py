"""SQLite's write-ahead log needs shared memory and working locks: not to be had on a network file system."""

from __future__ import annotations

from pathlib import Path

from logwatch.errors import StateNotWritable

NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "9p",
    "lustre",
    "fuse.sshfs",
    "fuse.glusterfs",
}


def filesystem_of(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`, by the longest mount point of `mounts` (/proc/mounts)."""
    best, kind = "", "unknown"
    where = str(path.resolve())
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].encode().decode("unicode_escape")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def refuse_network_filesystem(directory: Path) -> None:
    """Raise `StateNotWritable` where the state would live on a network file system."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8")
    except OSError:
        return  # not Linux: nothing known against it
    kind = filesystem_of(directory, mounts)
    if kind in NETWORK:
        raise StateNotWritable(
            f"the state directory {directory} is on a network file system ({kind}), where SQLite can lose commits",
            "choose a directory on a local disk with --state DIR or `state = ...`",
        )
