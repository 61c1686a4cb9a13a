"""Settings of the sink `journal`."""

from __future__ import annotations

from pydantic import Field

from logwatch.api import PluginConfig
from logwatch.config.values import Duration


class JournalSinkConfig(PluginConfig):
    """`[[sink]]` with `kind = "journal"`."""

    socket: str = Field("/run/systemd/journal/socket", pattern=r"^/.{1,106}$")

    identifier: str = Field("logwatchd-alert", pattern=r"^[!-~]{1,48}$")
    """`SYSLOG_IDENTIFIER` of the entries: `journalctl -t`."""

    timeout: Duration = Field(5.0, gt=0, le=300)
