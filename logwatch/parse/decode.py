"""Bytes to text that is valid, and safe to show in a terminal.

What a hostile line could do to a terminal is taken away here, once, for every sink: colours and cursor movements
are removed, any other control character is shown as its picture (U+2400 and following), and characters that reorder
text are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from logwatch.parse.texts import Texts
from logwatch.types import Flag, UInt8

_CSI = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]")
# C0 but tab, DEL, C1, line and paragraph separators, marks and overrides of direction (Unicode TR 36).
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PICTURES: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(1, 32)},
    0: "\ufffd",
    0x7F: "\u2421",
    **dict.fromkeys(
        [*range(0x80, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
    ),
}
_PICTURES.pop(9)


class Decoded:
    """Text of n lines, and the same as UTF-8.

    Args:
        texts: [n], or all in one with a line end between any two.
        raw: [n] UTF-8 of the texts.
        invalid: [n] Flag.INVALID where bytes were replaced.
        ascii: all lines are ASCII: byte and character positions agree.
    """

    __slots__ = ("_joined", "_texts", "ascii", "invalid", "raw")

    def __init__(self, texts: list[str] | str, raw: list[bytes], invalid: UInt8, ascii: bool) -> None:
        self._texts = None if isinstance(texts, str) else texts
        self._joined = texts if isinstance(texts, str) else ""
        self.raw, self.invalid, self.ascii = raw, invalid, ascii

    @property
    def texts(self) -> list[str]:
        """[n], to be changed as well."""
        if self._texts is None:
            self._texts, self._joined = self._joined.split("\n"), ""
        return self._texts

    def joined(self) -> str:
        """The texts, with a line end between any two."""
        return self._joined if self._texts is None else "\n".join(self._texts)

    def shown(self) -> Sequence[str]:
        """The texts as they are now; most are never asked for, one by one."""
        return Texts(self._joined.encode(), len(self.raw)) if self._texts is None else self._texts


def decode(lines: list[bytes]) -> Decoded:
    """Text of each line: UTF-8 with U+FFFD for what is not, no control character but tab, no trailing CR."""
    invalid = np.zeros(len(lines), dtype=np.uint8)
    if not lines:
        return Decoded([], [], invalid, True)
    joined = b"\n".join(lines)
    if b"\r" in joined:
        lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
        joined = b"\n".join(lines)
    text = _clean_text(joined, len(lines))
    if text is not None:
        return Decoded(text, lines, invalid, joined.isascii())
    texts, raw = [], []
    for i, line in enumerate(lines):
        if line.isascii() and _UNSAFE.search(plain := line.decode("ascii")) is None:
            texts.append(plain)
            raw.append(line)
            continue
        plain, bad = safe_text(line)
        invalid[i] = Flag.INVALID if bad else 0
        texts.append(plain)
        raw.append(plain.encode())
    return Decoded(texts, raw, invalid, all(map(bytes.isascii, raw)))


def safe_text(line: bytes) -> tuple[str, bool]:
    """Text of one line, and whether bytes of it were invalid (not UTF-8, or NUL)."""
    filled = line.lstrip(b"\0")  # a hole that a truncated or preallocated file leaves before the line
    text = filled.decode("utf-8", "replace")
    bad = len(filled) != len(line) or "\0" in text
    if not bad and "\ufffd" in text:
        bad = text.encode() != filled
    return _CSI.sub("", text).translate(_PICTURES), bad


def _clean_text(joined: bytes, lines: int) -> str | None:
    """The joined lines as text, or None where some line needs mending. One pass over bytes, none over lines."""
    data = np.frombuffer(joined, dtype=np.uint8)
    controls = np.count_nonzero(data < 32) + np.count_nonzero(data == 127) - np.count_nonzero(data == 9)
    if controls != lines - 1:  # the line ends of the join itself
        return None
    if joined.isascii():
        return joined.decode("ascii")
    try:
        text = joined.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Only the characters beyond ASCII matter here: the line ends of the join are known.
    return None if _UNSAFE_WIDE.search(text) else text


_UNSAFE_WIDE = re.compile("[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
