"""The recordings for the template miner are whole, and how their truth is made holds."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.data.recordings.templates.truth import Line, joined, marked_lines, message, thinned, without

TEMPLATES = Path(__file__).parent / "data" / "recordings" / "templates"
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.json"))
TOLD = (
    *("name", "program", "version", "language", "half", "how", "header", "trailer", "levels"),
    *("lines", "labelled", "labels", "joined", "wrappers", "lines_before_thinning"),
)
KILOBYTE = 1000
LEAST_LINES = 3000


@cache
def log(name: str) -> list[str]:
    text = gzip.decompress((TEMPLATES / f"{name}.log.gz").read_bytes()).decode(errors="surrogateescape")
    assert text.endswith("\n")
    assert "\r" not in text  # readers differ in what they make of it
    return text[:-1].split("\n")


@cache
def labels(name: str) -> list[str]:
    with gzip.open(TEMPLATES / f"{name}.labels.csv.gz", "rt", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "label"]
    assert [int(number) for number, _ in rows[1:]] == list(range(1, len(rows)))
    return [label for _, label in rows[1:]]


@cache
def facts(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((TEMPLATES / f"{name}.json").read_text())
    return told


@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_its_label_or_none(name: str) -> None:
    told, lines, names = facts(name), log(name), labels(name)
    counts = Counter(names)
    assert len(lines) == len(names) == told["lines"] >= LEAST_LINES
    assert len(names) - counts[""] == told["labelled"] >= LEAST_LINES
    assert len(set(names) - {""}) == told["labels"] >= 2


@pytest.mark.parametrize("name", NAMES)
def test_no_line_tells_its_own_location(name: str) -> None:
    telling = [
        (number, label)
        for number, (line, label) in enumerate(zip(log(name), labels(name), strict=True), 1)
        if any(place in line for place in places(label))
    ]
    assert telling == []


@cache
def places(label: str) -> list[str]:
    """How a line could print its own ``org.shop.Orders:12``, ``shop/orders.py:12`` or ``orders.c:12 DETAIL``."""
    found = re.match(r"(\S+):(\d+)\b", label)
    if not found or label.startswith(("format:", "report:")):
        return []
    path, line = found.groups()
    name = Path(path).name if "/" in path or re.search(r"\.\w{1,4}$", path) else path.rpartition(".")[2]
    return [f"{path}:{line}", f"{name}:{line}", f"{name}.java:{line}", f"{name}({line})", f"{name}.scala:{line}"]


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_complete(name: str) -> None:
    told = facts(name)
    assert set(told) >= set(TOLD)
    assert told["name"] == name
    assert told["half"] in ("design", "held_out")
    assert all(told[key] for key in ("program", "version", "language", "how", "levels"))
    header = re.compile(told["header"])
    judged = [line for line, label in zip(log(name), labels(name), strict=True) if label]
    assert sum(bool(header.match(line)) for line in judged) >= 0.99 * len(judged)


@pytest.mark.parametrize("name", NAMES)
def test_the_script_is_kept_and_the_page_tells_of_it(name: str) -> None:
    told, page = facts(name), (TEMPLATES / "README.md").read_text()
    assert (TEMPLATES / "programs" / f"{name}.py").exists()
    half = told["half"].replace("_", " ")
    assert (
        f"| `{name}` | {told['program']} {told['version']} | {told['language']} | {half} "
        f"| {told['lines']:,} | {told['labelled']:,} | {told['labels']} |"
    ) in page
    for reason in told["wrappers"].values():
        assert reason in page


def test_the_ground_is_wide_and_parted_in_halves() -> None:
    told = [facts(name) for name in NAMES]
    halves = Counter(x["half"] for x in told)
    assert len(told) >= 12
    assert len({x["language"] for x in told}) >= 5
    assert abs(halves["design"] - halves["held_out"]) <= 2


def test_the_recordings_stay_small() -> None:
    sizes = {path.name: path.stat().st_size for path in TEMPLATES.glob("*.gz")}
    assert max(size for name, size in sizes.items() if name.endswith(".log.gz")) <= 300 * KILOBYTE
    assert sum(sizes.values()) <= 6000 * KILOBYTE


def test_a_location_is_parted_from_its_text_and_continuations_have_none() -> None:
    assert list(marked_lines("@@a.c:1@@10:00 it's @@ home\n  at x\n@@a.c:2@@\n")) == [
        Line("10:00 it's @@ home", "a.c:1"),
        Line("  at x"),
        Line("", "a.c:2"),
    ]


def test_a_message_is_what_header_and_trailer_leave() -> None:
    header, trailer = re.compile(r"\[\S+\] "), re.compile(r" \(\w+\)$")
    assert message("[10:00] opened (Shop)", header, trailer) == "opened"
    assert message("opened", header, trailer) == "opened"


def test_statements_that_print_the_same_text_share_a_label() -> None:
    lines = [
        Line('opened "a" 5', "a.c:1"),
        Line('opened "b" 0x1f', "b.c:7"),
        Line("closed a", "a.c:2"),
        Line("closed b", "b.c:8"),
        Line("7", "a.c:3"),
        Line("8", "b.c:9"),
        Line("who knows"),
    ]
    alone = {place: place for place in ("a.c:2", "a.c:3", "b.c:8", "b.c:9")}
    assert joined(lines, str, ()) == {"a.c:1": "a.c:1", "b.c:7": "a.c:1", **alone}
    assert joined(lines, str, (r"(opened|closed) \w",))["b.c:8"] == "a.c:2"


def test_a_wrapper_loses_its_location() -> None:
    lines = [Line("a", "log.c:10"), Line("b", "catalog.c:10")]
    assert list(without(lines, {r"log\.c:\d+": "forwards"})) == [Line("a"), lines[1]]
    assert list(without(lines, {})) == lines


def test_thinning_keeps_rare_statements_and_proportions() -> None:
    lines = [Line(f"{n} {place}", place) for n in range(3000) for place in ("often", "half")[: 1 + n % 2]]
    lines += [Line("once", "rare"), *(Line(f"  at {n}") for n in range(50))]
    kept = thinned(lines, 1000)
    counts = Counter(line.location for line in kept)
    assert counts["rare"] == 1
    assert 900 <= counts["often"] + counts["half"] <= 1001
    assert counts["half"] == pytest.approx(counts["often"] / 2, rel=0.1)
    assert [line for line in kept if not line.location] == [Line(f"  at {n}") for n in range(12)]
    left = set(kept)
    assert [line for line in lines if line in left] == kept


def test_thinning_leaves_short_recordings_alone() -> None:
    lines = [Line(str(n), f"a.c:{n % 7}") for n in range(500)]
    assert thinned(lines, 1000) == lines
