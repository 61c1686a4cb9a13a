"""What names of series say: text and back, counters, buckets and what is made of them."""

from __future__ import annotations

from typing import NamedTuple

from logwatch.samples import LONGEST_NAME, SampleKind, SeriesName

_COUNTERS = ("_total", "_count", "_sum", "_bucket")
QUANTILES = (0.5, 0.9, 0.99)


class Bucket(NamedTuple):
    """A bucket of a histogram."""

    family: SeriesName
    bound: float  # `le`


def text_of(name: SeriesName) -> str | None:
    """The text that stands for a series; None where it is too long."""
    text = str(name)
    if len(text) > LONGEST_NAME:
        return None
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def name_of(text: str) -> SeriesName:
    """The inverse of `str`; of anything else, a name without labels."""
    brace = text.find("{")
    if brace < 0 or not text.endswith("}"):
        return SeriesName(text)
    labels, at, last = [], brace + 1, len(text) - 1
    while at < last:
        equals = text.find('="', at)
        if equals < 0:
            return SeriesName(text)
        value, after = _unquoted(text, equals + 2)
        labels.append((text[at:equals], value))
        if after < last and text[after] != ",":
            return SeriesName(text)
        at = after + 1
    return SeriesName(text[:brace], tuple(labels))


def _unquoted(text: str, at: int) -> tuple[str, int]:
    """What stands up to the next quotation mark, and the place after it."""
    out = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
            out.append("\n" if text[at : at + 1] == "n" else text[at : at + 1])
        else:
            out.append(text[at])
        at += 1
    return "".join(out), at + 1


def kind_of(name: SeriesName) -> SampleKind:
    """How the values of a series are to be read, where the format does not say: as the name says."""
    if not name.name.endswith(_COUNTERS):
        return SampleKind.UNKNOWN
    if name.name.endswith("_bucket") and any(label == "le" for label, _ in name.labels):
        return SampleKind.BUCKET
    return SampleKind.COUNTER


def bucket_of(name: SeriesName) -> Bucket | None:
    """The bucket that a series is; None where it has no bound."""
    bound = dict(name.labels).get("le")
    try:
        number = float(bound) if bound is not None else float("nan")
    except ValueError:
        return None
    if number != number:
        return None
    labels = tuple(label for label in name.labels if label[0] != "le")
    return Bucket(SeriesName(name.name.removesuffix("_bucket"), labels), number)


def part_of(name: SeriesName, part: str) -> SeriesName:
    """The series of a histogram's count, sum or mean."""
    return SeriesName(f"{name.name}_{part}", name.labels)


def quantile_of(family: SeriesName, quantile: float) -> SeriesName:
    """The series of a histogram's quantile, as summaries name it."""
    return SeriesName(family.name, tuple(sorted([*family.labels, ("quantile", f"{quantile:g}")])))
