"""One POST: bounded in time and size, never led to another host, and silent about secrets.

`http.client` rather than a library above it: the limit in time is on the whole of a request, and ending one in progress
needs its socket.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from pydantic import SecretStr

from logwatch import __version__
from logwatch.api import Clock
from logwatch.config.sinks_secret import secret_line, split_url
from logwatch.errors import ConfigError, DeliveryError, RefusedError
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
        self._tls = _context(config) if self._url.scheme == "https" else None
        self._socket: socket.socket | None = None  # of the request in progress
        self._cut = False

    def post(self, body: bytes, headers: Mapping[str, str], method: str = "POST") -> None:
        """Send; returns once the server has taken it.

        Raises:
            RefusedError: it never will (4xx but for 408, 425 and 429).
            DeliveryError: it did not now.
        """
        self._cut = False
        watch = threading.Timer(self._config.timeout, self.stop)  # a server that drips never runs into a time-out
        watch.daemon = True
        watch.start()
        try:
            self._judge(self._follow(body, headers, method))
        except DeliveryError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DeliveryError(f"{self.host}: {self._why(error)}") from None  # the cause may hold the URL
        finally:
            watch.cancel()

    def stop(self) -> None:
        """End the request in progress, from any thread."""
        self._cut = True
        connected = self._socket
        if connected is not None:
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # TLS's own would pull it from under the reader

    def _why(self, error: Exception) -> str:
        if self._cut or isinstance(error, TimeoutError):
            return f"no answer within {self._config.timeout:g} s"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {error.verify_message}"
        if isinstance(error, ssl.SSLError):
            return f"TLS fails: {error.reason or type(error).__name__}"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
        return f"what it answers is no HTTP: {type(error).__name__}"

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

    @contextmanager
    def _answered(
        self, url: SplitResult, body: bytes, headers: Mapping[str, str], method: str
    ) -> Iterator[http.client.HTTPResponse]:
        connection, target = self._connection(url)
        try:
            connection.connect()
            self._socket = connection.sock
            if self._cut:
                raise TimeoutError
            connection.request(method, target, body, {**self._headers(url), **headers})
            with connection.getresponse() as response:
                if self._cut:  # a head that was cut off reads like a whole one
                    raise TimeoutError
                yield response
        finally:
            self._socket = None
            connection.close()

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
        target = url._replace(scheme="", netloc="", path=url.path or "/").geturl()
        host, port, seconds = url.hostname or "", url.port, self._config.timeout
        proxy = self._proxy(url)
        if proxy is None:
            if self._tls is None:
                return http.client.HTTPConnection(host, port, timeout=seconds), target
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=self._tls), target
        if self._tls is None:
            plain = http.client.HTTPConnection(proxy.hostname or "", proxy.port or 80, timeout=seconds)
            return plain, url._replace(path=url.path or "/").geturl()
        tunnel = http.client.HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=seconds, context=self._tls)
        tunnel.set_tunnel(host, port or 443, _proxy_login(proxy))
        return tunnel, target

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
        if self._config.token_file is not None:
            headers["Authorization"] = f"Bearer {_secret(self._config)}"
        elif self._config.password is not None:
            headers["Authorization"] = _basic(self._config.username, self._config.password.get_secret_value())
        return headers


def _secret(config: HttpConfig) -> str:
    assert config.token_file is not None  # noqa: S101  # for the type checker
    try:
        return secret_line(config.token_file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DeliveryError(f"`token_file` {config.token_file}: {why}") from None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": _basic(unquote(proxy.username), unquote(proxy.password or ""))}


def _context(config: HttpConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.tls_ca)
        if config.tls_cert is not None:
            context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"a sink's `tls_ca`, `tls_cert` or `tls_key` cannot be read: {reason}") from error
    return context
