"""/login: the page exchanges the token for a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from logwatch.web.limits import RateLimit
from logwatch.web.pages import page
from logwatch.web.refusal import Refused
from logwatch.web.sessions import COOKIE, LASTS_S, Sessions


class Token(BaseModel):
    """What is asked for."""

    token: str = Field(min_length=1, max_length=1024)


class Who(BaseModel):
    """Who the reader is, for the page."""

    reads: bool
    writes: bool
    guarded: bool = Field(description="whether there is a token")


def login(sessions: Sessions, secure: bool, tries: RateLimit | None = None) -> APIRouter:
    """Args:
    secure: the cookie is sent over TLS alone.
    tries: of one peer.
    """
    router = APIRouter()
    limit = tries or RateLimit(0.2, 10)

    @router.get("/login", include_in_schema=False)
    def show() -> Response:
        return page("login.html") if sessions.guarded else RedirectResponse("/", 303)

    @router.post("/login", status_code=204, responses={401: {}, 429: {}})
    def enter(given: Token, request: Request) -> Response:
        """Exchange the token for a session's cookie."""
        wait = limit.wait((request.client or ("local", 0))[0])
        if wait:
            raise Refused(429, "too many tries", "wait a little", wait)
        if not sessions.is_token(given.token.strip()):
            raise Refused(401, "that is not the token", "it stands in the file that [http] token_file names")
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE, sessions.begin(), max_age=LASTS_S, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return response

    @router.post("/logout", status_code=204)
    def leave(request: Request) -> Response:
        """End the session."""
        sessions.end(request.cookies.get(COOKIE, ""))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=secure, path="/")
        return response

    @router.get("/api/v1/me")
    def me(request: Request) -> Who:
        """What the reader may do."""
        known = request.scope.get("user") != "nobody"
        return Who(reads=known or not sessions.guarded, writes=known and sessions.guarded, guarded=sessions.guarded)

    return router
