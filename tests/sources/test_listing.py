"""Listings of directories: the same answers as a fresh look, and few readings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from logwatch.sources.listing import Listings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a.log-20260131", "a-2026-01-31.log", "ab.log.1", "b.log"):
        (tmp_path / name).touch()
    os.utime(tmp_path, (1, 1))
    return tmp_path


def test_rotated_siblings_are_those_of_the_same_base_name(folder: Path) -> None:
    found = Listings().rotated(str(folder / "a.log"))
    assert sorted(found) == [str(folder / name) for name in ("a-2026-01-31.log", "a.log-20260131", "a.log.1")]
    assert list(Listings().rotated(str(folder / "a.log"), compressed=True)) == [str(folder / "a.log.2.gz")]


def test_what_came_and_went_is_seen_at_once(folder: Path) -> None:
    listings = Listings()
    inode = (folder / "b.log").stat().st_ino
    assert list(listings.by_inode(str(folder), inode)) == [str(folder / "b.log")]
    for turn in range(20):  # within one tick of the clock, too
        (folder / "b.log").rename(folder / f"b.log.{turn}")
        assert list(listings.by_inode(str(folder), inode)) == [str(folder / f"b.log.{turn}")]
        (folder / f"b.log.{turn}").rename(folder / "b.log")
        assert list(listings.by_inode(str(folder), inode)) == [str(folder / "b.log")]


def test_a_directory_that_did_not_change_is_read_once(folder: Path) -> None:
    listings = Listings()
    first = listings._folder(str(folder))
    assert listings._folder(str(folder)) is first
    (folder / "c.log").touch()
    assert listings._folder(str(folder)) is not first


def test_a_directory_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert list(Listings().rotated(str(tmp_path / "gone" / "a.log"))) == []
