"""Lost input as an alert of its own: never silent, and never mixed with what the learned detectors say."""

from __future__ import annotations

from logwatch.decide.alerts import digest_id
from logwatch.types import Alert, Gap, position_of

RULE = "gap"


def gap_alert(gap: Gap, now: int) -> Alert:
    """One alert for one lost range.

    Args:
        gap: what was lost.
        now: when it was noticed, ns.
    """
    position = position_of(gap.stream.instance, gap.start)
    name = digest_id(gap.stream.source, gap.stream.instance, None, RULE, position)
    what, where = ("records", "partition") if "topic" in position else ("bytes", "log")
    lost = f"{gap.end - gap.start:,} {what}" if gap.end > gap.start else "an unknown part"
    return Alert(
        id=name, incident=name, state="open", severity="warning", source=gap.stream.source,
        instance=gap.stream.instance, entity=None, kind="gap", rule=RULE, first=now, last=now, count=1,
        score=0.0, p=1.0, provisional=False,
        fired=(), lines=(), before=(), expected=(), template_id=-1, template="", position=position,
        model="", detail=f"{lost} of this {where} could not be read and are lost: {gap.reason}",
    )  # fmt: skip
