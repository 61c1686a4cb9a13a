"""Types of a template's variables, for people: `took <dur> for user <user>` instead of `took <*> for user <*>`.

A type is read off the values that were seen at a variable and the word before it, and only where a template is shown:
its identity, `logwatch.parse.template.Pattern`, knows none. What fits no type stays `<*>`.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from logwatch.parse.quantities import BYTES, UNIT, N
from logwatch.parse.template import SHOWN, parameters

ANYTHING = "*"
"""The type of values that have nothing in common."""

TYPES = ("num", "dur", "size", "time", "ip", "host", "url", "path", "mail", "user", "id", "bool")

MAX_VALUE = 200
"""Characters of a value that are looked at."""

MAX_PARTS = 16
"""Values of a list that are looked at: `a, b, c`."""

ENOUGH = 0.9
"""Share of the different values that must be of one type."""

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_DAY, _MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATE = rf"\d{{4}}[-/]\d\d[-/]\d\d|(?:{_DAY},? +)?(?:{_MONTH} +\d{{1,2}}|\d{{1,2}}[ /-]{_MONTH}(?:[ /-]\d{{4}})?)"
_TOP = "(?:com|net|org|edu|gov|mil|info|biz|io|arpa|local|localdomain|internal|lan|cluster)"
_FORMS = re.compile(
    "|".join(
        (
            "(?P<bool>[Tt]rue|[Ff]alse|TRUE|FALSE)",
            r"(?P<num>[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})? ?%?)",
            f"(?P<dur>[-+]?{N} ?{UNIT}(?:[ ,]?{N} ?{UNIT}){{0,5}})",
            rf"(?P<size>{N} ?{BYTES}(?: \({N} ?{BYTES}\))?)",
            rf"(?P<time>(?:{_DATE})(?:[T ,:]{{1,2}}{_CLOCK})?{_ZONE}(?: \d{{4}})?"
            rf"|\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?{_ZONE})",
            r"(?P<ip>(?:[\w.-]{0,80}/)?(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d{1,5})?)",
            r"(?P<url>[A-Za-z][A-Za-z0-9+.-]{0,20}://\S+)",
            r"(?P<mail>[\w.+-]+@[\w.-]*\w)",
            r"(?P<path>~?\.{0,2}/\S*|[A-Za-z]:\\.*|\\{1,2}\w.*|[\w.@+-]+(?:/[\w.@+-]+){2,}/?)",
            rf"(?P<host>[\w-]+(?:\.[\w-]+)*\.{_TOP}(?::\d{{1,5}})?|[A-Za-z][\w-]*:\d{{2,5}}|localhost)",
        )
    )
)
_NOTHING = frozenset(("", "-", "null", "NULL", "None", "nil", "(null)", "undefined", "?"))
_LISTED = re.compile(r"\s*(?:,|;|->|→|<-|\s)\s*")
_AROUND = "\"'`([{<>}]),;:."
_BEFORE = re.compile(r"(\w{1,64})\W{0,4}$")
_CALLED = (
    ("user", re.compile(r"(?i:.*_)?(?i:user|usr|user_?name|login|account|owner)"), frozenset(("", "id", "mail"))),
    ("host", re.compile(r"(?i:.*_)?(?i:host|host_?name|node|server|peer)"), frozenset(("", "id"))),
    ("id", re.compile(r"(?:.*_)?(?i:[pst]?id|[eru]?[ug]id|guid)|.*[a-z]I[dD]"), frozenset(("", "num"))),
)  # fmt: skip
_WIDER = {
    frozenset(("num", "id")): "id",
    frozenset(("num", "dur")): "dur",
    frozenset(("num", "size")): "size",
    frozenset(("ip", "host")): "host",
    frozenset(("user", "mail")): "user",
}

Named = Callable[[str, Sequence[str]], Sequence[str]]
"""Names [n] that the configuration gives to values [n] behind a text, empty where it gives none."""


class Variable(NamedTuple):
    """One variable of a template."""

    type: str  # of TYPES, a name that the configuration gives, or ANYTHING
    values: Counter[str]  # raw


def value_type(value: str, before: str = "") -> str:
    """Type of one value; empty where it is a word, or nothing that is known.

    Args:
        value: raw, of any length.
        before: the template's text before it.
    """
    value = value[:MAX_VALUE].strip()
    form = _form(value) or _form(value.strip(_AROUND)) or _listed(value)
    called = _BEFORE.search(before[-80:])
    if called is not None and " " not in value:
        for name, words, forms in _CALLED:
            if form in forms and words.fullmatch(called[1]):
                return name
    return form


def _form(value: str) -> str:
    match = _FORMS.fullmatch(value)
    if match is not None:
        return str(match.lastgroup)
    if value.count(":") >= 2 and _is_ip6(value):
        return "ip"
    if any(map(str.isdigit, value)) and not any(map(str.isspace, value)) and not set("=,;") & set(value):
        return "id"
    return ""


def _is_ip6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value.strip("[]").partition("%")[0].partition("]")[0])
    except ValueError:
        return False
    return True


def _listed(value: str) -> str:
    """The type of all values of a list, else empty."""
    parts = [part.strip(_AROUND) for part in _LISTED.split(value, MAX_PARTS)[:MAX_PARTS]]
    types = {_form(part) for part in parts if part not in _NOTHING}
    return types.pop() if len(parts) > 1 and len(types) == 1 else ""


def variable_type(values: Iterable[str], before: str, named: Named | None = None) -> str:
    """The type that nearly all different values have, else `ANYTHING`.

    Args:
        values: raw ones, any number.
        before: the template's text before the variable.
        named: of the configuration; it goes before all else.
    """
    seen = [value for value in dict.fromkeys(values) if value.strip() not in _NOTHING]
    names = [""] * len(seen) if named is None else named(before, seen)
    types = Counter(name or value_type(value, before) for name, value in zip(names, seen, strict=True))
    if not types:
        return ANYTHING
    best = max(types, key=lambda one: (types[one], one))
    count = types.pop(best)
    for other in sorted(types, key=lambda one: (-types[one], one)):
        wider = _WIDER.get(frozenset((best, other)))
        if wider is not None:
            best, count = wider, count + types[other]
    return best if best and count >= ENOUGH * len(seen) else ANYTHING


def variables(template: str, lines: Iterable[str], named: Named | None = None) -> list[Variable]:
    """The variables [v] of a template, as lines of it show them; raw values, as often as they came."""
    constants = template.split(SHOWN)
    counters: list[Counter[str]] = [Counter() for _ in constants[1:]]
    for line in lines:
        for counter, value in zip(counters, parameters(template, line), strict=True):
            counter[value] += 1
    return [
        Variable(variable_type(counter, before, named), counter)
        for before, counter in zip(constants, counters, strict=False)
    ]


def typed(template: str, types: Sequence[str]) -> str:
    """The template with the types [v] of its variables: `took <dur>`.

    What looks like one of these but stands in the lines themselves is told apart by a backslash: `\\<num>`.
    """
    constants = [_literal(types).sub(r"\\\g<0>", constant) for constant in template.split(SHOWN)]
    shown = [f"<{type}>" for type in types]
    return constants[0] + "".join([a + b for a, b in zip(shown, constants[1:], strict=True)])


def _literal(types: Sequence[str]) -> re.Pattern[str]:
    """Matches a type in brackets."""
    return re.compile(f"<(?:{'|'.join(map(re.escape, dict.fromkeys((*TYPES, *types))))})>")


def typed_in(template: str, lines: Iterable[str], named: Named | None = None) -> str:
    """The template with the types of the values that these lines of it have."""
    return typed(template, [variable.type for variable in variables(template, lines, named)])
