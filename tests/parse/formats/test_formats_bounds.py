"""What a hostile line costs: no depth breaks the reading, and what is remembered of lines is bounded."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from logwatch.parse.formats import nested as nested_objects
from logwatch.parse.formats import valued
from logwatch.parse.formats.read import Wanted, read
from logwatch.parse.formats.valued import Kinds

AUTO: Wanted = [("auto", slice(None))]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("width", [1, 100, 250, 5000])
@pytest.mark.parametrize("depth", [1, 8, 400])
def test_many_deep_objects_in_a_line_are_read(width: int, depth: int) -> None:
    line = json.dumps({"msg": "m", **{f"k{i}": nested(depth) for i in range(min(width, 100_000 // depth))}})
    found = read([line.encode(), line.replace("1", "NaN").encode()], AUTO)
    assert found is not None
    assert found.told is not None
    assert found.told.message == ["m", "m"]


@pytest.mark.parametrize("width", [10, 250])
def test_lists_of_attributes_are_read_each_once(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    looks = 0

    def kinds_of(values: Sequence[Any]) -> Kinds:
        nonlocal looks
        looks += 1
        return valued.kinds_of(values)

    monkeypatch.setattr(nested_objects, "kinds_of", kinds_of)
    line = json.dumps({"msg": "m", **{f"k{i}.attributes": [1] for i in range(width)}}).encode()
    assert read([line, line], AUTO) is not None
    assert looks == width


LONG: dict[str, Callable[[int], str]] = {
    "json": lambda i: json.dumps({"msg": "m", "level": f"{'x' * 30_000}{i}", f"{'k' * 30_000}{i}": 1}),
    "logfmt": lambda i: f"level=info msg=m {'k' * 30_000}{i}=1",
    "syslog": lambda i: f'<34>1 2026-03-01T12:00:00Z host app 1 - [{"k" * 30_000}{i} a="1"] m',
}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_long_names_and_levels_are_not_kept(line: Callable[[int], str]) -> None:
    read([line(0).encode()], AUTO)
    tracemalloc.start()
    try:
        for begin in (100, 200, 300):
            read([line(i).encode() for i in range(begin, begin + 50)], AUTO)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
