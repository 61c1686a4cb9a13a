"""Sink `skeleton`: one line an alert, in a file."""

from __future__ import annotations

from logwatch.api import Alert, PluginConfig, plugin


class Config(PluginConfig):
    """Settings of `[[sink]]` with `kind = "skeleton"`; unknown keys are refused."""

    path: str


@plugin(kind="sink", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """Called in order, in a thread of its own, with alerts that are saved already."""

    def __init__(self, config: Config) -> None:
        self._out = open(config.path, "a", encoding="utf-8")  # closed by `close`

    def deliver(self, alerts: list[Alert]) -> None:
        """Deliver all; raise to have the same alerts offered again later."""
        for alert in alerts:
            self._out.write(f"{alert.id} {alert.severity} {alert.state} {alert.source!r}\n")
        self._out.flush()

    def close(self) -> None:
        """Safe to call twice."""
        self._out.close()
