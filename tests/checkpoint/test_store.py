"""The store: everything or nothing, locked, and refusing what it cannot read."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from logwatch.cells import SPILLED
from logwatch.checkpoint.filesystem import filesystem_of
from logwatch.checkpoint.store import NewAlert, Store
from logwatch.errors import StateCorrupt, StateFull, StateLocked, StateNotWritable


def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.commit({("keys", "a"): b"1", ("keys", "b"): b"2"}, [NewAlert("x", 5, "{}")], {"file": 1})
        store.commit({("keys", "a"): None, ("keys", "b"): b"3"})
    with Store(tmp_path / "s") as store:
        assert store.cells("keys") == {"b": b"3"}
        assert store.cell("keys", "a") is None
        assert [(alert.seq, alert.id) for alert in store.alerts_after(0, 10)] == [(1, "x")]
        assert store.delivered("file") == 1
        assert store.delivered("other") is None


def test_an_alert_id_is_stored_once(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert len(store.commit({}, [NewAlert("x", 1, "{}"), NewAlert("x", 2, "{}")])) == 1
        assert store.commit({}, [NewAlert("x", 3, "{}")]) == []
        assert store.last_seq() == 1


def test_a_failing_commit_leaves_nothing_behind(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit({("c", "n"): b"old"})
        with pytest.raises(StateCorrupt):
            store.commit({("c", "n"): b"new"}, [NewAlert("x", None, "{}")])
        assert store.cell("c", "n") == b"old"
        store.commit({("c", "n"): b"new"})


def test_history_forgets_by_age_and_size_but_never_what_waits_for_a_sink(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit({}, [NewAlert(f"a{i}", i, f'"{"x" * 98}"') for i in range(10)])
        assert store.forget(before=3, max_bytes=10**9, keep_after=8) == 3
        assert store.forget(before=0, max_bytes=450, keep_after=8) == 3
        assert [alert.id for alert in store.alerts_after(0, 99)] == ["a6", "a7", "a8", "a9"]
        assert store.forget(before=99, max_bytes=0, keep_after=8) == 2
        assert store.undelivered_bytes(8) == 200


def test_numbers_go_on_after_history_was_forgotten(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit({}, [NewAlert(f"a{i}", i, "{}") for i in range(5)], {"file": 5})
        store.forget(before=99, max_bytes=0, keep_after=5)
    with Store(tmp_path) as store:
        store.commit({}, [NewAlert("new", 100, "{}")])
        assert [alert.id for alert in store.alerts_after(5, 10)] == ["new"]


def test_the_file_shrinks_after_keys_and_history_were_forgotten(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        store.commit({(SPILLED, str(n)): b"x" * 4000 for n in range(20_000)} | {("keys", "a"): b"kept"})
        store.commit({}, [NewAlert(f"a{i}", i, f'"{"x" * 9_998}"') for i in range(3000)])
        grown = store.path.stat().st_size
        store.forget(before=9999, max_bytes=0, keep_after=9999)
        for _ in range(40):
            store.sweep(lambda lane, name, head: True)
    assert grown > 100e6
    assert store.path.stat().st_size < 0.4 * grown
    with Store(tmp_path) as store:
        assert store.cell("keys", "a") == b"kept"
        assert store.last_seq() == 3000


def test_a_file_of_before_it_could_shrink_is_used_as_it_is(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        store.commit({(SPILLED, str(n)): b"x" * 4000 for n in range(5000)} | {("keys", "a"): b"kept"})
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        db.execute("PRAGMA auto_vacuum=NONE")
        db.execute("VACUUM")
    with Store(tmp_path) as store:
        for _ in range(5):
            store.sweep(lambda lane, name, head: True)
        assert store.cells(SPILLED) == {}
        assert store.cell("keys", "a") == b"kept"


def test_a_second_process_is_told_who_holds_the_state(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from logwatch.checkpoint.store import Store; s = Store(pathlib.Path(sys.argv[1]));"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"open\n"
    with pytest.raises(StateLocked, match=str(holder.pid)):
        Store(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    Store(tmp_path).close()


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StateCorrupt, match="newer"):
        Store(tmp_path)


def test_a_damaged_database_is_refused_and_the_lock_released(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 500)
    for _ in range(2):
        with pytest.raises(StateCorrupt, match="move"):
            Store(tmp_path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    with pytest.raises(StateCorrupt, match="not logwatchd"):
        Store(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StateNotWritable, match="--state"):
        Store(tmp_path / "s")


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(StateNotWritable):
        Store(tmp_path / "s")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small disk needs root")
def test_a_full_disk_is_a_passing_trouble(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let tests mount a tmpfs")
    try:
        with Store(disk / "s") as store:
            store.commit({("c", "n"): b"old"})
            with pytest.raises(StateFull):
                store.commit({("c", "big"): b"x" * 2_000_000})
            store.commit({("c", "n"): b"new"})
            assert store.cell("c", "big") is None
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("path", "kind"), [("/data/state", "nfs4"), ("/data2", "ext4"), ("/my data/x", "cifs"), ("/", "ext4")]
)
def test_the_file_system_is_that_of_the_longest_mount_point(path: str, kind: str) -> None:
    mounts = "/dev/a / ext4 rw 0 0\nsrv:/x /data nfs4 rw 0 0\n//s/y /my\\040data cifs rw 0 0\nbroken\n"
    assert filesystem_of(Path(path), mounts) == kind
