"""Standard input: lines as they come, the end noticed, each run a stream of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from logwatch.errors import StateCorrupt
from logwatch.sources.stdin import StdinConfig, StdinSource
from logwatch.types import Flag


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def pipe() -> Iterator[tuple[Callable[[], StdinSource], Callable[[bytes], None], Callable[[], None], Clock]]:
    read, write = os.pipe()
    clock = Clock()
    open_ends = {read, write}

    def close() -> None:
        os.close(write)
        open_ends.discard(write)

    yield (
        lambda: StdinSource(StdinConfig(max_line_bytes=64), clock, fd=read),
        lambda data: os.write(write, data) and None,
        close,
        clock,
    )
    for fd in open_ends:
        os.close(fd)


def test_lines_come_as_they_are_written_and_the_end_is_noticed(pipe: tuple) -> None:
    make, write, close, _ = pipe
    source = make()
    source.open({})
    assert source.poll(10) is None
    write(b"one\ntwo\nhal")
    assert source.poll(10).lines == [b"one", b"two"]
    write(b"f\n")
    assert source.poll(10).lines == [b"half"]
    assert not source.exhausted()
    write(b"no end")
    close()
    batch = source.poll(10)
    assert (batch.lines, batch.flags.tolist()) == ([b"no end"], [Flag.UNFINISHED])
    assert source.exhausted()


def test_no_more_than_asked_for_comes_and_nothing_is_lost(pipe: tuple) -> None:
    make, write, close, _ = pipe
    source = make()
    source.open({})
    write(b"".join(b"%d\n" % n for n in range(100)))
    close()
    lines: list[bytes] = []
    while not source.exhausted():
        batch = source.poll(7)
        assert len(batch) <= 7
        lines += batch.lines
    assert lines == [b"%d" % n for n in range(100)]


def test_a_prompt_is_flushed_after_a_while(pipe: tuple) -> None:
    make, write, _, clock = pipe
    source = make()
    source.open({})
    write(b"password: ")
    assert source.poll(10) is None
    clock.seconds += 6
    assert source.poll(10).lines == [b"password: "]


def test_every_run_is_a_stream_of_its_own(pipe: tuple) -> None:
    make, write, _, _ = pipe
    cursors: dict[str, bytes] = {}
    instances = []
    for _ in range(3):
        source = make()
        source.open(cursors)
        write(b"line\n")
        batch = source.poll(10)
        instances.append(batch.streams[0].instance)
        cursors.update(batch.cursor)
    assert instances == ["1", "2", "3"]
    with pytest.raises(StateCorrupt):
        make().open({"stdin": b"?"})
