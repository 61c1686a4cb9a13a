"""CPU time of detectors, in whatever thread they work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from logwatch import telemetry

T = TypeVar("T")


def timed(detector: str, call: Callable[..., T], *args: Any) -> T:
    """Call it, and count the CPU time of this thread as the detector's."""
    begin = time.thread_time()
    try:
        return call(*args)
    finally:
        telemetry.DETECTOR_SECONDS.inc(time.thread_time() - begin, detector=detector)
