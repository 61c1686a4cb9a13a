"""What surely varies in a line, by what it looks like and by the place where it stands.

Two steps, and the second sees only what the first left: `collapse` (every line, whole batches at memory speed) makes
every run of digits one `0` and every hexadecimal word `0`; `mask` (only keys that were never seen) replaces what
varies by `VARIABLE`. So lines with equal keys always have equal masked texts, and a dictionary of keys is a pure cache.

To mask a word that never varies does no harm while others tell the statement; to miss one that does splits it. So
`mask` is bold: what is left are a statement's own words, and the names that only their behaviour gives away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from logwatch.parse.kept import KEPT
from logwatch.parse.mask_groups import without_groups
from logwatch.parse.mask_marks import ANY, CLOSING, OPENING, SCOPE_END, TAIL, VARIABLE
from logwatch.parse.mask_pairs import without_changes, without_values
from logwatch.parse.mask_tokens import without_varying
from logwatch.types import Int32, UInt8

__all__ = [
    "ANY",
    "CLOSING",
    "MAX_CHARS",
    "OPENING",
    "SCOPE_END",
    "TAIL",
    "VARIABLE",
    "ZERO",
    "collapse",
    "distinct",
    "mask",
    "masked",
    "numbered",
    "scope_of",
    "targeted",
    "without_hex",
]

MAX_CHARS = 2_000
"""Characters of a line that are looked at: what names a statement stands at its head."""

ZERO = bytes.maketrans(b"123456789\x00\x01\x02\x03\x04", b"000000000     ")
_ZERO_UNSCOPED = bytes.maketrans(b"123456789\x00\x01\x02\x03\x04\x1f", b"000000000      ")
# Rust syntax; `(?-u:\b)` is ASCII-only and twice as fast.
_HEX = r"(?-u:\b)(?:0[xX][0a-fA-F]+|(?:[a-fA-F]+0|0[a-fA-F])[0a-fA-F]*)(?-u:\b)"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DATE_WORDS = frozenset((*_MONTHS, *_DAYS, *(f"{day}," for day in _DAYS)))
_DATE = re.compile(rf"\b(?:(?:{'|'.join(_DAYS)}),? +)?(?:(?:{'|'.join(_MONTHS)}) +)?{VARIABLE}")
_UNIT = r"(?:[KMGTkmgt]i?[Bb](?:/s)?|B|[Bb]ytes?|ns|us|ms|s|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?|%)(?!\w)"
_SIZE = re.compile(rf"{VARIABLE} {_UNIT}(?: \({VARIABLE}(?: {_UNIT})?\))?")  # 10 ms; 2048 bytes (2.0 KB)
_CALL = re.compile(rf"(\w)\({VARIABLE}\)")
_INDEX = re.compile(rf"(\w)\[{VARIABLE}\]")
_LETTER = re.compile(r"[^\W\d_]")
_HEAD = re.compile(r"-?[A-Za-z][A-Za-z_.]+[A-Za-z][:=,|(]")
_RUNS = re.compile(rf"{VARIABLE}(?:[\s.:,;/@#_%&+*-]{{0,3}}{VARIABLE})+")

_OPENS = " =:\"'`([{<"
_REDACTED = re.compile(r"<redacted:[\w-]{1,40}>")
_BOX = re.compile(r"\[(?:[^\]\w]|[a-zA-Z])\]")  # [ ] [x]
_NAME = re.compile(rf"[\w@-][\w@.\\{VARIABLE}-]{{0,64}}[.@-][a-z_@.-]{{0,64}}:(?= )")  # web.service: at the head
_JOINED = re.compile(
    r"""( [(\[,;:'"]*)(?:[A-Za-z_$-]+(?:\.[A-Za-z_$-]+)+|(?=[^\s/]*[._@-])[\w.@-]+(?:/[\w.@-]+)+)"""
    r"""(?=$|[\s,;:)\]]|\.(?:\s|$))"""
)
"""Words joined by dots or slashes: names, not prose; at the head of a line they may name the statement."""
_LEADING = re.compile(rf"(?:[^\w\s{VARIABLE}]*{VARIABLE}[^\w\s{VARIABLE}]*(?::| -| \|)\s+)+(?=\S)")
_TRAILING = re.compile(rf"(?: \({VARIABLE}\))+[.:]?$")
_HEADER = re.compile(r"[^\[\]]{0,100}\] *[-|:]* *")  # the rest of a header: `INFO/Worker] text`
_CLASS = re.compile(r"((?=[^ ]*[A-Z])[A-Za-z_$]{1,64}(?:\.[A-Za-z0_$]{1,64}){2,}): +(?=\S)")  # org.apache.ipc.Client:
_TARGET = re.compile(r"(?:.{0,400}?: )??((?:\w{1,64}::)+\w{1,64}): +(?=\S)")

SMALL, SMALL_TEXT = 512, 65_536
"""Lines and characters below which Python is faster than the engine: each call of that costs 0.1 ms."""


def collapse(texts: Sequence[str], scopes: Sequence[str] | None = None) -> list[str]:
    """Keys of texts [n]: the scope, `SCOPE_END`, and the first `MAX_CHARS` of the text with numbers made `0`."""
    if not texts:
        return []
    if max(map(len, texts)) > MAX_CHARS:
        texts = [text[:MAX_CHARS] for text in texts]
    if scopes is None:
        keys = _collapse("\n".join(texts), _ZERO_UNSCOPED)
    else:
        keys = _collapse("\n".join(map(SCOPE_END.join, zip(scopes, texts, strict=True))), ZERO)
    if len(keys) == len(texts):
        return keys
    # A line end inside a text or a scope: rare enough for the slow way.
    flat = [text.replace("\n", " ") for text in texts]
    return collapse(flat, None if scopes is None else [scope.replace("\n", " ") for scope in scopes])


def _collapse(joined: str, table: bytes) -> list[str]:
    data = np.frombuffer(joined.encode("utf-8", "replace").translate(table), np.uint8)
    return without_hex(numbered(data)).to_list()


def numbered(data: UInt8) -> str:
    """Text with each run of zeros made one."""
    zero = data == ord("0")
    keep = np.ones(len(data), np.bool_)
    np.logical_not(zero[1:] & zero[:-1], out=keep[1:])
    return np.compress(keep, data).tobytes().decode()


def without_hex(joined: str, by: str = "0") -> pl.Series:
    """Lines [n] of a text with each hexadecimal word that has letters and digits made `by`."""
    text = pl.Series([joined]).str.replace_all(_HEX, by)
    if len(joined) < SMALL_TEXT:
        return pl.Series(text[0].split("\n"), dtype=pl.String)
    return text.str.split("\n").explode()


def distinct(values: pl.Series) -> tuple[list[str], Int32]:
    """Values [k] that are all different, in the order in which they appear, and the index [n] of each line's."""
    if len(values) < SMALL:
        return _distinct(values.to_list())
    _, first, back = np.unique(values.hash().to_numpy(), return_index=True, return_inverse=True)
    if not (values.gather(first).gather(back) == values).all():  # two have the same hash: chance, or malice
        return _distinct(values.to_list())
    appear = np.argsort(first)
    number = np.empty(len(first), np.int32)
    number[appear] = np.arange(len(first), dtype=np.int32)
    return values.gather(first[appear]).to_list(), number[back]


def _distinct(values: list[str]) -> tuple[list[str], Int32]:
    order = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return list(order), np.fromiter(map(order.__getitem__, values), np.int32, len(values))


def mask(key: str) -> str:
    """The text of a key (its scope excluded) with `VARIABLE` for each part that surely varies."""
    return masked(key[key.find(SCOPE_END) + 1 :])


def masked(text: str) -> str:
    """A collapsed text with `VARIABLE` for each part that surely varies; it may hold some already."""
    if "]" in text[:101] and (header := _HEADER.match(text)):
        text = text[header.end() :] or text
    if KEPT.search(text):
        return "".join([part if place % 2 else _masked_beside(part) for place, part in enumerate(KEPT.split(text))])
    return _masked(text)


def _masked_beside(text: str) -> str:
    """What stands before something that a rule keeps: no value is missing behind its last `=`."""
    body = text.rstrip(_OPENS)
    return _masked(body) + text[len(body) :]


def _masked(text: str) -> str:
    if "<redacted:" in text:
        text = _REDACTED.sub(VARIABLE, text)
    whole = text
    text = without_values(without_groups(text))
    dated = not _DATE_WORDS.isdisjoint(text.split(" "))
    text = without_changes(without_varying(text))
    if "[" in text:
        text = _BOX.sub(f"[{VARIABLE}]", text)
    if ":" in text and (name := _NAME.match(text)):
        text = f"{VARIABLE}:{text[name.end() :]}"
    if "." in text or "/" in text:
        text = _JOINED.sub(rf"\1{VARIABLE}", text)
    return _worded(_runs(text, dated), whole) if VARIABLE in text else text


def _worded(text: str, whole: str) -> str:
    """A text that is nothing but values keeps the word at its head: `onExtend:<*>`."""
    if _LETTER.search(text) or (head := _HEAD.match(whole)) is None:
        return text
    return f"{head[0]}{VARIABLE}"


def _runs(text: str, dated: bool) -> str:
    """Make one of what is several values only to the eye: a date, a size, a list."""
    if dated:
        text = _DATE.sub(VARIABLE, text)
    if leading := _LEADING.match(text):
        text = text[leading.end() :]
    text = _RUNS.sub(VARIABLE, _SIZE.sub(VARIABLE, text))
    text = _TRAILING.sub("", text) or text
    if f"({VARIABLE})" in text:
        text = _CALL.sub(rf"\1{OPENING}{VARIABLE}{CLOSING}", text)
    if f"[{VARIABLE}]" in text:
        text = _INDEX.sub(rf"\1{OPENING}{VARIABLE}{CLOSING}", text)
    return text


def scope_of(key: str) -> str:
    """The scope of a key; empty where it has none."""
    return key[: max(key.find(SCOPE_END), 0)]


def targeted(key: str) -> tuple[str, str]:
    """Scope and text of a key; a target that heads the text (`app::db: ready`) goes into the scope, with all before."""
    scope = scope_of(key)
    text = key[key.find(SCOPE_END) + 1 :]
    target = _TARGET.match(text) if "::" in text[:500] else _CLASS.match(text) if ": " in text else None
    if target is not None:
        return scope + target[1], text[target.end() :]
    return scope, text
