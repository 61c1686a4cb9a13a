"""Alerts as templates see them, to try a template before there is one."""

from __future__ import annotations

from typing import Any

_LINE = {"text": "2026-03-01 12:00:00 ERROR out of memory", "time": "2026-03-01T12:00:00Z", "position": 4096}
_OPEN: dict[str, Any] = {
    "schema": 1, "id": "ab" * 32, "incident": "ab" * 32, "state": "open", "severity": "warning", "source": "web",
    "instance": "8812.41", "entity": "request-7", "kind": "event", "rule": "new", "first": "2026-03-01T12:00:00Z",
    "last": "2026-03-01T12:00:00Z", "count": 1, "score": 6.0, "p": 1e-6, "provisional": False, "detail": "",
    "fired": [{"detector": "new", "nats": 9.2, "p": 1e-6}], "lines": [{**_LINE, "template_id": 7}],
    "before": [{**_LINE, "template_id": 2}], "expected": [{"template": "worker <*> ready", "probability": 0.62}],
    "template_id": 7, "template": "ERROR out of memory", "position": {"file": "8812.41", "offset": 4096},
    "model": "lstm-1.20",
}  # fmt: skip

EXAMPLES: tuple[dict[str, Any], ...] = (
    _OPEN,
    {
        **_OPEN, "state": "end", "entity": None, "kind": "silence", "first": None, "last": None, "p": None,
        "score": None, "fired": [], "lines": [], "before": [], "expected": [], "template_id": -1, "template": "",
        "position": {}, "detail": "over after 7 min: 3 members",
    },
)  # fmt: skip
"""One with everything, and one with as little as there may be."""
