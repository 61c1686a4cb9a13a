"""One incident of one source, and what a source remembers of its incidents: the state, and its saved form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
VISITS_MOST = 256  # visits remembered by source, so that one whose maximum has alerted does not alert at each new line


TEMPLATES_MOST = 64  # templates that one incident may tell; later ones are no news


@dataclass(slots=True)
class Incident:
    """An incident that is open."""

    id: str
    alert: dict[str, Any]  # what the last alert of it said, without lines: repeated when it ends
    first: int  # ns, of the first member
    last: int  # ns, of the latest member
    seen: int  # the source's watermark at the latest member: the clock of `quiet`
    count: int = 1  # members
    sent: int = 1  # alerts so far: numbers the next one's id
    kinds: int = 0  # bits of Kind
    score: float = 0.0  # highest of the members
    told_score: float = 0.0  # highest that an alert has told
    told_count: int = 1  # members at the latest alert
    told_severity: int = 0  # index into SEVERITIES
    templates: list[int] = field(default_factory=list)  # that alerts have told, at most TEMPLATES_MOST
    silent: bool = False  # beyond max_incidents: counted in the digest, never sent

    def is_news(self, score: float, kind: int, template: int, least: float) -> bool:
        """A member that is worse by `least` decades than what was told, or of a kind or a template not told yet."""
        if score >= self.told_score + least or not self.kinds & (1 << kind):
            return True
        return template >= 0 and template not in self.templates and len(self.templates) < TEMPLATES_MOST

    def tell(self, score: float, severity: int, kind: int, template: int) -> None:
        """What an alert about a member tells."""
        self.kinds |= 1 << kind
        self.told_score = max(self.told_score, score)
        self.told_severity = max(self.told_severity, severity)
        self.told_count = self.count
        if template >= 0 and template not in self.templates:
            self.templates.append(template)


@dataclass(slots=True)
class History:
    """A source's open incident, its cap and its flagged visits."""

    incident: Incident | None = None
    period: int = -1  # the period of `max_incidents` that `opened` and `excess` count
    opened: int = 0  # incidents sent in it
    excess: int = 0  # incidents not sent in it
    excess_first: int = 0  # ns
    excess_alert: dict[str, Any] = field(default_factory=dict)  # the worst of those
    total: int = 0  # incidents over the source's life
    visits: dict[str, float] = field(default_factory=dict)  # visit → nats at which it was last a member

    def pack(self) -> bytes:
        """JSON; floats are written exactly."""
        return json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, cell: bytes) -> History:
        """The inverse of `pack`."""
        saved = json.loads(cell)
        if saved.pop("v") != VERSION:
            raise ValueError("an incident of another version")
        incident = saved.pop("incident")
        return cls(incident=None if incident is None else Incident(**incident), **saved)

    def is_repeat(self, visit: str, nats: float) -> bool:
        """True where this visit was a member before with as large a maximum; remembers it otherwise."""
        known = self.visits.pop(visit, -1.0)
        self.visits[visit] = max(nats, known)
        if len(self.visits) > VISITS_MOST:
            del self.visits[next(iter(self.visits))]
        return known >= nats
