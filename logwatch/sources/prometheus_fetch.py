"""One GET of an exposition: bounded in time and size, unpacked, and never led elsewhere."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from logwatch import __version__
from logwatch.errors import ConfigError
from logwatch.sources.prometheus_config import PrometheusConfig

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
TAKEN = ("", "text/plain", "application/openmetrics-text")
"""Media types that are expositions."""

REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_BLOCK = 65_536
_LONGEST_TOKEN = 65_536


class ScrapeFailed(Exception):
    """A target that gave no exposition; the message says why, and holds nothing that the target said."""


class Fetch:
    """Fetches one target.

    Args:
        config: how to connect.
        url: what to fetch.

    Raises:
        ConfigError: a certificate cannot be read.
    """

    def __init__(self, config: PrometheusConfig, url: str) -> None:
        self._config, self._url = config, urlsplit(url)
        self._seconds = min(config.timeout, config.interval)
        self._tls = _context(config) if self._url.scheme == "https" else None
        self._socket: socket.socket | None = None  # of the fetch in progress
        self._cut = False

    def get(self) -> bytes:
        """The exposition. Raises ScrapeFailed."""
        self._cut = False
        watch = threading.Timer(self._seconds, self.stop)  # a target that drips never runs into a socket's own timeout
        watch.daemon = True
        watch.start()
        try:
            return self._follow()
        except ScrapeFailed:
            raise
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise ScrapeFailed(self._late() if self._cut else _reason(error, self._late())) from error
        finally:
            watch.cancel()

    def stop(self) -> None:
        """End the fetch in progress, from any thread."""
        self._cut = True
        connected = self._socket
        if connected is not None:
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # TLS's own would pull it from under the reader

    def _late(self) -> str:
        return f"no whole answer within {self._seconds:g} s"

    def _follow(self) -> bytes:
        url = self._url
        for _ in range(REDIRECTS + 1):
            with self._answer(url) as answer:
                if answer.status not in _MOVED:
                    return self._exposition(answer)
                url = self._moved(url, answer.getheader("Location") or "")
        raise ScrapeFailed(f"more than {REDIRECTS} redirects")

    def _moved(self, url: SplitResult, location: str) -> SplitResult:
        there = urlsplit(urljoin(url.geturl(), location))
        if not location or (there.scheme, there.netloc) != (self._url.scheme, self._url.netloc):
            raise ScrapeFailed("redirected to another host, which is not followed")
        return there

    @contextmanager
    def _answer(self, url: SplitResult) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection(url)
        try:
            connection.connect()
            self._socket = connection.sock  # the connection forgets it with an answer that ends with it
            path = url.path or "/"
            connection.request("GET", f"{path}?{url.query}" if url.query else path, headers=self._headers())
            with connection.getresponse() as answer:
                if self._cut:
                    raise ScrapeFailed(self._late())
                yield answer
        finally:
            self._socket = None
            connection.close()

    def _connection(self, url: SplitResult) -> http.client.HTTPConnection:
        host = url.hostname or ""
        if self._tls is None:
            return http.client.HTTPConnection(host, url.port, timeout=self._seconds)
        return http.client.HTTPSConnection(host, url.port, timeout=self._seconds, context=self._tls)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": ACCEPT, "Accept-Encoding": "gzip", "Connection": "close",
            "User-Agent": f"logwatchd/{__version__}",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{self._seconds:g}",
        }  # fmt: skip
        if self._config.token_file is not None:
            headers["Authorization"] = f"Bearer {_token(self._config.token_file)}"
        elif self._config.password is not None:
            login = f"{self._config.username}:{self._config.password.get_secret_value()}"
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        return headers

    def _exposition(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.status != 200:
            raise ScrapeFailed(f"status {answer.status}")
        media = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        if media not in TAKEN:
            raise ScrapeFailed("the answer is no exposition, by its Content-Type")
        packed = (answer.getheader("Content-Encoding") or "identity").strip().lower()
        if packed not in ("identity", "gzip"):
            raise ScrapeFailed("the answer is packed in a way that was not asked for")
        body = self._unpacked(answer) if packed == "gzip" else self._body(answer)
        if self._cut:
            raise ScrapeFailed(self._late())
        if answer.length or (media == TAKEN[-1] and not body.rstrip(b"\r\n").endswith(b"# EOF")):
            raise ScrapeFailed("the answer is cut off")
        if body[:_BLOCK].lstrip().startswith(b"<"):
            raise ScrapeFailed("the answer is no exposition, but a page")
        return body

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        body = bytearray()
        while block := answer.read(_BLOCK):
            body += block
            self._check_size(body)
        return bytes(body)

    def _unpacked(self, answer: http.client.HTTPResponse) -> bytes:
        body, stream = bytearray(), zlib.decompressobj(31)
        while not stream.eof and (block := answer.read(_BLOCK)):
            body += stream.decompress(block, self._config.max_bytes + 1 - len(body))
            self._check_size(body)
        if not stream.eof:
            raise ScrapeFailed(self._late() if self._cut else "the answer is cut off")
        return bytes(body)

    def _check_size(self, body: bytearray) -> None:
        if len(body) > self._config.max_bytes:
            raise ScrapeFailed("the answer is larger than `max_bytes`")


def _token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            token = file.read(_LONGEST_TOKEN).strip()
    except OSError as error:
        raise ScrapeFailed(f"`token_file` cannot be read: {_reason(error, '')}") from error
    if not token or not all(32 < byte < 127 for byte in token):
        raise ScrapeFailed("`token_file` holds no token")
    return token.decode()


def _context(config: PrometheusConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.tls_ca)
        if config.tls_cert is not None:
            context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"a certificate or key of a Prometheus source cannot be read: {_reason(error, '')}"
        ) from error
    if not config.tls_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _reason(error: Exception, late: str) -> str:
    """What went wrong, without a word of the target's."""
    if isinstance(error, TimeoutError):
        return late
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails: {error.reason or type(error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"the answer cannot be read: {type(error).__name__}"
