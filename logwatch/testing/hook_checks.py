"""What every hook keeps: an alert or None for every alert, whatever it says, and always the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from logwatch.api import Hook
from logwatch.testing.errors import expect
from logwatch.testing.sink_checks import hostile_alerts
from logwatch.types import Alert

SEVERITIES = ("info", "warning", "critical")


def check_hook(make: Callable[[], Hook]) -> None:
    """Hold a hook against its contract.

    Args:
        make: builds it.

    Raises:
        NotConforming: the alert changed in place; an answer that is none; more changed than a hook may; or another
            answer when asked again, or in another order.
    """
    alerts = hostile_alerts()
    kept = copy.deepcopy(alerts)
    hook, again = make(), make()
    said = [hook.annotate(alert) for alert in alerts]
    expect(repr(alerts) == repr(kept), "annotate changed the alert that it was given: return `replace(alert, …)`")
    for alert, answer in zip(alerts, said, strict=True):
        _check_answer(alert, answer)
    backwards = [again.annotate(alert) for alert in reversed(alerts)][::-1]
    expect(repr(backwards) == repr(said), "the answer to an alert depends on the alerts before it")


def _check_answer(alert: Alert, answer: object) -> None:
    if answer is None:
        return
    if not isinstance(answer, Alert):
        expect(False, f"annotate returned {type(answer).__name__}, neither an alert nor None")
        return
    expect(answer.severity in SEVERITIES, f"severity {answer.severity!r} is none of {', '.join(SEVERITIES)}")
    expect(isinstance(answer.detail, str), "detail is text")
    same = replace(answer, severity=alert.severity, detail=alert.detail)
    expect(repr(same) == repr(alert), "annotate changed more than `severity` and `detail`")
