"""The whole application: the API under /api/v1, the page at /, health, metrics, and the login."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from logwatch import __version__
from logwatch.web.asking import Busy
from logwatch.web.health import Health, routes
from logwatch.web.plain_json import PlainJson
from logwatch.web.refusal import Refused, refusal

ABOUT = """What logwatchd has learned, which alerts it raised, and what people say of them.

Reads need the token where `[http] token_file` is set; writes always do. Every answer that is no has the form
`{"error": "…", "hint": "…"}`."""


def application(health: Health, routers: Sequence[APIRouter]) -> FastAPI:
    """Put it together; checks of who asks are `Guard`'s, around it."""
    app = FastAPI(
        title="logwatchd", version=__version__, description=ABOUT, openapi_url="/openapi.json", docs_url=None,
        redoc_url=None, default_response_class=PlainJson,
    )  # fmt: skip
    app.router.routes.extend(routes(health))
    for router in routers:
        app.include_router(router)

    @app.exception_handler(Refused)
    async def _refused(request: Request, error: Refused) -> Response:
        return refusal(error)

    @app.exception_handler(Busy)
    async def _busy(request: Request, error: Busy) -> Response:
        return refusal(Refused(503, str(error), "try again in a moment", 1.0))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return refusal(Refused(404, f"nothing is at {_shown(request.url.path)}", "see /openapi.json"))
        if error.status_code == 405:
            return refusal(Refused(405, f"{request.method} does nothing at {_shown(request.url.path)}"))
        return refusal(Refused(error.status_code, str(error.detail)))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("query", "path"))
        return refusal(Refused(400, f"{where}: {first['msg']}" if where else str(first["msg"]), "see /openapi.json"))

    return app


def _shown(path: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in path[:200])
