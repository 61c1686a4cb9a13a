"""What surely varies in a line: numbers, hexadecimal, addresses, paths, URLs, and tokens that hold a digit.

Two steps, and the second sees only what the first left: `collapse` (every line, whole batches at memory speed) makes
every run of digits one `0` and every hexadecimal word `0`; `mask` (only keys that were never seen) replaces what
varies by `VARIABLE`. So lines with equal keys always have equal masked texts, and a dictionary of keys is a pure cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from logwatch.types import Int32, UInt8

VARIABLE = "\x00"
"""Stands for one variable part in masked texts: `collapse` lets none of these characters through."""

ANY = "\x01"
"""Stands for a whole word that was learned to be variable, in patterns."""

OPENING, CLOSING = "\x02", "\x03"
"""The brackets of `name(<*>)` and `name[<*>]`, which are one word."""

SCOPE_END = "\x1f"
"""Ends the scope in a key (ASCII unit separator)."""

MAX_CHARS = 2_000
"""Characters of a line that are looked at: what names a statement stands at its head."""

ZERO = bytes.maketrans(b"123456789\x00\x01\x02\x03", b"000000000    ")
_ZERO_UNSCOPED = bytes.maketrans(b"123456789\x00\x01\x02\x03\x1f", b"000000000     ")
# Rust syntax; `(?-u:\b)` is ASCII-only and twice as fast.
_HEX = r"(?-u:\b)(?:0[xX][0a-fA-F]+|(?:[a-fA-F]+0|0[a-fA-F])[0a-fA-F]*)(?-u:\b)"

_HOST_END = "(?:com|net|org|edu|gov|mil|info|biz|io|arpa|local|localdomain|internal|lan|cluster)"
# Inside a token (what stands between blanks).
_TOKEN = re.compile(
    rf"""
      \b[A-Za-z][A-Za-z0+.-]{{0,20}}://[^"'<>()\[\]{{}},;]+                # URL
    | [\w.+-]+@[\w.-]*\w                                            # mail address, user@host
    | \b[A-Za-z]:\\[^"'<>|,;]*                                      # Windows path
    | \\{{1,2}}[\w$.?-]+(?:\\[^"'<>|,;\\]+)+                          # \\server\share, \SystemRoot\System0
    | (?<![\w.*)\]}}<>-])~?\.{{0,2}}/[\w.+@%~$\#*:=&?/-]*[\w/]          # /path
    | (?<![\w./-])[\w.@+-]+(?:/[\w.@+-]+){{2,}}/?                     # relative/path/to
    | (?<![\w.])(?:[0a-fA-F]{{0,4}}:){{2,7}}[0a-fA-F]{{0,4}}(?:%\w+)?(?![\w:])    # IPv6, MAC, time
    | (?<![\w.-])[\w-]+(?:\.[\w-]+)*\.{_HOST_END}(?::0)?(?![\w.-])      # host name
    | (?<![\w.-])[\w-]+(?:\.[\w-]+)+:0(?!\w)                          # host:port, file:line
    | (?<![\w.-])([A-Za-z]{{2,}}[_-]?)-?0(?![\w%-]|\.\w)              # eth0: the letters stay
    | (?<!\w)(?:[\w+@%~$\#*!&-]|\.(?!\.))*0(?:[\w+@%~$\#*!&/-]|\.(?=\w))*   # all else that holds a digit
    """,
    re.VERBOSE,
)
# Across tokens.
# One or two words (more are a sentence, with words of its own), and not the key of a JSON object.
_QUOTED = re.compile(
    r"""(?<![\w"])"[^"\ ]{0,300}(?:\ [^"\ ]{0,300})?"(?![\w"]|\ ?:)
      |(?<![\w'])'[^'\ ]{0,300}(?:\ [^'\ ]{0,300})?'(?![\w':])""",
    re.VERBOSE,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DATE_WORDS = frozenset((*_MONTHS, *_DAYS, *(f"{day}," for day in _DAYS)))
_DATE = re.compile(rf"\b(?:(?:{'|'.join(_DAYS)}),? +)?(?:(?:{'|'.join(_MONTHS)}) +)?{VARIABLE}")
_UNIT = r"(?:[KMGTkmgt]i?[Bb](?:/s)?|B|[Bb]ytes?|ns|us|ms|s|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?|%)(?!\w)"
_SIZE = re.compile(rf"{VARIABLE} {_UNIT}(?: \({VARIABLE}(?: {_UNIT})?\))?")  # 10 ms; 2048 bytes (2.0 KB)
_CALL = re.compile(rf"(\w)\({VARIABLE}\)")
_INDEX = re.compile(rf"(\w)\[{VARIABLE}\]")
_RUNS = re.compile(rf"{VARIABLE}(?:[\s.:,;/@#_%&+*-]{{0,3}}{VARIABLE})+")

SMALL, SMALL_TEXT = 512, 65_536
"""Lines and characters below which Python is faster than the engine: each call of that costs 0.1 ms."""

MAX_TOKEN = 256
"""Longer tokens are masked in pieces: some masks take time in the square of the length."""
MAX_TOKENS = 20_000
"""Tokens whose masked form is remembered (at most 10 MB)."""
_masked_tokens: dict[str, str] = {}


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
    text = key[key.find(SCOPE_END) + 1 :]
    if '"' in text or "'" in text:
        text = _QUOTED.sub(VARIABLE, text)
    tokens = text.split(" ")
    known = _masked_tokens.get
    masked = " ".join([known(token) or (token if token.isalpha() else _mask_token(token)) for token in tokens])
    if "()" in masked or "[]" in masked:  # a value that is empty
        masked = masked.replace(" ()", f" ({VARIABLE})").replace(" []", f" [{VARIABLE}]")
    if VARIABLE not in masked:
        return masked
    if not _DATE_WORDS.isdisjoint(tokens):
        masked = _DATE.sub(VARIABLE, masked)
    masked = _RUNS.sub(VARIABLE, _SIZE.sub(VARIABLE, masked))
    if f"({VARIABLE})" in masked:
        masked = _CALL.sub(rf"\1{OPENING}{VARIABLE}{CLOSING}", masked)
    if f"[{VARIABLE}]" in masked:
        masked = _INDEX.sub(rf"\1{OPENING}{VARIABLE}{CLOSING}", masked)
    return masked


def _mask_token(token: str) -> str:
    if len(token) > MAX_TOKEN:
        return "".join(_mask_token(token[at : at + MAX_TOKEN]) for at in range(0, len(token), MAX_TOKEN))
    masked = _TOKEN.sub(rf"\1{VARIABLE}", token)
    if len(_masked_tokens) >= MAX_TOKENS:
        _masked_tokens.clear()
    _masked_tokens[token] = masked
    return masked


def scope_of(key: str) -> str:
    """The scope of a key; empty where it has none."""
    return key[: max(key.find(SCOPE_END), 0)]
