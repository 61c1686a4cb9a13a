"""Takes secrets out of lines before they go anywhere: into alerts, templates, buffers, dead letters.

Built-in names, beside regular expressions of one's own (their groups are replaced, else the whole match):

| name | what |
| --- | --- |
| `token` | `bearer`, `jwt`, `aws_key`, what GitHub, Slack, Stripe and others issue, private keys, cookies, signed \
URLs, values of fields and options called token, secret, api_key, access_key and the like |
| `password` | values of fields and options called password, pwd, passphrase; that of `scheme://user:password@host` |
| `email` | addresses |
| `ipv4`, `ipv6` | addresses |
| `card` | 13 to 19 digits that pass Luhn's check |
| `bearer` | what follows `Bearer` or `Basic` |
| `jwt` | JSON web tokens |
| `aws_key` | AWS access key ids |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from logwatch.errors import ConfigError
from logwatch.parse.entity import check_regex
from logwatch.parse.literals import containing
from logwatch.parse.secret_shapes import BUILT_IN, NAMES
from logwatch.types import Int64

_HOLE = "\0"  # never in a text: decoding replaces it


def luhn(digits: str) -> bool:
    """The number passes the check of ISO/IEC 7812-1."""
    numbers = [int(c) for c in reversed(digits) if c.isdigit()]
    return sum(numbers[0::2] + [sum(divmod(2 * n, 10)) for n in numbers[1::2]]) % 10 == 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern, and what replaces it."""

    literals: tuple[str, ...]
    pattern: str
    label: str
    groups: int
    sane: Callable[[str], bool] | None = None

    def hits(self, texts: pl.Series) -> pl.Series:
        """Which texts match."""
        return texts.str.contains(self.pattern)

    def replace(self, texts: pl.Series) -> pl.Series:
        """Texts that match, redacted."""
        if not self.groups and self.sane is None:
            return texts.str.replace_all(self.pattern, self.label)
        found = texts.str.extract_all(self.pattern)
        between = texts.str.replace_all(self.pattern, _HOLE)  # exactly what is around the matches
        parts = found.explode().drop_nulls().unique(maintain_order=True)
        inner = parts.str.extract_groups(self.pattern).struct.unnest().rows() if self.groups else [()] * len(parts)
        new = {old: self._part(old, groups) for old, groups in zip(parts.to_list(), inner, strict=True)}
        lines = zip(between.to_list(), found.to_list(), strict=True)
        return pl.Series([_filled(text, [new[match] for match in matches]) for text, matches in lines], dtype=pl.String)

    def _part(self, part: str, groups: tuple[str | None, ...]) -> str:
        """One match, redacted."""
        if self.sane is not None and not self.sane(part):
            return part
        secrets = sorted({group for group in groups if group}, key=len, reverse=True)
        for secret in secrets:  # from the end: a field's name may be the same as its value
            if secret in part:
                head, _, tail = part.rpartition(secret)
                part = head + _HOLE + tail
        return part.replace(_HOLE, self.label) if secrets else self.label


def _filled(text: str, parts: list[str]) -> str:
    """The text with its holes filled."""
    around = text.split(_HOLE)
    return "".join([piece for pair in zip(around, [*parts, ""], strict=True) for piece in pair])


class Redactor:
    """Rules of the configuration, ready to use.

    Args:
        rules: built-in names or regular expressions.

    Raises:
        ConfigError: one is neither.
    """

    def __init__(self, rules: Sequence[str]) -> None:
        self._rules: list[Rule] = []
        for rule in dict.fromkeys(rules):
            if rule in NAMES:
                self._rules += [self._built_in(part, rule) for part in NAMES[rule]]
            elif re.fullmatch(r"\w+", rule):
                raise ConfigError(f"redact: {rule!r} is no built-in rule", f"one of {', '.join(NAMES)}, or a pattern")
            else:
                self._rules.append(Rule((literal(rule),), rule, "<redacted>", check_regex(rule, "redact")))

        self._groups = self._grouped()

    def _grouped(self) -> list[tuple[tuple[str, ...], list[Rule]]]:
        """Rules that are looked for together: all with literals of two letters or more, and by letter the others."""
        groups: dict[tuple[str, ...], list[Rule]] = {}
        for rule in self._rules:
            short = min(rule.literals, key=len)
            groups.setdefault((short,) if len(short) < 2 else (), []).append(rule)
        words = tuple(sorted({word for rule in groups.get((), []) for word in rule.literals}))
        return [(key or words, rules) for key, rules in groups.items()]

    @staticmethod
    def _built_in(part: str, name: str) -> Rule:
        literals, pattern = BUILT_IN[part]
        return Rule(literals, pattern, f"<redacted:{name}>", check_regex(pattern), luhn if part == "card" else None)

    def rows(self, texts: Sequence[str], lower: str) -> tuple[Int64, list[Rule]]:
        """Lines [m] that some rule changes, and these rules; it costs little where no line holds a literal of a rule.

        `lower` are the texts in lower case, joined by line ends.
        """
        hit, active = np.zeros(len(texts), dtype=np.bool_), []
        for literals, rules in self._groups:
            near = containing(lower, len(texts), literals)
            if len(near):
                some = pl.Series([texts[i] for i in near.tolist()], dtype=pl.String)
                for rule in rules:
                    found = rule.hits(some).to_numpy()
                    if found.any():
                        hit[near] |= found
                        active.append(rule)
        return np.flatnonzero(hit), active

    def apply(self, texts: list[str], rules: Sequence[Rule]) -> list[str]:
        """Texts without what `rules`, as `rows` gave them, take away."""
        if not any(texts):
            return texts
        series = pl.Series(texts, dtype=pl.String)
        for rule in rules:
            hit = rule.hits(series)
            if hit.any():
                rows = hit.arg_true()
                series = series.scatter(rows, rule.replace(series.gather(rows)))
        return series.to_list()


def literal(pattern: str) -> str:
    """What every match of a pattern begins with, in lower case; empty where that is not plain to see."""
    if "|" in pattern or pattern.startswith("(?"):
        return ""
    found = re.match(r"[A-Za-z0-9_=:,@ -]*", pattern)
    prefix = found[0] if found else ""
    return (prefix[:-1] if pattern[len(prefix) :].startswith(("?", "*", "{")) else prefix).lower()
