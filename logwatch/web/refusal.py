"""Every answer that is no: one form, `{"error": …, "hint": …}`."""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse


class Refused(Exception):
    """A request that is not carried out.

    Args:
        status: of HTTP.
        error: what is wrong, in one sentence.
        hint: what to do.
        wait: seconds after which to try again.
    """

    def __init__(self, status: int, error: str, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(error)
        self.status, self.error, self.hint, self.wait = status, error, hint, wait


def refusal(refused: Refused) -> JSONResponse:
    """It, as a response."""
    body: dict[str, Any] = {"error": refused.error}
    if refused.hint:
        body["hint"] = refused.hint
    headers = {"retry-after": str(math.ceil(refused.wait))} if refused.wait else {}
    if refused.status == 401:
        headers["www-authenticate"] = 'Bearer realm="logwatchd"'
    return JSONResponse(body, refused.status, headers)
