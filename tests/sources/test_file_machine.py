"""Random sequences of what programs, rotation tools and crashes do to files, against a model.

Whatever happens, a line is delivered once in the history that was committed, the lines of one content come in their
order, and a line is missing only where the model says that it can be: its bytes were gone from the file system before
the reader could have kept them. Then a gap, or a race, has been admitted. Nothing is admitted where nothing was lost.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from logwatch import telemetry
from logwatch.types import Flag, Gap
from tests.sources.reader import Reader
from tests.sources.written import WrittenLog

LOGS = 2
SCAN_S = 1.2
"""The reader notices new files within this time."""


class Crashing(Reader):
    """A reader whose deliveries count from the commit on: a kill takes back what came after it."""

    def __init__(self, *paths: Path | str, **config: object) -> None:
        self.kept: tuple[int, int] = (0, 0)  # lines, gaps
        self.saved: dict[str, bytes] = {}
        super().__init__(*paths, **config)

    def commit(self) -> None:
        self.kept, self.saved = (len(self.lines), len(self.gaps)), dict(self.cursors)

    def kill(self) -> None:
        self.source.close()
        lines, gaps = self.kept
        del self.lines[lines:], self.flags[lines:], self.gaps[gaps:]
        self.cursors = dict(self.saved)


class FileMachine(RuleBasedStateMachine):
    """Two logs, one reader."""

    @initialize(
        pattern=st.sampled_from(["*.log", "*.log*"]),
        compressed=st.booleans(),
        banner=st.sampled_from([b"", b"# starting\n"]),
    )
    def begin(self, pattern: str, compressed: bool, banner: bytes) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.reader: Crashing | None = None
        self.logs = [
            WrittenLog(self.folder, n, banner, lambda: self.reader.clock.seconds if self.reader else 0.0, self._kept,
                       self._delivered)
            for n in range(LOGS)
        ]  # fmt: skip
        self.reader = Crashing(
            self.folder / pattern, flush_after=10**6, rotate_wait=3, deleted_hold=10**6, compressed=compressed
        )
        self.races = telemetry.RACES.value()
        self.up = True
        self.reader.poll()
        self.reader.commit()

    def _kept(self, line: bytes) -> bool:
        return any(line == one for _, one in self.reader.lines[: self.reader.kept[0]])

    def _delivered(self, line: bytes) -> bool:
        return any(line == one for _, one in self.reader.lines)

    which = st.integers(0, LOGS - 1)
    size = st.sampled_from([0, 1, 40, 600, 1500])

    # -- programs and tools

    @rule(which=which, count=st.integers(1, 9), size=size)
    def write(self, which: int, count: int, size: int) -> None:
        self.logs[which].write(count, size)

    @rule(which=which, size=size)
    def write_half(self, which: int, size: int) -> None:
        self.logs[which].write_half(size)

    @rule(which=which, reopen=st.booleans())
    def rename(self, which: int, reopen: bool) -> None:
        self.logs[which].rename(reopen)

    @rule(
        which=which,
        turns=st.integers(1, 2),
        count=st.integers(0, 3),
        size=size,
        share=st.sampled_from([None, 0, 0.5, 1]),
    )
    def rotate(self, which: int, turns: int, count: int, size: int, share: float | None) -> None:
        """logrotate with `compress`; `share`: what it has packed of the last file when the reader looks, None: all."""
        log = self.logs[which]
        for _ in range(turns):
            log.rename(reopen=True)
            log.begin_packing(1, share or 0)
            log.write(count, size)
        if share is None:
            log.finish_packing()

    @rule(which=which)
    def reopen(self, which: int) -> None:
        self.logs[which].reopen()

    @rule(which=which)
    def copy(self, which: int) -> None:
        self.logs[which].copy()

    @rule(which=which)
    def copytruncate(self, which: int) -> None:
        self.logs[which].copy()
        self.logs[which].truncate()

    @rule(which=which)
    def truncate(self, which: int) -> None:
        self.logs[which].truncate()

    @rule(which=which, turn=st.integers(1, 4))
    def pack(self, which: int, turn: int) -> None:
        self.logs[which].pack(turn)

    @rule(which=which, turn=st.integers(1, 4), share=st.sampled_from([0, 0.5, 1]))
    def begin_packing(self, which: int, turn: int, share: float) -> None:
        self.logs[which].begin_packing(turn, share)

    @rule(which=which)
    def finish_packing(self, which: int) -> None:
        self.logs[which].finish_packing()

    @rule(which=which, after=st.integers(1, 9), count=st.integers(0, 3), size=size, packs=st.booleans())
    def meanwhile(self, which: int, after: int, count: int, size: int, packs: bool) -> None:
        """A rotation, or the end of a packing, while the reader looks."""

        def happens() -> None:
            log = self.logs[which]
            if packs:
                log.finish_packing()
            else:
                log.rename(reopen=True)
                log.write(count, size)
                log.pack(1)

        self.reader.clock.after, self.reader.clock.meanwhile = after, happens

    @rule(which=which)
    def delete(self, which: int) -> None:
        self.logs[which].delete()

    @rule(which=which)
    def replace(self, which: int) -> None:
        self.logs[which].replace()

    # -- the reader

    @precondition(lambda self: self.up)
    @rule(n=st.integers(1, 20))
    def poll(self, n: int) -> None:
        self.reader.clock.seconds += 0.05
        self.reader.poll(n)

    @precondition(lambda self: self.up)
    @rule(seconds=st.sampled_from([0.05, 0.6, SCAN_S, 5.0]), n=st.sampled_from([3, 1000]))
    def settle(self, seconds: float, n: int) -> None:
        settled = seconds > 2 * SCAN_S or (seconds >= SCAN_S and self.reader.clock.meanwhile is None)
        self.reader.settle(seconds, n)
        if settled:
            for log in self.logs:
                log.looked()

    @precondition(lambda self: self.up)
    @rule()
    def commit(self) -> None:
        self.reader.commit()

    @precondition(lambda self: self.up)
    @rule(graceful=st.booleans())
    def stop(self, graceful: bool) -> None:
        if graceful:
            self.reader.commit()
        self.reader.kill()
        self.up = False
        for log in self.logs:
            log.left()

    @precondition(lambda self: not self.up)
    @rule()
    def start(self) -> None:
        self.reader.start()
        self.up = True

    # -- the end

    def teardown(self) -> None:
        if not hasattr(self, "logs"):
            return
        try:
            self.check()
        finally:
            self.reader.source.close()
            for log in self.logs:
                log.close()
            shutil.rmtree(self.folder)

    def check(self) -> None:
        if not self.up:
            self.start()
        self.reader.clock.meanwhile = None
        for _ in range(3):
            self.reader.settle(10, 1000)
            for log in self.logs:
                log.finish_packing()
        whole = [
            (source, line)
            for (source, line), flags in zip(self.reader.lines, self.reader.flags, strict=True)
            if not flags & Flag.UNFINISHED
        ]
        for log in self.logs:
            self.check_log(log, [(source, line) for source, line in whole if line in log.owner])

    def check_log(self, log: WrittenLog, mine: list[tuple[str, bytes]]) -> None:
        name = f"app{log.number}"
        lines = [line for _, line in mine]
        doubled = [line for line, count in Counter(lines).items() if count > 1 and line not in log.repeatable]
        assert not doubled, f"came twice: {doubled[:3]}"
        assert {source for source, _ in mine} <= {name}
        for content in log.contents:
            order = [line for line in lines if log.owner[line] is content and line not in log.repeatable]
            assert order == [line for line in content.lines if line in set(order)], "order within a content"
        missing = set(log.owner) - set(lines) - log.split
        assert missing <= log.at_risk, f"lost: {sorted(missing - log.at_risk)[:3]}"
        gaps: list[Gap] = [gap for gap in self.reader.gaps if gap.stream.source == name]
        begun = [line for line in missing if (it := log.owner[line]).seen and line not in it.belated]
        assert not begun or gaps or telemetry.RACES.value() > self.races, "a loss that was not admitted"


FileMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("LOGWATCHD_EXAMPLES", "60")), stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
TestFiles = FileMachine.TestCase


class LongMachine(FileMachine):
    """The same, for longer."""


LongMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("LOGWATCHD_EXAMPLES", "1500")), stateful_step_count=400,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink 400 steps takes longer than to find them
)  # fmt: skip
TestFilesForLong = pytest.mark.slow(pytest.mark.timeout(5400)(LongMachine.TestCase))


@pytest.mark.parametrize("after", range(1, 9))
@pytest.mark.parametrize("rotations", [2, 3])
def test_names_that_are_handed_on_during_a_start_lead_to_saved_positions(rotations: int, after: int) -> None:
    machine = FileMachine()
    machine.begin("*.log*", compressed=True, banner=b"# starting\n")
    machine.stop(graceful=True)
    machine.write(1, count=1, size=1)
    machine.rotate(0, rotations, count=1, size=0, share=None)
    machine.start()
    machine.poll(3)
    machine.stop(graceful=True)
    machine.rotate(0, turns=1, count=1, size=0, share=None)
    machine.meanwhile(0, after, count=1, size=1, packs=False)
    machine.start()
    machine.poll(20)
    machine.teardown()
