"""The page's own files, from the package; nothing of them comes from elsewhere, and none is built."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from logwatch.web.refusal import Refused

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def _content(name: str) -> tuple[bytes, str]:
    content = (files("logwatch.web") / "page" / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


@cache
def _names() -> frozenset[str]:
    return frozenset(one.name for one in (files("logwatch.web") / "page").iterdir())


def page(name: str, request: Request | None = None) -> Response:
    """A file of the page, or that the browser has it already."""
    if name not in _names():
        raise Refused(404, f"nothing is at /page/{''.join(c for c in name[:80] if c.isprintable())}")
    content, tag = _content(name)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request is not None and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    kind = TYPES[name[name.rindex(".") :]]
    return Response(content, headers=headers, media_type=f"{kind}; charset=utf-8")


def pages() -> APIRouter:
    """/ and what it loads."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def index(request: Request) -> Response:
        return page("index.html", request)

    @router.get("/page/{name}")
    def part(name: str, request: Request) -> Response:
        return page(name, request)

    return router
