"""A synthetic service log of any length, for figures of speed and size: repeatable, and not too kind.

Requests of a small web shop run through 6-12 steps each, several hundred at a time, with random parameters (numbers,
addresses, paths, durations, hex ids) in 15 statements, 178 bytes a line on average; 1 % of the requests fail half-way.
"""

# ruff: noqa: E501  # statements of the log stand on one line each, as programs print them
from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

_HEAD = ["http.Server - request_id={rid} accepted {verb} {path} from {ip}:{port}, user agent version {n}"]
_BODY = [
    "auth.Session - request_id={rid} session {hex} of user {user} is valid for another {n} s (tier {d}, realm internal)",
    "shop.Catalog - request_id={rid} looked up {d} articles in {ms} ms, {d} from the cache, revision {n} of shard shard-{d}",
    "shop.Stock - request_id={rid} reserved {d} pieces of article {n} in warehouse wh-{d} until {clock} for basket {hex}",
    "shop.Price - request_id={rid} price list {d} applied: {n}.{d} EUR with discount {d} % and shipping class {d}, rounding half up",
    "db.Pool - request_id={rid} borrowed connection {d} of 32 after {ms} ms, {d} waiting, oldest transaction {ms} ms",
    "db.Query - request_id={rid} SELECT on orders returned {d} rows in {ms} ms using index orders_by_customer (cost {n})",
    "db.Query - request_id={rid} INSERT into order_items wrote {d} rows in {ms} ms, log position {hex}/{hex}, fsync {ms} ms",
    "queue.Producer - request_id={rid} sent message {hex} of {n} bytes to topic orders partition {d} offset {n}",
    "cache.Store - request_id={rid} stored key basket:{hex} with {n} bytes for {d} min, {n} keys and {n} MiB in all",
    "mail.Outbox - request_id={rid} queued confirmation {hex} to customer {n} through relay {ip} with {d} attachments",
    "pay.Client - request_id={rid} authorised {n}.{d} EUR at provider p{d} in {ms} ms, reference {hex}-{hex}",
    "trace.Span - request_id={rid} span {hex} parent {hex} closed after {ms} ms with {d} children and {d} events",
]
_TAIL = ["http.Server - request_id={rid} replied 200 to {ip}:{port} with {n} bytes in {ms} ms"]
_FAIL = ["pay.Client - request_id={rid} provider p{d} did not answer within {ms} ms, attempt {d} of 3, will not retry"]
_USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]


def _steps(rng: random.Random) -> list[str]:
    body = rng.sample(range(len(_BODY)), rng.randint(4, 10))
    steps = _HEAD + [_BODY[i] for i in sorted(body)]
    if rng.random() < 0.01:
        return [*steps[: len(steps) // 2], *_FAIL]
    return steps + _TAIL


def _fill(step: str, rid: str, rng: random.Random) -> str:
    number = rng.getrandbits
    return step.format(
        rid=rid, verb="GET" if number(2) else "POST", path=f"/shop/{number(10)}/item/{number(16)}",
        ip=f"10.{number(6)}.{number(8)}.{number(8)}", port=number(16), n=number(20), d=number(5), ms=number(9),
        hex=f"{number(40):010x}", user=_USERS[number(20) % 10], clock=f"{number(4):02d}:{number(5):02d}",
    )  # fmt: skip


def lines(count: int, per_second: float, seed: int = 0, open_requests: int = 400) -> Iterator[str]:
    """`count` lines whose own times run at `per_second`."""
    rng = random.Random(seed)
    running: list[tuple[str, list[str]]] = []
    step_us = 1e6 / per_second
    for i in range(count):
        while len(running) < open_requests:
            running.append((f"{rng.getrandbits(48):012x}", _steps(rng)))
        at = rng.randrange(len(running))
        rid, steps = running[at]
        step = steps.pop(0)
        if not steps:
            running[at] = running[-1]
            running.pop()
        stamp = (START + timedelta(microseconds=i * step_us)).isoformat(" ", "microseconds")[:26]
        level = "WARN " if step in _FAIL else "INFO "
        yield f"{stamp} {level} [worker-{i % 16}] com.example.{_fill(step, rid, rng)}"


def write(path: Path, count: int, per_second: float, seed: int = 0) -> Path:
    """Write the stream to a file; returns the path."""
    with path.open("w", encoding="ascii") as out:
        out.writelines(f"{line}\n" for line in lines(count, per_second, seed))
    return path
