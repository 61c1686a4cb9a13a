"""Names and patterns: what stays of a name through rotation, and which files a pattern means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.sources.discover import MAX_DEPTH, Patterns
from logwatch.sources.naming import base, expand

ROTATED = """
    app.log.1 app.log.2.gz app.log-20260131 app.log-20260131.xz app.log-20260131-1769817600 app-2026-01-31.log
    app.2026-01-31.0.log app.1.log app.log.2026-01-31-13 app-2026-01-31_101500.log app.log.old app.log.bz2
    app.log.20260131-101500.gz
"""


@pytest.mark.parametrize("name", ROTATED.split())
def test_rotation_dates_and_compression_are_no_part_of_a_name(name: str) -> None:
    assert base(name) == "app.log"
    assert expand("{name}", f"/var/log/{name}") == "app"
    assert expand("{path}", f"/var/log/{name}") == "/var/log/app.log"


@pytest.mark.parametrize(
    "name", ["node8080.log", "app.8080.log", "redis-6379.log", "2026-01-31.log", ".1", "1", "syslog", ".gz"]
)
def test_what_only_looks_like_a_rotation_stays(name: str) -> None:
    assert base(name) == name


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20))
def test_a_base_name_is_never_empty_and_has_itself_as_base(name: str) -> None:
    assert base(name)
    assert base(base(name)) == base(name)


def test_the_host_is_a_placeholder_and_other_braces_stay() -> None:
    assert expand("{host}:{name}{x}", "/a/b.log") == f"{os.uname().nodename}:b{{x}}"


def test_a_path_that_is_not_utf_8_gives_a_printable_name() -> None:
    expand("{path}", os.fsdecode(b"/var/log/\xff.log")).encode()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.log", "b.txt", ".hidden.log", "sub/c.log", "sub/deep/d.log", "sub/deep/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.log", ["a.log"]),
        (".*.log", [".hidden.log"]),
        ("*/*.log", ["sub/c.log"]),
        ("**/*.log", ["a.log", "sub/c.log", "sub/deep/d.log"]),
        ("**", [".hidden.log", "a.log", "b.txt", "sub/c.log", "sub/deep/d.log", "sub/deep/e.txt"]),
        ("s*/d*/[de].*", ["sub/deep/d.log", "sub/deep/e.txt"]),
        ("?.log", ["a.log"]),
        ("nothing*", []),
        ("missing.log", ["missing.log"]),
    ],
)
def test_patterns(tree: Path, pattern: str, names: list[str]) -> None:
    assert Patterns([str(tree / pattern)], []).scan() == [str(tree / name) for name in names]


def test_a_file_matched_twice_comes_once(tree: Path) -> None:
    assert len(Patterns([str(tree / "*.log"), str(tree / "a.*")], []).scan()) == 1


def test_directories_behind_links_are_not_entered(tree: Path) -> None:
    (tree / "loop").symlink_to(tree)
    assert len(Patterns([str(tree / "**" / "*.log")], []).scan()) == 3
    assert Patterns([str(tree / "*" / "c.log")], []).scan() == [str(tree / "sub/c.log")]


def test_depth_is_bounded(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(MAX_DEPTH + 5):
        folder = folder / "d"
        folder.mkdir()
        (folder / "x.log").touch()
    assert len(Patterns([str(tmp_path / "**" / "*.log")], []).scan()) == MAX_DEPTH


def test_a_name_with_brackets_that_exists_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "app[1].log").touch()
    (tmp_path / "app1.log").touch()
    patterns = Patterns([str(tmp_path / "app[1].log")], [])
    assert patterns.scan() == [str(tmp_path / "app[1].log")]
    assert patterns.named == [str(tmp_path / "app[1].log")]
