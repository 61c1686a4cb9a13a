"""Who may read and who may write: the token of `[http]`, or the cookie that the page got for it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

from pydantic import SecretStr

COOKIE = "logwatchd"
LASTS_S = 12 * 3600
MOST = 1000
"""Sessions at once; the oldest ends where one more begins."""


class Sessions:
    """Keeps digests only; a restart ends every session.

    Args:
        token: None: everybody reads, nobody writes.
    """

    def __init__(self, token: SecretStr | None) -> None:
        self._token = _digest(token.get_secret_value()) if token else b""
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    @property
    def guarded(self) -> bool:
        """Whether there is a token."""
        return bool(self._token)

    def is_token(self, text: str) -> bool:
        """Whether it is the token; takes as long whatever it is."""
        return self.guarded and hmac.compare_digest(_digest(text), self._token)

    def begin(self) -> str:
        """A new session's cookie."""
        cookie, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._until = {one: until for one, until in self._until.items() if until > now}
            while len(self._until) >= MOST:
                del self._until[next(iter(self._until))]
            self._until[_digest(cookie)] = now + LASTS_S
        return cookie

    def holds(self, cookie: str) -> bool:
        """Whether a cookie is of a session that has not ended."""
        with self._lock:
            return self._until.get(_digest(cookie), 0.0) > time.monotonic()

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._lock:
            self._until.pop(_digest(cookie), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
