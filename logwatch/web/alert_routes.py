"""/api/v1: alerts and incidents, what people say of them, and deployment marks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from logwatch.config.values import Duration
from logwatch.web.asking import Asking
from logwatch.web.reading import Reading, told
from logwatch.web.refusal import REFUSALS

Severity = Literal["info", "warning", "critical"]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{4,64}$", description="an id, or the beginning of one")]
Name = Annotated[str, Query(max_length=1000)]


class Row(BaseModel):
    """An incident: what opened it, and how far it is."""

    incident: str = Field(description="its id: that of the alert that opened it")
    source: str
    entity: str | None
    kind: str = Field(description="event, visit, window, silence, metric, risk, …")
    rule: str = Field(description="the detector that said most")
    template: str | None
    state: str = Field(description="open, update, end or digest, by its latest alert")
    severity: str
    first: str | None
    last: str | None
    count: int = Field(description="members so far")
    score: float | None = Field(description="-log10 p, 0 to 30")
    provisional: bool
    detail: str
    line: str = Field(description="the last line of the alert that opened it")
    feedback: str = Field(description="normal, real or empty")


class Rows(BaseModel):
    """A page of incidents, newest first."""

    alerts: list[Row]
    next: int | None = Field(description="`before` of the next page; null: this is the last")
    scanned: int | None = Field(description="only so many alerts were looked at for this page")


class Line(BaseModel):
    """A line of an alert."""

    text: str
    time: str | None
    position: int
    template_id: int


class Fired(BaseModel):
    """What a detector said."""

    detector: str
    nats: float | None
    p: float | None


class Expected(BaseModel):
    """What might have come instead."""

    template: str
    probability: float | None


class Alert(BaseModel):
    """An alert as sinks get it."""

    schema_: int = Field(alias="schema")
    id: str
    incident: str
    state: str
    severity: str
    source: str
    instance: str
    entity: str | None
    kind: str
    rule: str
    first: str | None
    last: str | None
    count: int
    score: float | None
    p: float | None
    provisional: bool
    detail: str
    fired: list[Fired]
    lines: list[Line]
    before: list[Line]
    expected: list[Expected]
    template_id: int | None
    template: str | None
    position: dict[str, Any]
    model: str


class Said(BaseModel):
    """Feedback: what was said, by whom, and whether it is in force."""

    id: str
    verdict: str = Field(description="normal or real")
    state: str = Field(description="in force, expired or undone")
    scope: dict[str, Any]
    said: str = Field(description="the scope in words")
    until: str | None
    note: str
    by: str
    asked: str | None
    incident: str
    silenced: int = Field(description="alerts that did not go out because of it")
    undone: str


class Shown(BaseModel):
    """An incident: the alert that opened it, the later ones, and what was said of it."""

    alert: Alert
    later: list[Alert]
    feedback: list[Said]


class AllSaid(BaseModel):
    """Feedback, newest first."""

    feedback: list[Said]


class Say(BaseModel):
    """Feedback to be given."""

    incident: str = Field(pattern=r"^[0-9a-f]{4,64}$")
    verdict: Literal["normal", "real"]
    value: str = Field("", max_length=1000, description="only lines with this text")
    entity: str = Field("", max_length=1000, description="only entities that match; a linear regular expression")
    detector: bool = Field(False, description="only what this detector says")
    any_source: bool = Field(False, description="not only in this source")
    any_template: bool = Field(False, description="not only lines of this kind")
    expires: Duration | None = Field(None, description="30d, 12h; null: never")
    note: str = Field("", max_length=1000)


class OneSaid(BaseModel):
    """Feedback that was given."""

    feedback: Said


class Mark(BaseModel):
    """A deployment mark: drift of its source, or of all, is expected until its end."""

    id: str
    name: str
    source: str
    since: str | None
    until: str | None
    by: str


class Marks(BaseModel):
    """Marks, newest first."""

    marks: list[Mark]


class Put(BaseModel):
    """A mark to be set."""

    name: str = Field(min_length=1, max_length=200, pattern=r"\S")
    source: str = Field("", max_length=1000, description="empty: all")
    for_: Duration = Field(1800.0, alias="for", description="30min; 1s to 7d")


class OneMark(BaseModel):
    """A mark that was set."""

    mark: Mark


def alert_routes(reading: Reading, asking: Asking) -> APIRouter:
    """Reads look at what is committed; writes go through the daemon's loop, and are journalled."""
    router = APIRouter(prefix="/api/v1", tags=["alerts"], responses=REFUSALS)

    @router.get("/alerts")
    async def alerts(
        source: Name = "", severity: Severity | None = None, open: bool = False,
        since: Annotated[float | None, Query(gt=0, lt=1e11, description="only of the last seconds")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=1, lt=10**12, description="`next` of the page before")] = None,
    ) -> Rows:  # fmt: skip
        """Incidents, newest first; of a severity or graver."""
        asked = {"source": source, "severity": severity, "open": open, "since": since, "limit": limit, "before": before}
        return Rows(**await reading.alerts("list", **asked))

    @router.get("/incidents")
    async def incidents(
        source: Name = "", open: bool = True, limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=1, lt=10**12)] = None,
    ) -> Rows:  # fmt: skip
        """Those that are open, newest first."""
        return Rows(**await reading.alerts("list", source=source, open=open, limit=limit, before=before))

    @router.get("/alerts/{incident}")
    async def alert(incident: Id) -> Shown:
        """One incident, whole."""
        return Shown(**await reading.alerts("show", id=incident))

    @router.get("/feedback", tags=["feedback"])
    async def feedback() -> AllSaid:
        """What people said, with what is no longer in force."""
        return AllSaid(**await reading.alerts("feedback"))

    @router.post("/feedback", tags=["feedback"])
    async def say(given: Say) -> OneSaid:
        """Say that an alert is normal, or real. It takes effect with the next event."""
        asked = given.model_dump(exclude={"incident", "verdict", "expires"})
        asked |= {"action": given.verdict, "id": given.incident, "for": given.expires, "by": "http"}
        return OneSaid(**told(await asking.ask("alerts", asked)))

    @router.delete("/feedback/{id}", tags=["feedback"])
    async def undo(id: Id) -> AllSaid:
        """Take feedback back: by its own id, or all of an incident's by that."""
        return AllSaid(**told(await asking.ask("alerts", {"action": "undo", "id": id, "by": "http"})))

    @router.get("/marks", tags=["marks"])
    async def marks() -> Marks:
        """Deployment marks that were set by people."""
        return Marks(marks=[Mark(**one) for one in await reading(reading.state.marks)])

    @router.post("/marks", tags=["marks"])
    async def mark(given: Put) -> OneMark:
        """Set a deployment mark, from now on."""
        asked = {"name": given.name, "source": given.source, "for": given.for_, "by": "http"}
        return OneMark(**told(await asking.ask("mark", asked)))

    return router
