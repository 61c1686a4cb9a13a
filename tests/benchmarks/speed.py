"""File → decision, everything on, against Drain3 mining alone in the same run.

`python -m tests.benchmarks.speed [--lines N]`: two streams of at least a million lines whose own times run at
100,000 lines/s. A synthetic service log (see `stream.py`) is scored as one stream without entities and with its request
ids as entities; then as an old quiet log (50 lines/s of event time: the whole recipe of learning), and with learning
frozen. Our own recordings of six programs (see `recorded.py`), a file each, are followed to their ends as `tail` does.
A short log is scored first: importing is not scoring. Drain3 is given the bare messages, the masks of its own
documentation (all seven; the rates with its number, address and hex masks only, and with none, are printed beside), and
no file to read. The figure that has a floor is the median of three such pairs: these machines drift.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

from logwatch.app.follow import tail
from logwatch.app.history import score
from logwatch.config import load
from logwatch.requests import ScoreRequest, Summary, TailRequest
from tests.benchmarks import recorded
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.stream import lines, write

ENTITY = r"request_id=(\w+)"

WARM = 20_000

_BEGIN, _END = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
_DOCUMENTED = [
    ("ID", rf"{_BEGIN}(([0-9a-f]{{2,}}:){{3,}}([0-9a-f]{{2,}})){_END}"),
    ("IP", rf"{_BEGIN}(\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}){_END}"),
    ("SEQ", rf"{_BEGIN}([0-9a-f]{{6,}} ?){{3,}}{_END}"),
    ("SEQ", rf"{_BEGIN}([0-9A-F]{{4}} ?){{4,}}{_END}"),
    ("HEX", rf"{_BEGIN}(0x[a-f0-9A-F]+){_END}"),
    ("NUM", rf"{_BEGIN}([\-\+]?\d+){_END}"),
    ("CMD", r'(?<=executed cmd )(".+?")'),
]
MASKS: dict[str, list[tuple[str, str]]] = {
    "drain3_lines_per_s": _DOCUMENTED,
    "drain3_four_masks_lines_per_s": [mask for mask in _DOCUMENTED if mask[0] not in ("SEQ", "CMD")],
    "drain3_no_masks_lines_per_s": [],
}
"""Drain3's masks, as in the comments of its `masking.py`."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--drain-lines", type=int, default=100_000)
    with Benchmark("speed", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        options = bench.options
        fast = write(Path(folder) / "fast.log", options.lines, 100_000, bench.seed)
        _scored(write(Path(folder) / "warm.log", WARM, 100_000, bench.seed), None, "online")()
        size = fast.stat().st_size / options.lines
        bench.figure("bytes_per_line", size)
        count, seed = options.drain_lines, bench.seed
        messages = {"": _messages(count, seed), "recorded_": recorded.bare(count, 100_000, seed)}
        drain_before = _drains(messages)
        cases = {"100k_per_s": (None, "online"), "100k_per_s_entities": (ENTITY, "online")}
        rates = {name: _run(bench, name, _scored(fast, *case), options.lines) for name, case in cases.items()}
        files = recorded.write(Path(folder), options.lines, 100_000, seed)
        rates["recorded_100k_per_s"] = _run(bench, "recorded_100k_per_s", _tailed(files), options.lines)
        few = options.lines // 5
        quiet = write(Path(folder) / "quiet.log", few, 50, seed)
        rates["old_quiet_file"] = _run(bench, "old_quiet_file", _scored(quiet, None, "online"), few)
        rates["frozen"] = _run(bench, "frozen", _scored(fast, None, "frozen"), options.lines)
        # Drain3 before and after: these machines drift.
        for name, rate in _drains(messages).items():
            bench.baseline(name, (drain_before[name] + rate) / 2)
        for name, rate in rates.items():
            done = name.removeprefix("recorded_").startswith("100k")
            peer = "recorded_drain3_lines_per_s" if name.startswith("recorded_") else "drain3_lines_per_s"
            ratio = rate / bench.baselines[peer]
            if name == "100k_per_s":
                ratio = median(
                    [ratio, *(_pair(_scored(fast, *cases[name]), options.lines, messages[""]) for _ in "12")]
                )
            bench.figure(f"{name}_over_drain3", ratio, floor=5.0 if done else None, aim=10.0 if done else None)


def _pair(job: Callable[[], Summary], lines: int, messages: list[str]) -> float:
    """Our rate over Drain3's just before and after."""
    masks = MASKS["drain3_lines_per_s"]
    before = _drain(messages, masks)
    rate = lines / job().seconds
    return 2 * rate / (before + _drain(messages, masks))


def _run(bench: Benchmark, name: str, job: Callable[[], Summary], lines: int) -> float:
    """Lines per second of wall time, from the first byte read to the last decision; the processors' time beside it,
    with that of processes that help."""
    began, helped = time.process_time(), _of_children()
    summary = job()
    rate = lines / summary.seconds
    cpu, help_ = (time.process_time() - began) / lines, (_of_children() - helped) / lines
    bench.log(
        f"{name}: {rate:,.0f} lines/s, {cpu * 1e6:.1f} us of processor a line and {help_ * 1e6:.1f} of its helper, "
        f"trained share {summary.trained}, {summary.templates} templates"
    )
    bench.figure(f"{name}_lines_per_s", rate)
    bench.figure(f"{name}_cpu_us_per_line", (cpu + help_) * 1e6)
    if summary.trained is not None:
        bench.figure(f"{name}_trained_share", summary.trained)
    return rate


def _of_children() -> float:
    """Processor seconds of processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _scored(path: Path, entity: str | None, learning: str) -> Callable[[], Summary]:
    config = load(environ={}, flags={"learning": ("--learning", learning)})
    return lambda: score(ScoreRequest((str(path),), config, entity=entity), Quiet())


def _tailed(paths: list[Path]) -> Callable[[], Summary]:
    return lambda: tail(TailRequest(tuple(map(str, paths)), load(environ={}), once=True), Quiet())


def _messages(count: int, seed: int) -> list[str]:
    return [re.sub(r"^\S+ \S+ \w+ +\[\S+\] ", "", line) for line in islice(lines(count, 100_000, seed), count)]


def _drains(messages: dict[str, list[str]]) -> dict[str, float]:
    return {prefix + name: _drain(mined, masks) for prefix, mined in messages.items() for name, masks in MASKS.items()}


def _drain(messages: list[str], masks: list[tuple[str, str]]) -> float:
    """Lines per second of Drain3's mining alone, one thread."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.profiling_enabled = False
    config.masking_instructions = [MaskingInstruction(pattern, name) for name, pattern in masks]
    miner = TemplateMiner(config=config)
    began = time.perf_counter()
    for message in messages:
        miner.add_log_message(message)
    return len(messages) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
