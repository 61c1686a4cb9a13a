"""Which alerts are for a sink."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

from logwatch.config.alert_rules import SEVERITIES
from logwatch.config.sinks import RouteKeys
from logwatch.types import Alert

LOOKED_AT = 1000
"""Characters of a text that a glob looks at: entities come from log lines."""


class Route:
    """What a `[[sink]]` says of the alerts that it wants.

    Severity never falls within an incident, so that a sink that was told of one is told of its end, too.
    """

    def __init__(self, keys: RouteKeys | None = None) -> None:
        keys = keys or RouteKeys()
        self.repeat = keys.repeat
        self._least = SEVERITIES.index(keys.severity)
        self._kinds = frozenset(keys.kinds)
        self._sources = _any(keys.sources)
        self._labels = {name: _any([glob]) for name, glob in keys.labels.items()}

    def takes(self, alert: Alert) -> bool:
        """Whether the alert is for the sink."""
        return (
            SEVERITIES.index(alert.severity) >= self._least
            and (not self._kinds or alert.kind in self._kinds)
            and (self._sources is None or _matches(self._sources, alert.source))
            and all(_matches(glob, getattr(alert, name)) for name, glob in self._labels.items())
        )


def _any(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One expression for all; shell globs cannot backtrack for long. None: no glob."""
    joined = "|".join(map(translate, globs))
    return re.compile(joined) if joined else None


def _matches(glob: re.Pattern[str] | None, text: str | None) -> bool:
    return glob is None or glob.match((text or "")[:LOOKED_AT]) is not None
