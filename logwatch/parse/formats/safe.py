"""Text out of fields, made safe to show, as `logwatch.parse.decode` makes lines."""

from __future__ import annotations

import numpy as np

from logwatch.parse.decode import safe_text


def safe_texts(texts: list[str]) -> list[str]:
    """Texts without control characters but tabs, without lone surrogates, colours and marks of direction."""
    if not texts:
        return texts
    try:
        joined = "\n".join(texts).encode()
    except UnicodeEncodeError:
        return [_safe(text) for text in texts]
    data = np.frombuffer(joined, dtype=np.uint8)
    controls = np.count_nonzero(data < 32) + np.count_nonzero(data == 127) - joined.count(b"\t")
    if controls != len(texts) - 1:
        return [_safe(text) for text in texts]
    if joined.isascii():
        return texts
    return [text if text.isascii() else _safe(text) for text in texts]


def _safe(text: str) -> str:
    return safe_text(text.encode("utf-8", "replace"))[0]
