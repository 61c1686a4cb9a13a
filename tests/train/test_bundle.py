"""A bundle is whole and what it says, or it is refused; the same model is the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch.errors import DataError, StateNotWritable
from logwatch.parse.template import Pattern
from logwatch.train.bundle import MANIFEST, MODEL, TEMPLATES, pack, packed_again, read, write

PATTERNS = [Pattern("web", ("took", "\x1a", "ms"), ("", " ", " ", "")), Pattern("", ("größer",), ("", "!"))]
ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "template": np.array([-1, 1, 0], np.int32)}
DATA = pack(ARRAYS, PATTERNS, {"seed": 4})


def parts(data: bytes = DATA) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def tar_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def changed(**facts: Any) -> bytes:
    now = parts()
    return tar_of({**now, MANIFEST: json.dumps({**json.loads(now[MANIFEST]), **facts}).encode()})


def put(folder: Path, data: bytes) -> Path:
    path = folder / "b.tar"
    path.write_bytes(data)
    return path


def test_what_was_packed_is_read_and_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    assert pack(ARRAYS, PATTERNS, {"seed": 4}) == DATA
    found = read(put(tmp_path, DATA))
    assert found.templates == PATTERNS
    assert found.facts["seed"] == 4
    np.testing.assert_array_equal(found.arrays["w"], ARRAYS["w"])
    assert found.id == hashlib.sha256(parts()[MANIFEST]).hexdigest()


def test_a_directory_is_read_too_and_half_of_one_is_refused(tmp_path: Path) -> None:
    for name, data in parts().items():
        (tmp_path / name).write_bytes(data)
    assert read(tmp_path).id == read(put(tmp_path.parent, packed_again(tmp_path))).id
    (tmp_path / MODEL).write_bytes(parts()[MODEL][:-1])
    with pytest.raises(DataError, match="hash"):
        read(tmp_path)
    (tmp_path / TEMPLATES).unlink()
    with pytest.raises(DataError, match=r"no templates\.json"):
        read(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(DATA) - 1025))
def test_half_a_file_is_refused(tmp_path: Path, size: int) -> None:
    whole = sum(512 + -(-len(data) // 512) * 512 for data in parts().values())
    if size < whole - 511:  # what follows is the tar's own padding
        with pytest.raises(DataError):
            read(put(tmp_path, DATA[:size]))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_byte_that_changed_is_refused_or_changes_nothing_that_is_used(tmp_path: Path, at: int, by: int) -> None:
    spoilt = bytearray(DATA)
    spoilt[at] ^= by
    try:
        found = read(put(tmp_path, bytes(spoilt)))
    except DataError:
        return
    assert found.templates == PATTERNS
    np.testing.assert_array_equal(found.arrays["w"], ARRAYS["w"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no bundle"),
        (b"nothing of the kind " * 100, "no bundle"),
        (changed(schema=2), "schema 2"),
        (changed(kind="cnn"), "'cnn'"),
        (changed(files={}), "hash"),
        (tar_of({**parts(), "../evil": b"x"}), "more than a bundle"),
        (tar_of({**parts(), MANIFEST: b"[]"}), "no JSON object"),
        (tar_of({**parts(), MANIFEST: b"\xff"}), "no JSON"),
        (pack({**ARRAYS, "w": np.full(2, np.nan, np.float32)}, PATTERNS, {}), "no number"),
        (pack({**ARRAYS, "template": np.array([2], np.int32)}, PATTERNS, {}), "other templates"),
        (pack({"w": ARRAYS["w"]}, PATTERNS, {}), "other templates"),
        (pack(ARRAYS, [Pattern("", ("a", "b"), ("",))], {}), "no template"),
        (pack(ARRAYS, ["text"], {}), "no template"),
    ],
)
def test_what_is_no_bundle_is_refused_with_the_reason(tmp_path: Path, data: bytes, said: str) -> None:
    if said == "other templates" and b"template" not in parts(data)[MODEL]:
        said = "other templates|no bundle"
    with pytest.raises(DataError, match=said):
        read(put(tmp_path, data))


def test_links_are_no_members(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        link = tarfile.TarInfo(MANIFEST)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DataError, match="more than a bundle"):
        read(put(tmp_path, out.getvalue()))


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    write(DATA, tmp_path / "one.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["one.tar"]
    (tmp_path / "taken").mkdir()
    with pytest.raises(StateNotWritable):
        write(DATA, tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tar", "taken"]
