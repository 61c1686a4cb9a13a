"""Feedback as it was given: by whom, on which alert, whether it is still in force. Read from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from logwatch.checkpoint.alerts import SHORTEST
from logwatch.checkpoint.journal import Journalled
from logwatch.decide.feedback_match import NEVER, Feedback
from logwatch.errors import DataError, UsageError
from logwatch.sinks.schema import rfc3339

KIND = "feedback"


@dataclass(frozen=True, slots=True)
class Given:
    """One word of feedback."""

    feedback: Feedback
    incident: str
    by: str
    asked: int  # ns
    note: str = ""
    undone: str = ""  # by whom and when; empty: it was not

    def state(self, now: int) -> str:
        """In force, expired or undone."""
        return "undone" if self.undone else "expired" if self.feedback.until <= now else "in force"

    def row(self, now: int, silenced: Mapping[str, int]) -> dict[str, Any]:
        """For JSON."""
        one = self.feedback
        until = None if one.until == NEVER else rfc3339(one.until)
        return {
            "id": one.id, "verdict": one.verdict, "state": self.state(now), "scope": one.scope.dump(),
            "said": one.scope.said(), "until": until, "note": self.note, "by": self.by, "asked": rfc3339(self.asked),
            "incident": self.incident, "silenced": silenced.get(one.id, 0), "undone": self.undone,
        }  # fmt: skip


def given(journal: Iterable[Journalled]) -> dict[str, Given]:
    """All feedback that the journal keeps, by its id, oldest first."""
    found: dict[str, Given] = {}
    for directive, _ in journal:
        body = directive.body
        if directive.kind != KIND:
            continue
        if "undo" in body:
            before = found.get(body["undo"])
            if before is not None:
                undone = f"{directive.by}, {rfc3339(directive.asked // 10**9 * 10**9)}"
                found[body["undo"]] = Given(
                    before.feedback, before.incident, before.by, before.asked, before.note, undone
                )
            continue
        feedback = Feedback.load(body["feedback"])
        found[feedback.id] = Given(feedback, body["incident"], directive.by, directive.asked, body.get("note", ""))
    return found


def refuse_overlap(new: Feedback, known: Iterable[Given], now: int) -> None:
    """Raises UsageError where feedback says what is said already, or contradicts what is in force."""
    for one in known:
        if one.state(now) != "in force":
            continue
        old = one.feedback
        undo = f"`logwatchd alerts undo {old.id[:8]}` takes it back"
        if old.verdict == new.verdict and old.scope.covers(new.scope) and old.until >= new.until:
            raise UsageError(f"{new.scope.said()} is {old.verdict} already, by {old.id[:8]}", undo)
        if old.verdict != new.verdict and old.scope.meets(new.scope):
            raise UsageError(
                f"this would overlap with {old.id[:8]}, by which {old.scope.said()} is {old.verdict}", undo
            )


def to_undo(wanted: str, known: Mapping[str, Given], incident: str, now: int) -> list[Given]:
    """The feedback that is meant; of an alert, all that was said of it.

    Args:
        wanted: what was typed, the beginning of its id, or of an alert's.
        incident: of that alert; empty where there is none.

    Raises:
        DataError: it is none, or none in force.
    """
    found = [one for id, one in known.items() if len(wanted) >= SHORTEST and id.startswith(wanted)]
    live = [one for one in found if one.state(now) == "in force"]
    if len(live) > 1:
        names = ", ".join(one.feedback.id[:12] for one in live)
        raise DataError(f"{wanted} may mean several: {names}", "write more of the id")
    if not found:
        found = [one for one in known.values() if incident and one.incident == incident]
        live = [one for one in found if one.state(now) == "in force"]
    if live:
        return live
    if not found:
        raise DataError(f"there is no feedback {wanted}", "`logwatchd alerts list --feedback` lists it")
    one = found[-1]
    how = f"undone already: {one.undone}" if one.undone else f"expired: it ended {rfc3339(one.feedback.until)}"
    raise DataError(f"{one.feedback.id[:8]} is {how}", "there is nothing to undo")
