"""One POST: bounded in time and size, never led to another host, and silent about secrets."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from pydantic import SecretStr

from logwatch import __version__
from logwatch.api import Clock
from logwatch.config.url import split_url
from logwatch.errors import DeliveryError, RefusedError
from logwatch.exchange import FAILURES, Exchange, authorization, basic, target_of, tls_context
from logwatch.sinks.http_config import HttpConfig

READ_MOST = 65_536
"""Bytes of an answer that are read; what is in them is of no interest, but a connection cut early looks like abuse."""

REDIRECTS = 3
_SAME_AGAIN = (307, 308)  # the others would turn a POST into a GET
_LATER = (408, 425, 429)
_BLOCK = 8192


class Answer(NamedTuple):
    """What a server said."""

    status: int
    retry_after: float  # seconds; 0: nothing said
    location: str


class HttpPost:
    """Sends bodies to one URL.

    Args:
        url: where to; http or https.
        config: how to connect.
        clock: for dates in `Retry-After`.

    Raises:
        ConfigError: a certificate cannot be read.
    """

    def __init__(self, url: SecretStr, config: HttpConfig, clock: Clock) -> None:
        self._url, self._config, self._clock = split_url(url.get_secret_value()), config, clock
        self.host = self._url.hostname or ""
        self._tls = tls_context(config, "a sink") if self._url.scheme == "https" else None
        self._exchange = Exchange(config.timeout, self._tls)
        self.stop = self._exchange.stop

    def post(self, body: bytes, headers: Mapping[str, str], method: str = "POST") -> None:
        """Send; returns once the server has taken it.

        Raises:
            RefusedError: it never will (4xx but for 408, 425 and 429).
            DeliveryError: it did not now.
        """
        try:
            with self._exchange.within():
                self._judge(self._follow(body, headers, method))
        except DeliveryError:
            raise
        except FAILURES as error:
            raise DeliveryError(f"{self.host}: {self._exchange.why(error)}") from None  # the cause may hold the URL

    def _judge(self, answer: Answer) -> None:
        if 200 <= answer.status < 300:
            return
        said = http.client.responses.get(answer.status, "")
        message = f"{self.host}: answers {answer.status} {said}".rstrip()
        if 400 <= answer.status < 500 and answer.status not in _LATER:
            raise RefusedError(message)
        raise DeliveryError(message, retry_after=answer.retry_after)

    def _follow(self, body: bytes, headers: Mapping[str, str], method: str) -> Answer:
        url = self._url
        for _ in range(REDIRECTS + 1):
            with self._answered(url, body, headers, method) as response:
                answer = self._read(response)
            if answer.status not in _SAME_AGAIN:
                break
            there = urlsplit(urljoin(url.geturl(), answer.location))
            if not answer.location or (there.scheme, there.netloc) != (url.scheme, url.netloc):
                raise DeliveryError(f"{self.host}: redirects elsewhere, which is not followed")
            url = there
        if 300 <= answer.status < 400:
            raise DeliveryError(f"{self.host}: answers {answer.status}, a redirect that is not followed")
        return answer

    def _answered(
        self, url: SplitResult, body: bytes, headers: Mapping[str, str], method: str
    ) -> AbstractContextManager[http.client.HTTPResponse]:
        connection, target = self._connection(url)
        return self._exchange.answered(connection, method, target, body, {**self._headers(url), **headers})

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        left = READ_MOST
        with suppress(http.client.IncompleteRead):  # the status was said: the rest does not matter
            while left > 0 and (block := response.read1(min(left, _BLOCK))):
                left -= len(block)
        later = self._retry_after(response.getheader("Retry-After") or "")
        return Answer(response.status, later, response.getheader("Location") or "")

    def _retry_after(self, text: str) -> float:
        """Seconds or a date (RFC 9110, 10.2.3); what is neither is nothing."""
        text = text.strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return 0.0
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, date.timestamp() - self._clock.now() / 1e9)

    def _connection(self, url: SplitResult) -> tuple[http.client.HTTPConnection, str]:
        """A connection that is still to be made, and what to ask it for."""
        proxy = self._proxy(url)
        if proxy is None:
            return self._exchange.connection(url.hostname or "", url.port), target_of(url)
        connection = self._exchange.connection(proxy.hostname or "", proxy.port or 80)
        if self._tls is None:
            return connection, url._replace(path=url.path or "/").geturl()
        connection.set_tunnel(url.hostname or "", url.port or 443, _proxy_login(proxy))
        return connection, target_of(url)

    def _proxy(self, url: SplitResult) -> SplitResult | None:
        if not self._config.proxy or urllib.request.proxy_bypass(url.netloc):
            return None
        found = urllib.request.getproxies().get(url.scheme, "")
        return urlsplit(found if "://" in found else f"http://{found}") if found else None

    def _headers(self, url: SplitResult) -> dict[str, str]:
        headers = {"User-Agent": f"logwatchd/{__version__}", "Accept": "*/*", "Connection": "close"}
        proxy = self._proxy(url)
        if proxy is not None and self._tls is None:
            headers |= _proxy_login(proxy)
        return headers | authorization(self._config)


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": basic(unquote(proxy.username), unquote(proxy.password or ""))}
