"""Alerts to chats, mails and pagers, by Apprise (github.com/caronc/apprise), if it is installed.

Each URL is a service of its own: one that fails is tried again, and the others are not told twice.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from logwatch.api import Alert, plugin
from logwatch.errors import ConfigError, DeliveryError
from logwatch.sinks.apprise_urls import service
from logwatch.sinks.notify_config import NotifyConfig
from logwatch.sinks.render import escape, headline, render
from logwatch.telemetry import Logger

log = Logger(__name__)

TITLE_MOST = 200
REMEMBERED = 1024
"""Alerts of which it is remembered who has them, while somebody has not."""

_TYPE = {"critical": "failure", "warning": "warning", "info": "info"}
# What would call every member of a channel, or is a link's or a mention's markup of a chat.
_CALLS = re.compile(r"@(?=everyone|here|channel|all\b)|<(?=[!@#])", re.IGNORECASE)
_HARMLESS = {"@": "＠", "<": "‹"}  # noqa: RUF001  # they look alike, and that is what they are for


@plugin(kind="sink", name="notify", api=(1, 0), config=NotifyConfig)
class NotifySink:
    """Tells every service of each alert.

    Args:
        config: its settings.

    Raises:
        ConfigError: Apprise is not installed, or does not know a URL.
    """

    def __init__(self, config: NotifyConfig) -> None:
        self._most = config.max_chars
        if importlib.util.find_spec("apprise") is None:
            raise ConfigError("sink notify: Apprise is not installed", "pip install 'logwatchd[notify]'")
        try:
            made = [service(url.get_secret_value()) for url in config.all_urls()]
        except ValueError as error:
            raise ConfigError(f"sink notify: {error}") from None
        if None in made:
            raise ConfigError(f"sink notify: URL {made.index(None) + 1} is none that Apprise knows")
        self._services: list[Any] = made
        self._told: dict[str, set[int]] = {}  # id of an alert → services that have it

    def deliver(self, alerts: list[Alert]) -> None:
        """Tell all, in order. Raises DeliveryError, which says how many everybody was told of."""
        for done, alert in enumerate(alerts):
            told = self._told.setdefault(alert.id, set())
            told |= {
                number for number in range(len(self._services)) if number not in told and self._tell(number, alert)
            }
            if len(told) < len(self._services):
                while len(self._told) > REMEMBERED:
                    del self._told[next(iter(self._told))]
                missing = sorted(set(range(1, len(self._services) + 1)) - {number + 1 for number in told})
                raise DeliveryError(f"URL {', '.join(map(str, missing))}: the service did not take it", delivered=done)
            del self._told[alert.id]

    def close(self) -> None:
        """Nothing is held open."""

    def _tell(self, number: int, alert: Alert) -> bool:
        kind = "success" if alert.state == "end" else _TYPE.get(alert.severity, "warning")
        body = harmless(render(alert).plain)
        body = body if len(body) <= self._most else body[: self._most - 1] + "…"
        try:
            return bool(
                self._services[number].notify(
                    body=body,
                    title=harmless(title(alert)),
                    notify_type=kind,
                    body_format="text",
                    interpret_escapes=False,
                )
            )
        except Exception as error:  # noqa: BLE001  # a service's own code; what it says may hold its URL
            log.warning("a service of Apprise failed", url=number + 1, error=type(error).__name__)
            return False


def title(alert: Alert) -> str:
    """What a notification says first."""
    state = {"update": " update", "end": " over", "digest": " digest"}.get(alert.state, "")
    text = f"{alert.severity.upper()}{state} {escape(alert.source)}: {headline(alert)}"
    return text if len(text) <= TITLE_MOST else text[: TITLE_MOST - 1] + "…"


def harmless(text: str) -> str:
    """The text without what would call people: log lines are not theirs to write."""
    return _CALLS.sub(lambda match: _HARMLESS[match[0]], text)
