"""The frame of every recording of templates: run a program, part lines from locations, write the result.

A program's script ends with ``main(TheProgram, __spec__.name)``; see README.md beside this file.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import platform
import re
import shutil
import signal
import sys
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.machine import INSIDE, become_child, enter, furnish
from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program
from tests.data.recordings.templates.truth import Line, joined, marked_lines, message, thinned, without

HERE = Path(__file__).parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK = Path("/srv/recording")  # appears in some log lines
KERNEL = "6.1.0-37-amd64"  # Debian's, in place of the release of the machine that recorded
LINES = 10_000
BYTES = 300_000  # of a compressed log


class TemplateProgram(Program):
    """A program that prints the source location of every line, driven through its life.

    ``header`` matches all before the message; its group ``level``, if any, is the severity.
    ``wrappers``: pattern of whole locations that only forward others' text → the reason, all dropped.
    ``same``: patterns of whole messages; all locations that print one of them share a label (see ``truth.joined``).
    ``trailer``: what stands after the message, such as the logger.
    """

    title: ClassVar[str]
    language: ClassVar[str]
    half: ClassVar[str]  # "design" or "held_out"
    how: ClassVar[str]
    header: ClassVar[str]
    wrappers: ClassVar[Mapping[str, str]] = {}
    same: ClassVar[Sequence[str]] = ()
    trailer: ClassVar[str] = "$"
    limit: ClassVar[int] = LINES
    boots: ClassVar[bool] = False  # brings a machine of its own
    sources: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def version(self) -> str:
        """The version of the program that was recorded."""

    @abstractmethod
    def drive(self) -> None:
        """Start it, give it work, faults and mistakes, and stop it; ``raw()`` then has its lines."""

    @classmethod
    def prepare(cls) -> None:
        """Fetch what the program needs, while the package registries can be reached."""

    def raw(self) -> Path:
        """Where the program's own lines are kept."""
        return self.home / "raw.log"

    def lines(self) -> Iterator[Line]:
        """All physical lines with their locations, as printed, in order."""
        return marked_lines(self.raw().read_text(errors="surrogateescape"))

    def rng(self, what: str = "") -> Random:
        """A source of chance of this run, one for each use."""
        return Random(f"{self.seed}/{self.name}/{what}")

    def said(self, text: str) -> str:
        """The message of a line."""
        return message(text, re.compile(self.header), re.compile(self.trailer))

    def levels(self, lines: Iterable[Line]) -> dict[str, int]:
        """How many lines have each level."""
        header = re.compile(self.header)
        found = filter(None, (header.match(line.text) for line in lines))
        return dict(Counter(x["level"] for x in found if "level" in header.groupindex).most_common())

    def judged(self) -> list[Line]:
        """All lines; no location where a wrapper forwarded the text, or there is none."""
        lines = (Line(x.text.replace(platform.release(), KERNEL), x.location) for x in self.lines())
        return [x if self.said(x.text).strip() else Line(x.text) for x in without(lines, self.wrappers)]

    def start(self) -> None:
        """Nothing: ``drive`` starts and stops what it needs."""

    def activities(self) -> Sequence[Activity]:
        """What clients repeat in the background once ``drive`` calls ``run_clients(Pace(…))``."""
        return ()

    def faults(self) -> Sequence[Fault]:
        """None by a plan: ``drive`` makes them."""
        return ()


def write(program: TemplateProgram, out: Path = HERE) -> dict[str, object]:
    """Write log, labels and facts of a finished run; the log moves into place last."""
    everything = program.judged()
    label = joined(everything, program.said, program.same)
    named = [Line(line.text, label.get(line.location, "")) for line in everything]
    limit = program.limit
    while len(_packed(lines := thinned(named, limit))) > BYTES:
        limit = limit * 9 // 10
    told = facts(program, lines, label) | {"lines_before_thinning": len(everything)}
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(("line", "label"))
    writer.writerows((number, line.location) for number, line in enumerate(lines, 1))
    _place(out / f"{program.name}.json", (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    _place(out / f"{program.name}.labels.csv.gz", gzip.compress(rows.getvalue().encode(), 9, mtime=0))
    _place(out / f"{program.name}.log.gz", _packed(lines))
    return told


def facts(program: TemplateProgram, lines: Sequence[Line], label: Mapping[str, str]) -> dict[str, object]:
    """What ``NAME.json`` tells; ``label``: location → label."""
    groups: dict[str, list[str]] = {}
    for place, chosen in sorted(label.items()):
        groups.setdefault(chosen, []).append(place)
    return {
        "name": program.name,
        "program": program.title,
        "version": program.version(),
        "language": program.language,
        "half": program.half,
        "how": program.how,
        "header": program.header,
        "trailer": program.trailer,
        "levels": program.levels(lines),
        "lines": len(lines),
        "labelled": sum(bool(line.location) for line in lines),
        "labels": len({line.location for line in lines} - {""}),
        "joined": [places for places in groups.values() if len(places) > 1],
        "wrappers": dict(program.wrappers),
    }


def review(program: TemplateProgram) -> Iterator[str]:
    """Every label with its count and some texts, marked ``?`` where they share no word: perhaps a wrapper."""
    lines = program.judged()
    label = joined(lines, program.said, program.same)
    texts: dict[str, dict[str, int]] = {}
    for line in lines:
        if line.location:
            shown = texts.setdefault(label[line.location], {})
            said = program.said(line.text)
            shown[said] = shown.get(said, 0) + 1
    for place, shown in sorted(texts.items()):
        words = set.intersection(*(set(re.findall("[A-Za-z]{2,}", said)) for said in shown))
        yield f"{'' if words else '? '}{place}  {sum(shown.values())} lines, {len(shown)} texts"
        varied = sorted(shown, key=lambda said: (len(said), said))
        step = max(1, (len(varied) - 1) // 3)
        yield from (f"    {said[:200]!r}" for said in varied[::step][:4])


def _packed(lines: Sequence[Line]) -> bytes:
    text = "".join(f"{line.text}\n" for line in lines)
    return gzip.compress(text.encode(errors="surrogateescape"), 9, mtime=0)


def _place(path: Path, content: bytes) -> None:
    """Write ``content`` whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def main(kind: type[TemplateProgram], module: str) -> None:
    """Record, or with ``--split`` part again what the last run left in the work folder."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=kind.__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the load; the programs' timing is real")
    parser.add_argument("--split", action="store_true", help="part the lines of the last run again, record nothing")
    parser.add_argument("--review", action="store_true", help="as --split, and only print what each label stands for")
    options = parser.parse_args()
    program = kind(WORK / kind.name, options.seed)
    if options.review:
        print("\n".join(review(program)))
        return
    if not options.split:
        record(program, module)
    print(json.dumps({k: v for k, v in write(program).items() if k not in ("joined", "header")}, indent=1))


def record(program: TemplateProgram, module: str) -> None:
    """Run the program in a machine of its own (see ``machine.py``): loopback only, host ``bastion1``."""
    if not os.environ.get(INSIDE):
        program.prepare()
        for name in set(os.environ) - {"HOME"}:  # programs print their environment, and this one is nobody's business
            del os.environ[name]
        os.environ["PATH"] = PATH
    if not program.boots:
        enter(module, sys.argv[1:])
        become_child()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(program.home, ignore_errors=True)
    program.home.mkdir(parents=True)
    if not program.boots:
        furnish(program.home / "machine")
        with Path("/etc/hosts").open("a") as hosts:
            hosts.write("127.0.0.1 localhost bastion1\n")
    try:
        program.drive()
    finally:
        program.stop()
