"""uvicorn in a thread of its own: it shares the interpreter with the daemon's loop, and nothing else."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from logwatch.config.http import Address
from logwatch.errors import ConfigError, UnreachableError
from logwatch.telemetry import Logger
from logwatch.web.guard import App

log = Logger(__name__)

CLIENTS = 256
"""Connections at once; more are told 503."""

STOP_WITHIN_S = 3.0
BACKLOG = 128


class Bound(NamedTuple):
    """Sockets that listen already, so that a busy port is known before anything else begins."""

    sockets: tuple[socket.socket, ...]
    address: Address  # with the port that was given

    def close(self) -> None:
        """Let go of them."""
        for one in self.sockets:
            one.close()


def bind(place: Address) -> Bound:
    """Listen on an address. Raises UnreachableError where it is taken, ConfigError where it is not this machine's."""
    try:
        found = socket.getaddrinfo(place.host or None, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # one socket of IPv4 serves "localhost"; of every address, one that takes both families
        family, _, _, _, where = sorted(found, key=lambda one: one[0] != socket.AF_INET)[0]
        if not place.host and socket.has_dualstack_ipv6():
            family, where = socket.AF_INET6, ("::", place.port)
        one = socket.create_server(
            where[:2], family=family, backlog=BACKLOG,
            dualstack_ipv6=not place.host and family == socket.AF_INET6,
        )  # fmt: skip
    except socket.gaierror as error:
        raise ConfigError(f"[http] {place}: no such host: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UnreachableError(
                f"[http] {place} is taken by another program", "choose another port, or stop what listens there"
            ) from error
        raise ConfigError(f"[http] cannot listen on {place}: {error.strerror}") from error
    return Bound((one,), place._replace(port=int(one.getsockname()[1])))


class Server:
    """Serves applications on bound sockets until closed.

    Args:
        tls: certificate and key, for all but the probes.
    """

    def __init__(self, served: Sequence[tuple[Bound, App, tuple[str, str] | None]]) -> None:
        self._served = served
        self._servers: list[Any] = []
        self._threads: list[threading.Thread] = []
        self.ending = False  # whether what streams is to end

    def start(self) -> None:
        """From now on."""
        import uvicorn

        for bound, app, tls in self._served:
            config = uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=False,
                limit_concurrency=CLIENTS, timeout_keep_alive=15, timeout_graceful_shutdown=1, loop="asyncio",
                http="h11", ws="none", h11_max_incomplete_event_size=16_384, proxy_headers=False,
            )  # fmt: skip
            if tls is not None:
                config.ssl_certfile, config.ssl_keyfile = tls
            server = uvicorn.Server(config)
            self._servers.append(server)
            name = f"http-{bound.address.port}"
            thread = threading.Thread(target=self._run, args=(server, bound), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
            log.info("listening", url=f"{'https' if tls else 'http'}://{bound.address}")

    @staticmethod
    def _run(server: Any, bound: Bound) -> None:
        try:
            server.run(sockets=list(bound.sockets))
        except Exception as error:  # noqa: BLE001  # whatever ends it must not end the daemon in silence
            log.error("the HTTP server ended", reason=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Stop; open requests have three seconds."""
        self.ending = True
        for server in self._servers:
            server.should_exit = True
        for thread in self._threads:
            thread.join(STOP_WITHIN_S)
        for bound, _, _ in self._served:
            bound.close()


@contextlib.contextmanager
def serving(server: Server) -> Iterator[None]:
    """Inside, it serves."""
    server.start()
    try:
        yield
    finally:
        server.close()
