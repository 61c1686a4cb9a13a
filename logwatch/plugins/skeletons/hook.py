"""Hook `skeleton`: alerts of some sources matter more, and say where to look."""

from __future__ import annotations

from dataclasses import replace

from logwatch.api import Alert, PluginConfig, plugin


class Config(PluginConfig):
    """Settings of `[hooks.skeleton]`; unknown keys are refused."""

    contains: str = "payments"  # in the name of the source
    runbook: str = "https://example.com/runbooks/payments"


@plugin(kind="hook", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """Sees every alert before it is saved; may change its `severity` and its `detail`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def annotate(self, alert: Alert) -> Alert | None:
        """The alert with more in it; None: as it is."""
        if self._config.contains not in alert.source:
            return None
        detail = f"{alert.detail} see {self._config.runbook}".strip()
        return replace(alert, severity="critical", detail=detail)
