"""Every answer that is no: one form, `{"error": …, "hint": …}`."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, Field

from logwatch.web.plain_json import PlainJson


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


def refusal(refused: Refused) -> PlainJson:
    """It, as a response."""
    body: dict[str, Any] = {"error": refused.error}
    if refused.hint:
        body["hint"] = refused.hint
    headers = {"retry-after": str(math.ceil(refused.wait))} if refused.wait else {}
    if refused.status == 401:
        headers["www-authenticate"] = 'Bearer realm="logwatchd"'
    return PlainJson(body, refused.status, headers)


class Error(BaseModel):
    """An answer that is no."""

    error: str = Field(description="what is wrong, in one sentence")
    hint: str = Field("", description="what to do")


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "the request makes no sense"},
    401: {"model": Error, "description": "this needs the token"},
    403: {"model": Error, "description": "this may not be done here"},
    404: {"model": Error, "description": "there is no such thing"},
    413: {"model": Error, "description": "the body is too long"},
    414: {"model": Error, "description": "the query is too long"},
    421: {"model": Error, "description": "this daemon has another name"},
    429: {"model": Error, "description": "too many requests"},
    503: {"model": Error, "description": "the daemon is busy, or its state cannot be read"},
}
"""Of every route of the API, for its description."""
