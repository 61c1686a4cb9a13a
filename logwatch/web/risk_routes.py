"""/api/v1/risk: how likely each source is to fail soon."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from logwatch.web.asking import Asking, Reply
from logwatch.web.refusal import REFUSALS

MOST_RISK = 0.5
"""Above it the gate is shut, where nothing else is asked for."""

Name = Annotated[str, Query(max_length=1000)]


class Driver(BaseModel):
    """A metric that drove the risk."""

    metric: str
    share: float


class SourceRisk(BaseModel):
    """What the risk plugin says of a source."""

    source: str
    probability: float | None = Field(description="of a failure within the horizon; null: nothing can be said")
    horizon: float | None = Field(description="seconds")
    time: str | None = Field(description="the end of the window")
    model: str = ""
    detail: str = ""
    drivers: list[Driver] = []
    above: bool = Field(description="above `max`, or unknown: the gate is shut")
    error: str | None = Field(None, description="why nothing can be said")


class Risks(BaseModel):
    """The gate: `pass` is true only where every source that was asked for has a risk, and none is above `max`."""

    results: list[SourceRisk]
    highest: float | None
    max: float
    pass_: bool = Field(alias="pass")
    error: str | None = Field(None, description="why nothing can be said of anything")


def risk_routes(asking: Asking) -> APIRouter:
    """What the risk plugin said last; nothing is computed for it."""
    router = APIRouter(prefix="/api/v1", responses=REFUSALS)

    @router.get("/risk", tags=["risk"])
    async def risk(source: Name = "", most: Annotated[float, Query(alias="max", ge=0, le=1)] = MOST_RISK) -> Risks:
        """How likely each source is to fail soon: the gate of a deployment. What is not known does not pass."""
        reply = await asking.ask("risk", {"source": source})
        if "error" in reply:
            return Risks(results=[], highest=None, max=most, error=_why(reply), **{"pass": False})
        results = rows(reply, most)
        highest = max((one.probability for one in results if one.probability is not None), default=None)
        shut = not results or any(one.above for one in results)
        said = None if results else "no source has a risk yet"
        return Risks(results=results, highest=highest, max=most, error=said, **{"pass": not shut})

    return router


def rows(reply: Reply, most: float) -> list[SourceRisk]:
    """What the loop answered, as it is shown; `above` where a probability is higher than `most`, or not known."""
    found = []
    for one in reply.get("results", ()):
        given: dict[str, Any] = {**one, "drivers": [Driver(metric=name, share=share) for name, share in one["drivers"]]}
        given.pop("heat", None)
        known = one["probability"] is not None
        found.append(SourceRisk(**given, above=not known or one["probability"] > most))
    return found


def _why(reply: dict[str, Any]) -> str:
    if str(reply["error"]).startswith("unknown verb"):
        return "no risk plugin is configured: add [risk.cnn]"
    return str(reply["error"])
