"""Parts printed lines from the places in the source that printed them: the truth for the template miner.

A program prints ``@@LOCATION@@TEXT``; what follows without a mark continues that event and is not judged.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

MARKED = re.compile(r"@@(?P<location>[^@]*)@@(?P<text>.*)", re.DOTALL)
VARYING = re.compile(r'"[^"]*"|0x[0-9a-fA-F]+|\b(?=[a-f]*\d)[0-9a-f]{6,}\b|\d+')
KEPT_WHOLE = 60  # lines of a statement that thinning leaves, fewer if they were more than half of the recording
CONTINUATIONS = 12  # physical lines kept of what follows one event, such as a stack trace


@dataclass(frozen=True)
class Line:
    """One physical line; ``location`` is empty where there is nothing to judge."""

    text: str
    location: str = ""


def marked_lines(text: str) -> Iterator[Line]:
    """Read ``@@LOCATION@@TEXT`` lines; the others have no location."""
    for row in text.removesuffix("\n").split("\n"):
        found = MARKED.match(row)
        yield Line(found["text"], found["location"]) if found else Line(row)


def message(text: str, header: re.Pattern[str], trailer: re.Pattern[str]) -> str:
    """What the statement itself printed: the line without its header and trailer."""
    begins, ends = header.match(text), trailer.search(text)
    return text[begins.end() if begins else 0 : ends.start() if ends else len(text)]


def without(lines: Iterable[Line], wrappers: Mapping[str, str]) -> Iterator[Line]:
    """Take the location from what a wrapper forwarded; ``wrappers``: pattern of whole locations → reason."""
    forwarded = re.compile("|".join(wrappers) or r"(?!)")
    for line in lines:
        yield Line(line.text) if forwarded.fullmatch(line.location) else line


def joined(lines: Iterable[Line], said: Callable[[str], str], same: Sequence[str]) -> dict[str, str]:
    """Location → label. Statements share one that printed the same text but for numbers and what stands in quotes.

    ``same``: patterns of whole messages whose other varying parts are no difference either.
    """
    texts: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.location:
            texts[skeleton(said(line.text), same)].add(line.location)
    label: dict[str, str] = {place: place for places in texts.values() for place in places}

    def find(place: str) -> str:
        while label[place] != place:
            place = label[place]
        return place

    for text, places in texts.items():
        roots = sorted({find(place) for place in places}) if text not in ("", "#") else []
        for root in roots[1:]:
            label[root] = roots[0]
    return {place: find(place) for place in label}


def skeleton(said: str, same: Sequence[str]) -> str:
    """What does not vary: the pattern of ``same`` that fits, with its groups; else numbers and quoted parts masked."""
    for pattern in same:
        if found := re.fullmatch(pattern, said):
            return f"{pattern} {found.groups()}"
    return VARYING.sub("#", said).strip()


def thinned(lines: Sequence[Line], limit: int) -> list[Line]:
    """At most about ``limit`` events: of frequent statements every n-th, the rare ones whole, traces shortened."""
    counts = Counter(line.location for line in lines if line.location)
    whole = next(n for n in range(KEPT_WHOLE, 0, -1) if n == 1 or _first(counts, n) <= limit / 2)
    excess = counts.total() - _first(counts, whole)
    share = min(1.0, max(0, limit - _first(counts, whole)) / excess) if excess else 1.0
    seen: Counter[str] = Counter()
    kept: list[Line] = []
    keep, follows = True, 0
    for line in lines:
        if line.location:
            n = seen[line.location] = seen[line.location] + 1
            keep, follows = n <= whole or int((n - 1) * share) != int(n * share), 0
        else:
            follows += 1
        if keep and follows <= CONTINUATIONS:
            kept.append(line)
    return kept


def _first(counts: Counter[str], n: int) -> int:
    """How many lines the first ``n`` of each statement are."""
    return sum(min(count, n) for count in counts.values())
