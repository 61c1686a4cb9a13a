"""File → decision, everything on, against Drain3 mining alone in the same run.

`python -m tests.benchmarks.speed [--lines N]`: a synthetic service log (see `stream.py`) of at least a million lines
whose own times run at 100,000 lines/s is scored as one stream without entities and with its request ids as entities;
then as an old quiet log (50 lines/s of event time: the whole recipe of learning), and with learning frozen. Drain3 is
given the bare messages, its example masks, and no file to read.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from itertools import islice
from pathlib import Path

from logwatch.app.history import score
from logwatch.config import load
from logwatch.requests import ScoreRequest, Summary
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.stream import lines, write

ENTITY = r"request_id=(\w+)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--drain-lines", type=int, default=100_000)
    with Benchmark("speed", parser=parser) as bench, tempfile.TemporaryDirectory() as folder:
        options = bench.options
        fast = write(Path(folder) / "fast.log", options.lines, 100_000, bench.seed)
        size = fast.stat().st_size / options.lines
        bench.figure("bytes_per_line", size)
        drain_before = _drain(options.drain_lines, bench.seed)
        cases = {"100k_per_s": (None, "online"), "100k_per_s_entities": (ENTITY, "online")}
        rates = {name: _run(bench, name, fast, *case) for name, case in cases.items()}
        quiet = write(Path(folder) / "quiet.log", options.lines // 5, 50, bench.seed)
        rates["old_quiet_file"] = _run(bench, "old_quiet_file", quiet, None, "online")
        rates["frozen"] = _run(bench, "frozen", fast, None, "frozen")
        # Drain3 before and after: these machines drift.
        drain = (drain_before + _drain(options.drain_lines, bench.seed)) / 2
        bench.baseline("drain3_lines_per_s", drain)
        for name, rate in rates.items():
            done = name.startswith("100k")
            bench.figure(f"{name}_over_drain3", rate / drain, floor=5.0 if done else None, aim=10.0 if done else None)


def _run(bench: Benchmark, name: str, path: Path, entity: str | None, learning: str) -> float:
    """Lines per second of wall time, from the first byte read to the last decision."""
    config = load(environ={}, flags={"learning": ("--learning", learning)})
    summary: Summary = score(ScoreRequest((str(path),), config, entity=entity), Quiet())
    rate = summary.records / summary.seconds
    bench.log(f"{name}: {rate:,.0f} lines/s, trained share {summary.trained}, {summary.templates} templates")
    bench.figure(f"{name}_lines_per_s", rate)
    if summary.trained is not None:
        bench.figure(f"{name}_trained_share", summary.trained)
    return rate


def _drain(count: int, seed: int) -> float:
    """Lines per second of Drain3's mining alone, one thread, its example masks."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.profiling_enabled = False
    ends = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
    patterns = {
        "ID": r"([0-9a-f]{2,}:){3,}([0-9a-f]{2,})",
        "IP": r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
        "SEQ": r"([0-9a-f]{6,} ?){3,}",
        "HEX": r"0x[a-f0-9A-F]+",
        "NUM": r"[\-\+]?\d+",
    }
    config.masking_instructions = [
        MaskingInstruction(f"{ends[0]}({pattern}){ends[1]}", name)
        for name, pattern in patterns.items()
        if name != "SEQ"
    ]
    miner = TemplateMiner(config=config)
    messages = [re.sub(r"^\S+ \S+ \w+ +\[\S+\] ", "", line) for line in islice(lines(count, 100_000, seed), count)]
    began = time.perf_counter()
    for message in messages:
        miner.add_log_message(message)
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
