"""The state directory of a running daemon, as the HTTP server's threads read it; see `logwatch.web.reading.State`."""

from __future__ import annotations

from typing import Any

from logwatch.app.alerts import answer, row_of, verdicts
from logwatch.app.desk import at_rest
from logwatch.app.heatmaps import kept_window
from logwatch.checkpoint.heatmaps import reading
from logwatch.config import Settings
from logwatch.sinks.schema import rfc3339


class ReadState:
    """Each call has a connection of its own, so any thread may make it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def alerts(self, request: dict[str, Any]) -> dict[str, Any]:
        """See `State`."""
        with at_rest(self._settings.state, False, self._settings) as desk:
            return answer(desk, request)

    def marks(self) -> list[dict[str, Any]]:
        """See `State`."""
        with at_rest(self._settings.state, False, self._settings) as desk:
            told = [one.directive for one in desk.journal if one.directive.kind == "mark"]
        return [
            {
                "id": one.id, "name": one.body["name"], "source": one.body["source"], "by": one.by,
                "since": rfc3339(one.body["since"]), "until": rfc3339(one.body["until"]),
            }
            for one in reversed(told)
        ]  # fmt: skip

    def news(self, seq: int, most: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        """See `State`."""
        with at_rest(self._settings.state, False, self._settings) as desk:
            found = desk.alerts.after(seq, most)
            said = verdicts(desk) if found else {}
            return desk.alerts.last(), [(number, row_of(desk, body, said)) for number, body in found]

    def heatmaps(self, source: str) -> list[dict[str, Any]]:
        """See `State`."""
        with reading(self._settings.state) as rows:
            if rows is None:
                return []
            names = [source] if source else rows.sources()
            return [
                {"source": name, "time": rfc3339(end), "incident": incident or None}
                for name in names
                for end, incident in reversed(rows.ends(name))
            ]

    def drawn(self, source: str, at: int | None, incident: str, risk: dict[str, Any] | None) -> bytes:
        """See `State`."""
        from logwatch.heatmap.picture import picture

        window = kept_window(self._settings.state, source, at, incident)
        if risk is None or risk.get("time") != rfc3339(window.end) or "heat" not in risk:
            return picture(window)  # the risk is that of another window
        return picture(window, note=str(risk["note"]), heat=risk["heat"])
