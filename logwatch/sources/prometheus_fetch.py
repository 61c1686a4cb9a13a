"""One GET of an exposition: bounded in time and size, unpacked, and never led elsewhere."""

from __future__ import annotations

import http.client
import ssl
import zlib
from contextlib import AbstractContextManager
from urllib.parse import SplitResult, urljoin, urlsplit

from logwatch import __version__
from logwatch.exchange import FAILURES, Exchange, authorization, target_of, tls_context
from logwatch.sources.prometheus_config import PrometheusConfig

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
TAKEN = ("", "text/plain", "application/openmetrics-text")
"""Media types that are expositions."""

REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_BLOCK = 65_536


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
        self._exchange = Exchange(self._seconds, _context(config) if self._url.scheme == "https" else None)
        self.stop = self._exchange.stop

    def get(self) -> bytes:
        """The exposition. Raises ScrapeFailed."""
        try:
            with self._exchange.within():
                return self._follow()
        except ScrapeFailed:
            raise
        except (*FAILURES, zlib.error) as error:
            raise ScrapeFailed(self._exchange.why(error)) from error

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

    def _answer(self, url: SplitResult) -> AbstractContextManager[http.client.HTTPResponse]:
        connection = self._exchange.connection(url.hostname or "", url.port)
        return self._exchange.answered(connection, "GET", target_of(url), None, self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": ACCEPT, "Accept-Encoding": "gzip", "Connection": "close",
            "User-Agent": f"logwatchd/{__version__}",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{self._seconds:g}",
        } | authorization(self._config)  # fmt: skip

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
        self._exchange.check()
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
            self._exchange.check()
            raise ScrapeFailed("the answer is cut off")
        return bytes(body)

    def _check_size(self, body: bytearray) -> None:
        if len(body) > self._config.max_bytes:
            raise ScrapeFailed("the answer is larger than `max_bytes`")


def _context(config: PrometheusConfig) -> ssl.SSLContext:
    context = tls_context(config, "a Prometheus source")
    if not config.tls_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
