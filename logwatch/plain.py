"""Text of a log as people and their tools may see it: what could act on a terminal is shown, never sent."""

from __future__ import annotations

import re

# C0 and C1 controls; marks and overrides of direction, which make a line read as another; separators that break
# lines in some terminals; invisible format characters; surrogates, which cannot be encoded.
_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_NAMED = {"\t": "  ", "\n": r"\n", "\r": r"\r"}


def escape(text: str) -> str:
    """The text with every character that could act on a terminal made visible: ESC → `\\x1b`."""
    return _ACTING.sub(lambda match: _NAMED.get(match[0]) or _code(ord(match[0])), text)


def _code(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
