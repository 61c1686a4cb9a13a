"""Random sequences of what programs, rotation tools and crashes do to a file, against a model.

Every line bears a number. Whatever happens, a line is delivered at most once, the lines of one content come in their
order, and a line is missing only where the model says that it could be lost: its bytes were gone from the file system
before the reader could have seen them.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.types import Flag

KEEP = 4
LINE = re.compile(rb"(\d+):(\d+):x*")


class Writer:
    """One program that writes one log, with its rotation tool, and what it knows of each line's fate."""

    def __init__(self, folder: Path, number: int, banner: bytes) -> None:
        self.banner = banner  # each content begins with it: equal prefixes are no equal files
        self.greeted = 0
        self.path = folder / f"app{number}.log"
        self.number = number
        self.content = 0  # counts contents
        self.lines = 0
        self.written: dict[bytes, int] = {}  # line -> content
        self.where: dict[int, str] = {}  # content -> "path", "renamed", "deleted", "copied", "truncated"
        self.at_risk: set[bytes] = set()
        self.partial = b""
        self.seen = 0  # the last content of which the reader surely saw something
        self.file = self.create()

    def create(self) -> io.FileIO:
        self.content += 1
        self.where[self.content] = "path"
        self.owner = self.content
        return io.FileIO(self.path, "ab")

    def greet(self) -> None:
        if self.greeted != self.owner:
            self.greeted = self.owner
            self.file.write(self.banner)

    def write(self, count: int, size: int) -> None:
        self.greet()
        for _ in range(count):
            self.lines += 1
            line = b"%d:%d:%s" % (self.number, self.lines, b"x" * size)
            data = line + b"\n"
            if self.partial:
                line, data = self.partial, self.partial[self.half :] + b"\n"
                self.partial = b""
            self.file.write(data)
            self.note(line)

    def write_half(self, size: int) -> None:
        if self.partial:
            return
        self.greet()
        self.lines += 1
        self.partial = b"%d:%d:%s" % (self.number, self.lines, b"x" * size)
        self.half = self.partial.rindex(b":") + 1 + size // 2  # two contents never begin alike
        self.file.write(self.partial[: self.half])

    def note(self, line: bytes) -> None:
        self.written[line] = self.owner
        if self.where[self.owner] in ("deleted", "lost"):
            self.at_risk.add(line)

    def undelivered(self, content: int, done: set[bytes]) -> set[bytes]:
        return {line for line, owner in self.written.items() if owner == content and line not in done}

    def drop_partial(self) -> None:
        self.partial = b""

    def shift(self) -> None:
        """Make room for a rotated file; the oldest is deleted."""
        oldest = self.path.with_name(f"{self.path.name}.{KEEP}")
        oldest.unlink(missing_ok=True)
        for n in range(KEEP - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{n}")
            if older.exists():
                older.rename(self.path.with_name(f"{self.path.name}.{n + 1}"))


class World:
    """A reader, its writers, and the operations."""

    def __init__(self, reading: type, folder: Path, pattern: str, banner: bytes, writers: int = 2) -> None:
        self.folder = folder
        self.writers = [Writer(folder, n, banner) for n in range(writers)]
        self.rotations = [0] * writers  # since the reader was last given time
        self.reader = reading(folder / pattern, flush_after=10_000, rotate_wait=3)
        self.up = True
        self.reader.poll()

    def done(self) -> set[bytes]:
        return {line for _, line in self.reader.lines}

    def risk(self, writer: Writer, content: int) -> None:
        writer.at_risk |= writer.undelivered(content, self.done())

    def settle(self, seconds: float) -> None:
        if self.up:
            self.reader.settle(seconds, 7)
            if seconds > 1.1:
                self.rotations = [0] * len(self.writers)
                for writer in self.writers:
                    if any(owner == writer.owner for owner in writer.written.values()):
                        writer.seen = writer.owner

    def rename(self, writer: Writer) -> None:
        """logrotate with `create`; the program reopens at once. More than KEEP between two looks lose the oldest."""
        index = self.writers.index(writer)
        self.rotations[index] += 1
        if not writer.path.exists():
            return
        writer.shift()
        writer.path.rename(writer.path.with_name(writer.path.name + ".1"))
        writer.drop_partial()
        writer.file.close()
        writer.where[writer.owner] = "renamed"
        writer.file = writer.create()
        if self.rotations[index] >= KEEP:
            for content in writer.where:
                self.risk(writer, content)

    def copytruncate(self, writer: Writer) -> None:
        """logrotate with `copytruncate`: what was not read is in the copy."""
        index = self.writers.index(writer)
        self.rotations[index] += 1
        if not writer.path.exists() or not os.path.getsize(writer.path):
            return
        if writer.seen != writer.owner:
            self.risk(writer, writer.owner)  # came and went between two looks
        writer.shift()
        shutil.copy(writer.path, writer.path.with_name(writer.path.name + ".1"))
        os.truncate(writer.path, 0)
        writer.drop_partial()
        writer.where[writer.owner] = "renamed"
        writer.content += 1
        writer.owner = writer.content
        writer.where[writer.owner] = "path"
        if self.rotations[index] >= 2:
            for content in writer.where:
                self.risk(writer, content)

    def truncate(self, writer: Writer) -> None:
        if not writer.path.exists():
            return
        for content in writer.where:
            self.risk(writer, content)
        os.truncate(writer.path, 0)
        writer.drop_partial()
        writer.content += 1
        writer.owner = writer.content
        writer.where[writer.owner] = "path"

    def recreate(self, writer: Writer) -> None:
        for content in writer.where:
            self.risk(writer, content)
        writer.path.unlink(missing_ok=True)
        writer.drop_partial()
        writer.file.close()
        writer.file = writer.create()

    def restart(self) -> None:
        if self.up:
            self.reader.restart()
        else:
            self.reader.start()
            self.up = True

    def stop(self) -> None:
        if self.up:
            self.reader.source.close()
            self.up = False

    def check(self) -> None:
        if not self.up:
            self.restart()
        for _ in range(3):
            self.reader.settle(10, 1000)
        delivered = [line for (_, line), flags in zip(self.reader.lines, self.reader.flags, strict=True)
                     if not flags & Flag.UNFINISHED]  # fmt: skip
        for writer in self.writers:
            mine = [line for line in delivered if line in writer.written]
            assert len(mine) == len(set(mine)), "a line came twice"
            for content in writer.where:
                order = [line for line in mine if writer.written[line] == content]
                assert order == sorted(order, key=lambda line: int(line.split(b":")[1])), "order within a content"
            missing = set(writer.written) - set(mine) - writer.at_risk
            assert not missing, f"lost: {sorted(missing)}"
            assert all(source == f"app{writer.number}" for source, line in self.reader.lines if line in writer.written)


operations = st.lists(
    st.tuples(
        st.sampled_from(
            ["write"] * 5
            + ["settle"] * 4
            + ["half", "half", "rename", "rename", "copytruncate", "truncate", "recreate", "restart", "stop", "restart"]
        ),
        st.integers(0, 1),
        st.integers(1, 9),
        st.sampled_from([0, 1, 40, 600, 1500]),
        st.sampled_from([0.05, 0.6, 1.2, 5.0]),
    ),
    max_size=25,
)


def run(world: World, steps: list[tuple[str, int, int, int, float]]) -> None:
    for step, which, count, size, seconds in steps:
        writer = world.writers[which]
        match step:
            case "write":
                writer.write(count, size)
            case "half":
                writer.write_half(size)
            case "settle":
                world.settle(seconds)
            case "restart":
                world.restart()
            case "stop":
                world.stop()
            case _:
                getattr(world, step)(writer)
    world.check()


@pytest.mark.parametrize("banner", [b"", b"# starting\n"])
@pytest.mark.parametrize("pattern", ["*.log", "*.log*"])
@settings(max_examples=80, deadline=None)
@given(steps=operations)
def test_what_was_written_and_not_lost_is_delivered_once_and_in_order(
    reading: type, pattern: str, banner: bytes, steps: list[tuple[str, int, int, int, float]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(reading, Path(folder), pattern, banner)
        try:
            run(world, steps)
        finally:
            world.reader.source.close()
            for writer in world.writers:
                writer.file.close()
