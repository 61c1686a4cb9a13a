"""Cells of an earlier version, in a layout that is none of today's: what they held is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from logwatch.telemetry import Logger

log = Logger(__name__)


class Outdated:
    """Passes such cells over, says so, and has them removed at the next commit.

    Args:
        what: they held, as people call it.
        prefixes: how their names begin.
    """

    def __init__(self, what: str, *prefixes: str) -> None:
        self._what, self._prefixes = what, prefixes
        self._cells: list[str] = []

    def find(self, cells: Mapping[str, bytes]) -> bool:
        """Whether there are any."""
        self._cells = [name for name in cells if name.startswith(self._prefixes)]
        if self._cells:
            log.warning("an earlier version kept this otherwise: it is learned anew", what=self._what)
        return bool(self._cells)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        gone, self._cells = self._cells, []
        yield from ((name, None) for name in gone)
