"""Lines per second, on one thread, from bytes to columns: time, level, logger, message, text, values.

`python -m tests.benchmarks.decoders [--lines N] [--batch N] [--only logs|metrics]`

Logs: lines of 200 to 300 bytes of a shop with 12 statements, as its libraries would print them in JSON (zap), nested
JSON (ECS), logfmt, syslog (RFC 5424 with structured data, RFC 3164), and in CRI with JSON and with plain text inside.
The best of 15 short rounds: about the code, and not about who else uses the machine. Beside them, in the same run: what
`orjson` alone takes for the JSON lines, one by one; what the whole of parsing makes of each (redaction, the miner's
keys).

Metrics, from bytes to samples of series, in samples per second, with other readers of the same lines in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from logwatch.parse.formats.read import read
from logwatch.parse.memory import keep_memory
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaper
from tests.benchmarks import decoders_metrics
from tests.benchmarks.frame import Benchmark

FLOOR, AIM = 150_000, 300_000
ROUNDS = 15
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
STATEMENTS = (
    ("http.Server", "request served", ("method", "path", "status", "bytes", "ms", "peer")),
    ("auth.Session", "session is valid", ("user", "realm", "ttl", "tier", "peer", "path")),
    ("shop.Catalog", "looked up articles", ("count", "cached", "shard", "ms", "revision", "path")),
    ("shop.Stock", "reserved pieces in warehouse", ("article", "pieces", "warehouse", "user", "ms", "basket")),
    ("db.Pool", "borrowed connection", ("pool", "waiting", "ms", "oldest_ms", "peer", "shard")),
    ("db.Query", "rows read by index", ("rows", "ms", "table", "shard", "cost", "plan")),
    ("db.Query", "rows written and synced", ("rows", "ms", "table", "shard", "fsync_ms", "plan")),
    ("queue.Producer", "message sent to partition", ("topic", "partition", "offset", "bytes", "ms", "peer")),
    ("cache.Store", "stored key", ("bytes", "ttl", "shard", "basket", "cached", "ms")),
    ("mail.Outbox", "queued confirmation", ("user", "relay", "attachments", "bytes", "ms", "article")),
    ("pay.Client", "payment authorised", ("provider", "cents", "currency", "ms", "user", "basket")),
    ("trace.Span", "span closed", ("children", "events", "ms", "path", "shard", "peer")),
)
WORDS = {
    "method": ("GET", "POST", "PUT"), "user": ("alice", "bob", "carol", "dave"), "realm": ("internal", "partner"),
    "table": ("orders", "order_items", "stock"), "plan": ("index", "seq"), "topic": ("orders", "mails"),
    "provider": ("p1", "p2", "p3"), "currency": ("EUR", "CHF"), "tier": ("gold", "silver"),
    "warehouse": ("wh-1", "wh-2"),
    "pool": ("main", "reports"), "relay": ("mx1.example.org", "mx2.example.org"),
}  # fmt: skip


def records(count: int, seed: int) -> Iterator[tuple[datetime, str, str, str, str, dict[str, Any]]]:
    """Time, level, logger, message, trace id and fields."""
    rng = random.Random(seed)
    for i in range(count):
        logger, message, names = rng.choice(STATEMENTS)
        fields: dict[str, Any] = {}
        for name in names:
            if name in WORDS:
                fields[name] = rng.choice(WORDS[name])
            elif name == "path":
                fields[name] = f"/shop/{rng.getrandbits(10)}/item/{rng.getrandbits(16)}"
            elif name == "status":
                fields[name] = 200 if rng.random() < 0.98 else 503
            elif name == "peer":
                fields[name] = f"10.0.{rng.getrandbits(3)}.{rng.getrandbits(8)}:{rng.getrandbits(16)}"
            else:
                fields[name] = round(rng.lognormvariate(3, 1), 3) if name == "ms" else rng.getrandbits(16)
        trace = f"{rng.getrandbits(64):016x}"
        yield START + timedelta(microseconds=50 * i), "info", f"com.example.{logger}", message, trace, fields


def zap(when: datetime, level: str, logger: str, message: str, trace: str, fields: dict[str, Any]) -> str:
    head = {"level": level, "ts": when.timestamp(), "logger": logger, "caller": "shop/server.go:112", "msg": message}
    return json.dumps({**head, "trace_id": trace, **fields}, separators=(",", ":"))


def ecs(when: datetime, level: str, logger: str, message: str, trace: str, fields: dict[str, Any]) -> str:
    line = {
        "@timestamp": when.isoformat(timespec="milliseconds"),
        "log": {"level": level, "logger": logger},
        "message": message,
        "trace": {"id": trace},
        "labels": fields,
    }
    return json.dumps(line, separators=(",", ":"))


def logfmt(when: datetime, level: str, logger: str, message: str, trace: str, fields: dict[str, Any]) -> str:
    pairs = " ".join(f"{name}={value}" for name, value in fields.items())
    stamp = when.isoformat(timespec="milliseconds")
    return f'time={stamp} level={level} logger={logger} msg="{message}" trace_id={trace} {pairs}'


def rfc5424(when: datetime, level: str, logger: str, message: str, trace: str, fields: dict[str, Any]) -> str:
    data = " ".join(f'{name}="{value}"' for name, value in fields.items())
    stamp = when.isoformat(timespec="microseconds")
    return f'<134>1 {stamp} shop-7 {logger} 4711 ID12 [shop@32473 trace_id="{trace}" {data}] {message}'


def rfc3164(when: datetime, level: str, logger: str, message: str, trace: str, fields: dict[str, Any]) -> str:
    pairs = ", ".join(f"{name} {value}" for name, value in fields.items())
    return f"<134>{when:%b %d %H:%M:%S} shop-7 {logger}[4711]: {message}: {pairs} (trace {trace}, worker thread 7)"


def cri_json(*record: Any) -> str:
    return f"{record[0].isoformat(timespec='microseconds')}000Z stdout F ".replace("+00:00", "") + zap(*record)


def cri_plain(*record: Any) -> str:
    return f"{record[0].isoformat(timespec='microseconds')}000Z stdout F ".replace("+00:00", "") + rfc3164(*record)[25:]


DIALECTS: dict[str, Callable[..., str]] = {
    "json": zap, "json_nested": ecs, "logfmt": logfmt, "syslog_5424": rfc5424, "syslog_3164": rfc3164,
    "cri_json": cri_json, "cri_plain": cri_plain,
}  # fmt: skip


def _best(count: int, work: Callable[[], object]) -> float:
    rates = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        rates.append(count / (time.process_time() - began))
    return max(rates)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=16_384)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--only", choices=("logs", "metrics"))
    with Benchmark("decoders", parser=parser) as bench:
        keep_memory()  # as the program does when it starts
        if bench.options.only != "metrics":
            logs(bench)
        if bench.options.only != "logs":
            metrics(bench)


def logs(bench: Benchmark) -> None:
    """Lines of logs per second."""
    import orjson

    count, size = bench.options.lines, bench.options.batch
    told = list(records(count, bench.seed))
    settings = [(ParseSettings(), slice(None))]
    for name, render in DIALECTS.items():
        lines = [render(*one).encode() for one in told]
        batches = [lines[at : at + size] for at in range(0, count, size)]
        shaper = Shaper(("token", "password", "email"))
        bench.log(f"{name}: {sum(map(len, lines)) / count:.0f} bytes a line")

        def shaped(batches: list[list[bytes]] = batches, shaper: Shaper = shaper) -> None:
            for batch in batches:
                shaper.shape(batch, settings)

        def decoded(batches: list[list[bytes]] = batches) -> None:
            for batch in batches:
                read(batch, [("auto", slice(None))])

        headers = name in ("syslog_3164", "cri_plain")  # read by the reader of plain lines, with all the rest
        rate = _best(count, shaped if headers else decoded)
        bench.figure(f"{name}_lines_per_s", rate, floor=FLOOR, aim=AIM)
        bench.figure(f"{name}_whole_parse_lines_per_s", rate if headers else _best(count, shaped))
        if name == "json":

            def alone(lines: list[bytes] = lines) -> None:
                for line in lines:
                    orjson.loads(line)

            bench.baseline("orjson_alone_lines_per_s", _best(count, alone))


def metrics(bench: Benchmark) -> None:
    """Samples of metrics per second."""
    for name, floor in decoders_metrics.FIGURES.items():
        lines = decoders_metrics.lines_of(name, bench.options.lines, bench.seed)
        count, work = decoders_metrics.reading(lines, bench.options.batch)
        bench.log(f"{name}: {count} samples in {len(lines)} records")
        bench.figure(f"{name}_samples_per_s", _best(count, work), floor=floor)
        for reader, alone in decoders_metrics.others(name, lines).items():
            bench.baseline(f"{name}_{reader}_samples_per_s", _best(count, alone))


if __name__ == "__main__":
    main()
