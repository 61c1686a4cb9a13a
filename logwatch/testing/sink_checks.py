"""What every sink keeps: all alerts, in order, whatever stands in them; and a close that can be repeated."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

from logwatch.api import Sink
from logwatch.testing.errors import expect
from logwatch.testing.samples import HOSTILE, sample_alert
from logwatch.types import NO_TIME, Alert, Fired, Line


def check_sink(make: Callable[[], Sink], delivered: Callable[[], Sequence[str]] | None = None) -> None:
    """Hold a sink against its contract.

    Args:
        make: builds it; called again after a close, over the same place.
        delivered: ids that have arrived so far, in order; None where that cannot be read back.

    Raises:
        NotConforming: alerts lost, out of order or changed; hostile text refused; a second close that fails.
    """
    alerts = hostile_alerts()
    kept = copy.deepcopy(alerts)
    sink = make()
    sink.deliver([])
    sink.deliver(alerts[:1])
    sink.deliver(alerts[1:])
    sink.close()
    sink.close()
    expect(repr(alerts) == repr(kept), "deliver changed the alerts that it was given")
    if delivered is None:
        return
    _expect_in_order(delivered(), alerts)
    again = make()
    more = [sample_alert(1000)]
    again.deliver(more)
    again.close()
    _expect_in_order(delivered(), [*alerts, *more])


def _expect_in_order(ids: Sequence[str], alerts: Sequence[Alert]) -> None:
    """Every id, in order of its first arrival; ids may repeat."""
    first = list(dict.fromkeys(ids))
    expect(first == [alert.id for alert in alerts], f"delivered {len(first)} of {len(alerts)} alerts, or out of order")


def hostile_alerts() -> list[Alert]:
    """Alerts of every state and kind, with text that breaks what does not expect it."""
    texts = [line.decode(errors="replace") for line in HOSTILE]
    return [
        sample_alert(1),
        sample_alert(2, state="update", severity="critical", count=7),
        sample_alert(3, state="end", last=sample_alert(9).first),
        sample_alert(4, state="digest", detail="12 more incidents were held back", lines=(), before=(), expected=()),
        sample_alert(5, kind="silence", entity=None, first=NO_TIME, last=NO_TIME, lines=(), position={}),
        sample_alert(6, p=0.0, score=30.0, provisional=True, fired=(Fired("new", math.inf, None),)),
        sample_alert(7, lines=tuple(Line(text, NO_TIME, 0) for text in texts), before=()),
        sample_alert(8, source=texts[4], entity=texts[5], template=texts[6], detail=texts[3]),
    ]
