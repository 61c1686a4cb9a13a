"""Loaded by the recorded Buildbot's buildbot.tac: writes the place of the statement before every line."""

from __future__ import annotations

import sys
from types import FrameType

from twisted.logger import ILogObserver, formatEventAsClassicLogText
from zope.interface import provider

FORWARDERS = (
    "/twisted/logger/",
    "/twisted/python/log.py",
    "/twisted/python/context.py",
    "/twisted/python/threadable.py",
    "/buildbot_place.py",
    "/logging/",
)
METHODS = {"/buildbot_worker/runprocess.py": "log_msg"}
HELD_BACK = "beginLoggingTo"  # tells again what was said before; its place is lost


def forwards(frame: FrameType) -> bool:
    """Whether this frame prints for another."""
    path = frame.f_code.co_filename
    return any(part in path for part in FORWARDERS) or any(
        path.endswith(file) and frame.f_code.co_name == name for file, name in METHODS.items()
    )


def place() -> str:
    """The frame that logged, past all that only forward."""
    frame = sys._getframe(1)
    while frame and forwards(frame):
        if frame.f_code.co_name == HELD_BACK:
            return ""
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


@provider(ILogObserver)
def placed(event: dict) -> None:
    """Print an event as Buildbot would, with its place."""
    text = formatEventAsClassicLogText(event)
    if text:
        sys.__stdout__.write(f"@@{place()}@@{text}")
        sys.__stdout__.flush()
