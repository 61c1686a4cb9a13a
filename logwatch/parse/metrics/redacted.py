"""Takes secrets out of the names of series, before these go anywhere: into state, rows, alerts.

What took the place of a secret ends in 16 bits of its digest: series that differ in nothing else stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from logwatch.parse.formats.shown import quoted
from logwatch.parse.metrics.names import named
from logwatch.parse.redact import Redactor, Rule
from logwatch.samples import SeriesName

REMEMBERED = 65_536
"""Names whose clean form is at hand: most batches hold those of the batch before."""


class CleanNames:
    """Clean names of series.

    Args:
        redact: built-in rules or regular expressions, see `logwatch.parse.redact`.

    Raises:
        ConfigError: one is neither.
    """

    def __init__(self, redact: Sequence[str]) -> None:
        self._redactor = Redactor(redact)
        self._clean: dict[SeriesName, SeriesName] = {}

    def of(self, names: list[SeriesName]) -> list[SeriesName]:
        """The names [s] without secrets; some may be the same then."""
        known = self._clean
        fresh = [name for name in names if name not in known]
        if len(fresh) > REMEMBERED - len(known):
            known.clear()
            fresh = names
        if fresh:
            known.update(zip(fresh, self._cleaned(fresh), strict=True))
        return [known[name] for name in names]

    def _cleaned(self, names: list[SeriesName]) -> list[SeriesName]:
        texts = [" ".join([name.name, *map(_pair, name.labels)]).replace("\n", " ") for name in names]
        rows, rules = self._redactor.rows(texts, "\n".join(texts).lower())
        clean = list(names)
        for row in rows.tolist():
            clean[row] = self._without(names[row], rules)
        return clean

    def _without(self, name: SeriesName, rules: Sequence[Rule]) -> SeriesName:
        """The name part by part: nothing of a rule's match reaches from one label into the next."""
        parts = [name.name, *map(_pair, name.labels)]
        own, *pairs = [
            part if part == clean else f"{clean}#{blake2b(part.encode(), digest_size=2).hexdigest()}"
            for part, clean in zip(parts, self._redactor.apply(parts, rules), strict=True)
        ]
        labels = [
            label if pair == _pair(label) else (pair.partition("=")[0], pair.partition("=")[2].replace('"', ""))
            for label, pair in zip(name.labels, pairs, strict=True)
        ]
        return named(own, labels) or SeriesName("redacted")


def _pair(label: tuple[str, str]) -> str:
    return f"{label[0]}={quoted(label[1])}"
