"""Lines without their time and header, as the miner reads them: for what is shown to people, not for the hot path."""

from __future__ import annotations

from collections.abc import Sequence

from logwatch.parse import header
from logwatch.parse.decode import decode
from logwatch.parse.head import head_of
from logwatch.parse.message import messages
from logwatch.parse.timestamp import find


def headless(texts: Sequence[str]) -> list[str]:
    """Messages [n] of texts of events; what has no header stays as it is."""
    if not texts:
        return []
    decoded = decode([text.encode("utf-8", "replace") for text in texts])
    head = head_of(decoded.raw)
    stamps = find(decoded.raw, head)
    headers = header.read(decoded.raw, head, stamps)
    return messages(decoded.raw, decoded.texts, decoded.ascii, head, stamps, headers)
