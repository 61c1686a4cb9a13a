"""Lines that no pattern covers while nothing may be learned: each masked form has an id of its own, which is its hash.

So the id depends on the line alone: not on what came before it, nor on who else has seen it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from logwatch.parse.template import SHOWN, Pattern

HASHED = 1 << 20
"""Ids from here on are hashes. Those that are given out in order stay below; a detector packs 21 bits of an id."""

SPREAD = HASHED - 16
"""So many ids: two of 100 forms share one by one chance in 200. The last few mean something else to that detector."""

MOST = 4_096
"""Forms whose text is kept. Ids of what comes after them are hashes too, but nobody can say of what."""


class Unseen:
    """Forms by id, and their cells `unseen/ID`."""

    def __init__(self) -> None:
        self._forms: dict[int, Pattern] = {}
        self._changed: dict[int, Pattern | None] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def keep(self, id: int, form: Pattern) -> bool:
        """Whether the id's text is, and stays, that of this form; not where there are too many, or another one's is."""
        if id not in self._forms and len(self._forms) < MOST:
            self._forms[id] = self._changed[id] = form
        kept = self._forms.get(id)
        return kept is not None and kept[:2] == form[:2]

    def text(self, id: int) -> str:
        """As a pattern's; `<*>` where it was not kept."""
        form = self._forms.get(id)
        return SHOWN if form is None else form.text()

    def take(self) -> list[tuple[int, Pattern]]:
        """All forms, in the order of their ids, and forget them."""
        forms = sorted(self._forms.items())
        self._changed = dict.fromkeys(self._forms)
        self._forms = {}
        return forms

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """Changed cells."""
        for id, form in sorted(self._changed.items()):
            yield f"unseen/{id}", None if form is None else json.dumps(form, ensure_ascii=False).encode()
        self._changed = {}

    def restore(self, cells: Mapping[int, bytes]) -> None:
        """Rebuild from all cells, by id."""
        for id, data in cells.items():
            scope, words, separators = json.loads(data)
            self._forms[id] = Pattern(scope, tuple(words), tuple(separators))


def hashed(form: Pattern) -> int:
    """Id of a line's scope and words."""
    digest = hashlib.blake2b("\0".join((form.scope, *form.words)).encode("utf-8", "surrogatepass"), digest_size=8)
    return HASHED + int.from_bytes(digest.digest(), "little") % SPREAD
