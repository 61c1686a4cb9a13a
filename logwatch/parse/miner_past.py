"""What the miner said before its newest lines.

Lines are mined by the batch, ahead of everything that asks what a template reads like or which templates were merged.
Answers as they stood at a line of the asker's choice depend on the stream alone, and not on how far mining is ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class Past:
    """Changes of patterns since a line, each with what stood before it.

    Attributes:
        line: number of the first line that is not to be known yet; None: everything is.
    """

    def __init__(self) -> None:
        self.line: int | None = None
        self._texts: dict[int, list[tuple[int, str]]] = {}  # id -> (line of the change, text before it), in order
        self._merges: list[tuple[int, int, int]] = []  # line, loser, winner; not taken yet

    def changed(self, line: int, ids: Iterable[int], text: str) -> None:
        """The pattern of `ids` read `text` until `line`."""
        if self.line is not None:
            for id in ids:
                self._texts.setdefault(id, []).append((line, text))

    def merged(self, line: int, loser: int, winner: int) -> None:
        """`winner` stands for `loser` from `line` on."""
        self._merges.append((line, loser, winner))

    def stand(self, line: int) -> None:
        """Answer as after the lines before `line`; never falls."""
        self.line = line
        kept = {id: [change for change in changes if change[0] >= line] for id, changes in self._texts.items()}
        self._texts = {id: changes for id, changes in kept.items() if changes}

    def text(self, id: int) -> str | None:
        """What the pattern read like, or at its birth where that came later; None: as it does now."""
        changes = self._texts.get(id)
        return changes[0][1] if changes else None

    def take_merges(self) -> list[tuple[int, int]]:
        """(loser, winner) since the last call, in order."""
        line = self.line
        known = [merge for merge in self._merges if line is None or merge[0] < line]
        self._merges = self._merges[len(known) :]
        return [(loser, winner) for _, loser, winner in known]

    def untold(self) -> Sequence[tuple[int, int, int]]:
        """(line, loser, winner) of all merges that were not taken yet, in order; also of lines not to be known yet."""
        return self._merges

    def saved(self) -> dict[str, Any]:
        """Everything, for JSON."""
        texts = [[id, line, text] for id, changes in self._texts.items() for line, text in changes]
        return {"line": self.line, "texts": texts, "merges": self._merges}

    def restore(self, saved: dict[str, Any]) -> None:
        """Rebuild from `saved`."""
        self.line = saved["line"]
        for id, line, text in saved["texts"]:
            self._texts.setdefault(id, []).append((line, text))
        self._merges = [(line, loser, winner) for line, loser, winner in saved["merges"]]
