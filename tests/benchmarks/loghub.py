"""Template mining on 16 systems of loghub, one configuration for all, beside Drain3 with its example masks.

    python -m tests.benchmarks.loghub [--data DIR] [--seed N] [--json] [--orders N]

`content` gives the miner the message cut out by hand, `raw` the line as written, through the project's own parser.
These samples have been looked at by everybody who ever wrote a miner: a check, not a target.
"""

from __future__ import annotations

import argparse
import random
from statistics import fmean

import numpy as np
from drain3 import TemplateMiner as Drain
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from logwatch.parse.agreement import Agreement, agreement
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.parser import Parser, ParseSettings
from logwatch.types import RecordBatch, Stream
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.loghub_data import SYSTEMS, Sample, load

MASKS = {
    "ID": r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)",
    "IP": r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)",
    "SEQ": r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)",
    "SEQ4": r"((?<=[^A-Za-z0-9])|^)([0-9A-F]{4} ?){4,}((?=[^A-Za-z0-9])|$)",
    "HEX": r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)",
    "NUM": r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)",
}
"""The masks of Drain3's example configuration (`examples/drain3.ini`)."""


class FixedClock:
    """A clock that stands in 2030, after every sample."""

    def now(self) -> int:
        """Wall time, ns."""
        return 1_893_456_000_000_000_000

    def monotonic(self) -> float:
        """Seconds."""
        return 0.0


def mine_content(miner: TemplateMiner, sample: Sample) -> list[int]:
    """Final ids of messages cut out by hand."""
    found: list[int] = miner.find(miner.mine(sample.content)).tolist()
    return found


def mine_raw(miner: TemplateMiner, sample: Sample) -> list[int]:
    """Final ids of lines as written, through the parser."""
    n = len(sample.raw)
    zeros, ends = np.zeros(n, np.int32), np.cumsum([len(line) + 1 for line in sample.raw])
    starts = ends - [len(line) + 1 for line in sample.raw]
    records = RecordBatch(sample.raw, [Stream("sample", "file")], zeros, starts, ends, np.zeros(n, np.uint8))
    parser = Parser(lambda source: ParseSettings(), miner, FixedClock(), finished=True)
    found: list[int] = miner.find(parser.parse(records, zeros, zeros, 0).template).tolist()
    return found


def mine_drain(sample: Sample) -> list[int]:
    """Ids by Drain3, of messages cut out by hand."""
    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for name, pattern in MASKS.items()]
    drain = Drain(config=config)
    return [drain.add_log_message(text)["cluster_id"] for text in sample.content]


def shuffled(sample: Sample, rng: random.Random) -> Sample:
    """The same lines in another order."""
    order = rng.sample(range(len(sample.raw)), len(sample.raw))
    raw, content, truth = sample
    return Sample([raw[i] for i in order], [content[i] for i in order], [truth[i] for i in order])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=0, help="also mine N random orders of each sample (%(default)s)")
    with Benchmark("loghub", "logpai/loghub, 2k samples (github.com/logpai/loghub)", parser=parser) as bench:
        folder = bench.data("loghub2k")
        samples = {system: load(folder, system) for system in SYSTEMS}
        _one_order(bench, samples)
        rng = random.Random(bench.seed)
        spreads = [_spread(sample, bench.options.orders, rng) for sample in samples.values() if bench.options.orders]
        if spreads:
            bench.figure("content_ga_spread_over_orders", fmean(spreads))


def _one_order(bench: Benchmark, samples: dict[str, Sample]) -> None:
    content, raw, drain = (dict[str, Agreement]() for _ in range(3))
    revised = {"content": 0.0, "raw": 0.0}
    for system, sample in samples.items():
        first, second = TemplateMiner(), TemplateMiner()
        content[system] = agreement(mine_content(first, sample), sample.truth)
        raw[system] = agreement(mine_raw(second, sample), sample.truth)
        drain[system] = agreement(mine_drain(sample), sample.truth)
        revised["content"] += first.revised / len(sample.raw) / len(samples)
        revised["raw"] += second.revised / len(sample.raw) / len(samples)
        bench.figure(f"{system}_content_ga", content[system].accuracy)
        bench.figure(f"{system}_raw_ga", raw[system].accuracy)
        bench.baseline(f"{system}_drain3_ga", drain[system].accuracy)
    bench.figure("content_ga", fmean(a.accuracy for a in content.values()), floor=0.90, aim=0.95)
    bench.figure("raw_ga", fmean(a.accuracy for a in raw.values()), floor=0.86, aim=0.93)
    bench.figure("content_fga", fmean(a.f1 for a in content.values()))
    bench.figure("raw_fga", fmean(a.f1 for a in raw.values()))
    bench.figure("content_revised_share", revised["content"], aim=0.01)
    bench.figure("raw_revised_share", revised["raw"], aim=0.01)
    bench.baseline("drain3_content_ga", fmean(a.accuracy for a in drain.values()))
    bench.baseline("drain3_content_fga", fmean(a.f1 for a in drain.values()))


def _spread(sample: Sample, orders: int, rng: random.Random) -> float:
    """Largest less smallest GA over random orders."""
    found: list[float] = []
    for _ in range(orders):
        other = shuffled(sample, rng)
        found.append(agreement(mine_content(TemplateMiner(), other), other.truth).accuracy)
    return max(found) - min(found)


if __name__ == "__main__":
    main()
