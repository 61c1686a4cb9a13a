"""Recordings of programs whose every line is known to a place in their source, read by the real parser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from logwatch.app.labels import read_labels
from logwatch.clock import SystemClock
from logwatch.parse.parser import LineTimes, Parser, ParseSettings
from logwatch.replay import Finished, joined, replay
from logwatch.sources.finished import finished_stream, read_finished
from logwatch.types import Int32

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings" / "templates"


@dataclass
class Recorded:
    """One program's lines: what the miner is given of each, what Drain3 is given, and the truth."""

    name: str
    keys: list[str] = field(default_factory=list)  # [n]
    bare: list[str] = field(default_factory=list)  # [n] messages behind the header, for others
    truth: list[str] = field(default_factory=list)  # [n] statement; empty: not judged

    @property
    def judged(self) -> list[int]:
        """Lines that have a statement."""
        return [i for i, statement in enumerate(self.truth) if statement]


class _Keys:
    """A miner that only listens."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def mine_keys(self, keys: list[str], key: Int32) -> Int32:
        self.heard += [keys[i] for i in key.tolist()]
        return np.zeros(len(key), np.int32)


def names(half: str, folder: Path = RECORDINGS) -> list[str]:
    """Programs of one half, `design` or `held_out`; nothing but their facts is read."""
    facts = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [told["name"] for told in facts if told["half"] == half]


def load(name: str, folder: Path = RECORDINGS) -> Recorded:
    """A program's records, as `score` and `tail` would read them; each has the label of its first line."""
    told = json.loads((folder / f"{name}.json").read_text())
    path = str(folder / f"{name}.log.gz")
    labels = read_labels(folder / f"{name}.labels.csv.gz")
    header, trailer = re.compile(told["header"]), re.compile(told.get("trailer", "$"))
    number = np.concatenate([start for _, start, _, _ in read_finished(path)])
    settings, clock, miner, out = ParseSettings(), SystemClock(), _Keys(), Recorded(name)
    parser = Parser(lambda source: settings, miner, clock, ("token", "password", "email"), finished=True)
    stream = finished_stream(path)
    for records in replay([Finished(stream, joined(read_finished(path), stream), LineTimes(settings, clock).times)]):
        zeros = np.zeros(len(records), np.int32)
        parser.parse(records, zeros, zeros, len(out.truth))
        lines = (np.searchsorted(number, records.start) + 1).tolist()
        out.truth += [labels.get(line, "") for line in lines]
        out.bare += [_bare(line, header, trailer) for line in records.lines]
    out.keys = miner.heard
    return out


def _bare(line: bytes, header: re.Pattern[str], trailer: re.Pattern[str]) -> str:
    """The message of a line by the recording's own pattern, and of JSON its text: as kind to others as can be."""
    text = line.decode("utf-8", "replace").split("\n", 1)[0]
    if text.startswith("{"):
        try:
            return str(json.loads(text)["msg"])
        except (ValueError, KeyError):
            return text
    found = header.match(text)
    return trailer.sub("", text[found.end() :] if found else text, count=1)
