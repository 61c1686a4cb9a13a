"""Prometheus' text format and OpenMetrics: whole scrapes, or single lines of a file.

What is hard in a line, its name and labels, is read by the official client's parser, once for each text that occurs;
the number and the time after it are read here. One bad line costs that line, not the scrape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from logwatch.parse.metrics.gathered import Gathered
from logwatch.parse.metrics.memory import Remembered
from logwatch.parse.metrics.moments import Spelled
from logwatch.parse.metrics.names import LONGEST_WRITTEN, named
from logwatch.samples import SampleKind, SeriesName

SCRAPE = "# logwatchd scrape "
"""Begins a record that is a whole scrape; the time of its samples follows, in ns, and, where several targets are one
source, the `instance` that is scraped: their series are different ones."""
MOST_BUCKETS = 256
"""Single lines of a histogram that are held until it is whole."""
_HEAD = re.compile(r'[^\s{"#]*\s*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?')
_TYPE = re.compile(r'#\s*TYPE\s+(?:"((?:[^"\\]|\\.)*)"|(\S+))\s+(\w+)\s*')
_TIME = re.compile(r"[+-]?\d{1,19}(?:\.\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_gcount", "_gsum")

_SKIPPED, _UNREADABLE, _LONG = -1, -2, -3
_REASONS = {_UNREADABLE: "not_prometheus", _LONG: "long_name"}
_SIMPLE = {"counter": SampleKind.COUNTER, "unknown": SampleKind.UNKNOWN, "untyped": SampleKind.UNKNOWN}
_CREATED = ("counter", "histogram", "summary")
"""Families whose times of creation may stand among the samples, in the text format as gauges of their own."""
_OF_SUFFIX = {
    ("counter", "_total"): SampleKind.COUNTER,
    ("histogram", "_bucket"): SampleKind.BUCKET,
    ("histogram", "_sum"): SampleKind.COUNTER,
    ("histogram", "_count"): SampleKind.COUNTER,
    ("summary", "_sum"): SampleKind.COUNTER,
    ("summary", "_count"): SampleKind.COUNTER,
}


def read(lines: Sequence[str], rows: Sequence[int], known: Remembered, times: Spelled, out: Gathered) -> None:
    """Samples of the records [n] of one stream; arguments as those of `influx.read`."""
    reader = _Reader(times, out)
    alone = False  # the types in use are those that single lines told
    before = list(known.buckets)
    for text, row in zip(lines, rows, strict=True):
        if known.buckets and not _goes_on(known.buckets, text):
            reader.use(known.types)
            reader.read("\n".join(known.buckets), row, "")
            known.buckets, alone = [], True
        if text.startswith(SCRAPE):
            first, _, rest = text.partition("\n")
            time, _, instance = first[len(SCRAPE) :].strip().partition(" ")
            reader.use(types_of(rest), instance)
            reader.read(rest, row, time)
            alone = False
        else:
            told = types_of(text)
            for family, kind in told.items():
                known.learn_type(family, kind)
            if told or not alone:
                reader.use(known.types)
                alone = True
            if known.buckets or _is_bucket(text):
                known.buckets.append(text)
            else:
                reader.read(text, row, "")
    known.changed |= known.buckets != before
    out.add(reader.series, reader.row, reader.when, reader.value)


class _Part(NamedTuple):
    """A line of a histogram."""

    of: tuple[str, tuple[tuple[str, str], ...], str]  # name, labels and time of the histogram
    is_bucket: bool


def _is_bucket(line: str) -> bool:
    part = _part(line) if "_bucket" in line else None
    return part is not None and part.is_bucket


def _goes_on(lines: list[str], line: str) -> bool:
    """Whether a line is one more of the histogram that these lines are of: files have a record a bucket."""
    part, first = _part(line), _part(lines[0])
    if part is None or first is None or part.of != first.of or len(lines) >= MOST_BUCKETS:
        return False
    return cut(line)[0] != cut(lines[0])[0]  # else the next scrape begins


def _part(line: str) -> _Part | None:
    """What a line that can be read is of a histogram, by its name."""
    if not line or line.startswith("#") or line.isspace() or len(line) > LONGEST_WRITTEN:
        return None
    head, rest = cut(line)
    found = parsed(head) if 1 <= len(rest) <= 2 and all(_TIME.fullmatch(word) for word in rest) else None
    if found is None or named(*found) is None:
        return None
    name, _, suffix = found.name.rpartition("_")
    labels = tuple(label for label in found.labels if label[0] != "le")
    if suffix not in ("bucket", "sum", "count"):
        return None
    return _Part((name, labels, "".join(rest[1:])), suffix == "bucket" and labels != found.labels)


def types_of(text: str) -> dict[str, str]:
    """The types of families that an exposition tells."""
    if "TYPE" not in text:
        return {}
    found = [_TYPE.fullmatch(line) for line in text.split("\n") if line.startswith("#")]
    return {_plain(match[1]) if match[1] else match[2]: match[3].lower() for match in found if match}


class _Reader:
    """The samples of one stream, by column."""

    def __init__(self, times: Spelled, out: Gathered) -> None:
        self.series: list[int] = []
        self.row: list[int] = []
        self.when: list[int] = []
        self.value: list[float] = []
        self._times, self._out = times, out
        self._types: dict[str, str] = {}
        self._instance = ""
        self._number: dict[str, int] = {}  # of series by name and labels as they stand in the text

    def use(self, types: dict[str, str], instance: str = "") -> None:
        """What follows is of families of these types, and of an instance, unless it names its own."""
        if types != self._types or instance != self._instance:
            self._types, self._instance, self._number = dict(types), instance, {}

    def read(self, text: str, row: int, time: str) -> None:
        """One exposition, whose samples without a time have this one."""
        usual = self._times[time]
        for line in text.split("\n"):
            if line and not line.startswith("#") and not line.isspace():
                reason = self._sample(line, row, usual)
                if reason:
                    self._out.fail(row, reason)

    def _sample(self, line: str, row: int, usual: int) -> str:
        """One line; says what is wrong with it."""
        head, rest = cut(line)
        if not 1 <= len(rest) <= 2:
            return "not_prometheus"
        number = self._number.get(head)
        if number is None:
            number = self._number[head] = self._found(head)
        if number < 0:
            return _REASONS.get(number, "")
        try:
            value = float(rest[0])
        except ValueError:
            return "not_a_number"
        if "_" in rest[0]:  # Python's way to write a number, and no exposition's
            return "not_a_number"
        if len(rest) == 2:
            if _TIME.fullmatch(rest[1]) is None:
                return "not_prometheus"
            usual = self._times[rest[1]]
        self.series.append(number)
        self.row.append(row)
        self.when.append(usual)
        self.value.append(value)
        return ""

    def _found(self, head: str) -> int:
        """The number of the series that the head names."""
        if len(head) > LONGEST_WRITTEN:
            return _LONG
        found = parsed(head)
        if found is None:
            return _UNREADABLE
        kind = kind_of(found, self._types)
        if kind is None:
            return _SKIPPED
        series = named(found.name, (("instance", self._instance), *found.labels))
        return _LONG if series is None else self._out.number(series, kind)


def cut(line: str) -> tuple[str, list[str]]:
    """Name with labels, and the words after it: value and time, without an exemplar."""
    if "#" in line:
        match = _HEAD.match(line)
        at = match.end() if match else 0
        return line[:at].strip(), line[at:].partition("#")[0].split()
    at = line.rfind("}") + 1
    if at:
        return line[:at].strip(), line[at:].split()
    words = line.split()
    return words[0], words[1:]


@lru_cache(maxsize=16_384)
def parsed(head: str) -> SeriesName | None:
    """Name and labels by the official parser, as they came."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        samples = [sample for family in text_string_to_metric_families(head + " 0\n") for sample in family.samples]
    except (ValueError, IndexError, KeyError):
        return None
    return SeriesName(samples[0].name, tuple(samples[0].labels.items())) if len(samples) == 1 else None


def kind_of(series: SeriesName, types: Mapping[str, str]) -> SampleKind | None:
    """How its values are to be read; None: they are times of creation, not measured."""
    name = series.name
    suffix = next((one for one in _SUFFIXES if name.endswith(one)), "")
    family = types.get(name.removesuffix(suffix)) or types.get(name.removesuffix(suffix) + "_total", "")
    if suffix == "_created" and family in _CREATED:
        return None
    kind = types.get(name)
    if kind is None:
        if family == "gaugehistogram":
            return SampleKind.GAUGE
        return _OF_SUFFIX.get((family, suffix)) or _guessed(series)
    found = _SIMPLE.get(kind, SampleKind.GAUGE)
    return _guessed(series) if found == SampleKind.UNKNOWN else found


def _guessed(series: SeriesName) -> SampleKind:
    """Of a series without a type: what its name says without a doubt."""
    if series.name.endswith("_total"):
        return SampleKind.COUNTER
    if series.name.endswith("_bucket") and any(label == "le" for label, _ in series.labels):
        return SampleKind.BUCKET
    return SampleKind.UNKNOWN


def _plain(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")
