"""One HTTP request and its answer: bounded in time as a whole, ended from any thread, and silent about secrets.

`http.client` rather than a library above it: the limit in time is on the whole of a request, and ending one in progress
needs its socket.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult

from logwatch.config.login import Login
from logwatch.config.secret import secret_line
from logwatch.errors import ConfigError

FAILURES = (OSError, http.client.HTTPException, ValueError)
"""What a request may end with; `Exchange.why` puts it into words."""


class NoToken(ValueError):
    """The file of the token holds none now; the message is for people."""


class Exchange:
    """Asks servers, one request at a time.

    Args:
        seconds: how long all that is done `within` may take.
        tls: how to speak TLS; None: without.
    """

    def __init__(self, seconds: float, tls: ssl.SSLContext | None) -> None:
        self._seconds, self._tls = seconds, tls
        self._socket: socket.socket | None = None  # of the request in progress
        self._cut = False

    @contextmanager
    def within(self) -> Iterator[None]:
        """Inside, what is asked ends in time, redirects and all."""
        self._cut = False
        watch = threading.Timer(self._seconds, self.stop)  # a server that drips never runs into a socket's own time-out
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def stop(self) -> None:
        """End the request in progress, from any thread."""
        self._cut = True
        connected = self._socket
        if connected is not None:
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # TLS's own would pull it from under the reader

    def connection(self, host: str, port: int | None) -> http.client.HTTPConnection:
        """A connection that is still to be made."""
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._seconds)
        return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._tls)

    @contextmanager
    def answered(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None,
        headers: Mapping[str, str],
    ) -> Iterator[http.client.HTTPResponse]:  # fmt: skip
        """Ask; inside, the answer can be read. Raises one of `FAILURES`."""
        try:
            connection.connect()
            self._socket = connection.sock  # the connection forgets it with an answer that ends with it
            self.check()
            connection.request(method, target, body, dict(headers))
            with connection.getresponse() as response:
                self.check()  # a head that was cut off reads like a whole one
                yield response
        finally:
            self._socket = None
            connection.close()

    def check(self) -> None:
        """Raises TimeoutError where the request was ended: what was read is not all."""
        if self._cut:
            raise TimeoutError

    def why(self, error: Exception) -> str:
        """What went wrong, without a word of the server's or of the URL's."""
        if isinstance(error, NoToken):
            return str(error)
        if self._cut or isinstance(error, TimeoutError):
            return f"no answer within {self._seconds:g} s"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {error.verify_message}"
        if isinstance(error, ssl.SSLError):
            return f"TLS fails: {error.reason or type(error).__name__}"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
        return f"the answer cannot be read: {type(error).__name__}"


def target_of(url: SplitResult) -> str:
    """What to ask the URL's own server for."""
    path = url.path or "/"
    return f"{path}?{url.query}" if url.query else path


def tls_context(login: Login, whose: str) -> ssl.SSLContext:
    """How to speak TLS. Raises ConfigError, which says whose certificate or key cannot be read."""
    try:
        context = ssl.create_default_context(cafile=login.tls_ca)
        if login.tls_cert is not None:
            context.load_cert_chain(login.tls_cert, login.tls_key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(
            f"a certificate or key of {whose} (`tls_ca`, `tls_cert`, `tls_key`) cannot be read: {reason.lower()}"
        ) from error
    return context


def authorization(login: Login) -> dict[str, str]:
    """The header that logs in, if any. Raises NoToken."""
    if login.token_file is not None:
        try:
            token = secret_line(login.token_file)
        except OSError as error:
            raise NoToken(f"`token_file` cannot be read: {(error.strerror or str(error)).lower()}") from None
        except ValueError:
            token = ""
        if not token or " " in token:
            raise NoToken("`token_file` holds no token")
        return {"Authorization": f"Bearer {token}"}
    if login.password is not None:
        return {"Authorization": basic(login.username, login.password.get_secret_value())}
    return {}


def basic(user: str, password: str) -> str:
    """A login as RFC 7617 writes it."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
