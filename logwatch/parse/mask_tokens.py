"""What varies in a token, which is what stands between blanks: numbers, addresses, paths, URLs, names with digits."""

from __future__ import annotations

import re

from logwatch.parse.mask_marks import VARIABLE

_HOST_END = "(?:com|net|org|edu|gov|mil|info|biz|io|arpa|local|localdomain|internal|lan|cluster)"
_TOKEN = re.compile(
    rf"""
      \b[A-Za-z][A-Za-z0+.-]{{0,20}}://[^"'<>()\[\]{{}},;]+                # URL
    | [\w.+-]+@[\w.-]*\w                                            # mail address, user@host
    | \b[A-Za-z]:\\[^"'<>|,;]*                                      # Windows path
    | \\{{1,2}}[\w$.?-]+(?:\\[^"'<>|,;\\]+)+(?<!:)                         # \\server\share, \SystemRoot\System0
    | (?<![\w.*)\]}}<>-])~?\.{{0,2}}/[\w.+@%~$\#*:=&?/-]*[\w/]          # /path
    | (?<![\w/.)\]>-])/$                                            # /
    | ^\.$                                                        # the root of names
    | (?<![\w./-])[\w.@+-]+(?:/[\w.@+-]+){{2,}}/?                     # relative/path/to
    | (?<![\w.])(?:[0a-fA-F]{{0,4}}:){{2,7}}[0a-fA-F]{{0,4}}(?:%\w+)?(?![\w:])    # IPv6, MAC, time
    | (?<![\w.-])[\w-]+(?:\.[\w-]+)*\.{_HOST_END}(?::0)?(?![\w.-])      # host name
    | (?<![\w.-])[\w-]+(?:\.[\w-]+)+:0(?!\w)                          # host:port, file:line
    | (?<!\w)(?:[\w+@%~$\#*!&-]|\.(?!\.))*0(?:[\w+@%~$\#*!&/-]|\.(?=\w))*   # all else that holds a digit
    """,
    re.VERBOSE,
)
_NAMED = re.compile(rf"[^\w{VARIABLE}]*[A-Za-z_][\w.$:-]*[(\[]{VARIABLE}[)\]][^\w{VARIABLE}]*")
_BEFORE, _BEHIND = "([,;:'\"<", ")],;:.'\"!?>"
"""Punctuation around a token, which stays."""

MAX_TOKEN = 256
"""Longer tokens are masked in pieces: some masks take time in the square of the length."""
MAX_TOKENS = 20_000
"""Tokens whose masked form is remembered (at most 10 MB)."""
_known: dict[str, str] = {}


def without_varying(text: str) -> str:
    """The text with `VARIABLE` for what varies in each of its tokens."""
    known = _known.get
    return " ".join([token if token.isalpha() else known(token) or _masked(token) for token in text.split(" ")])


def _masked(token: str) -> str:
    masked = _pieces(token)
    if VARIABLE in masked:
        masked = _whole(masked)
    if len(_known) >= MAX_TOKENS:
        _known.clear()
    if token:
        _known[token] = masked
    return masked


def _pieces(token: str) -> str:
    if len(token) > MAX_TOKEN:
        return "".join(_pieces(token[at : at + MAX_TOKEN]) for at in range(0, len(token), MAX_TOKEN))
    return _TOKEN.sub(VARIABLE, token)


def _whole(token: str) -> str:
    """A token of which part varies is a value as a whole, but for `name(<*>)`, `name[<*>]` and `key=<*>`."""
    if _NAMED.fullmatch(token):
        return token
    begin, end = len(token) - len(token.lstrip(_BEFORE)), len(token.rstrip(_BEHIND))
    key = token[begin : token.find("=" + VARIABLE) + 1]
    if key[:-1].replace(".", "").replace("_", "").replace("-", "").isalpha() and begin + len(key) <= end:
        return token[:begin] + key + VARIABLE + token[end:]
    return token[:begin] + VARIABLE + token[end:]
