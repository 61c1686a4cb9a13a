"""JSON as the API says it: in ASCII, so that nothing of a log acts on a terminal that shows an answer."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class PlainJson(JSONResponse):
    """What is not ASCII is written as `\\u202e`."""

    def render(self, content: Any) -> bytes:
        """As bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
