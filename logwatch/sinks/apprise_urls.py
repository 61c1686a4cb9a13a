"""Apprise, kept quiet: its own log may hold URLs."""

from __future__ import annotations

import logging
from typing import Any


def _asset() -> Any:
    from apprise import AppriseAsset

    quiet = logging.getLogger("apprise")
    quiet.propagate = False
    quiet.handlers = [logging.NullHandler()]
    return AppriseAsset(app_id="logwatchd", app_desc="logwatchd", app_url="", async_mode=False, storage_mode="memory")


def service(url: str) -> Any | None:
    """What Apprise makes of a URL; None where it knows none such."""
    from apprise import Apprise

    made = Apprise(asset=_asset())
    return made if made.add(url) else None


def known(url: str) -> bool:
    """Whether Apprise knows such a URL; nothing is opened."""
    return service(url) is not None
