"""The control socket: how the command line reaches a running daemon.

`STATE/control.sock` (mode 0600) takes one JSON object a line, `{"verb": "status"}`, and answers one. Requests are
carried out by the daemon's own loop, between two batches, never by the thread that reads the socket. Who asks is told
by the kernel, and put into the request as `by`, whatever it says.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from logwatch.errors import UnreachableError

Request = dict[str, Any]
Reply = dict[str, Any]
Handler = Callable[[Request], Reply]

MAX_REQUEST = 64 * 1024
"""Bytes of one request: no verb needs more."""

ANSWER_WITHIN_S = 10.0
"""A daemon that does not answer in this time is busy or stuck, and that is what the caller should hear."""


@contextlib.contextmanager
def _short_path(path: Path) -> Iterator[str]:
    """A name for the socket that fits the 108 bytes of `sun_path`, however deep the state directory is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class ControlSocket:
    """Accepts requests in a thread and hands them to the loop through `serve`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)  # left by a killed daemon; the state's lock says that none is running
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o177)
        try:
            with _short_path(path) as name:
                self._socket.bind(name)
        finally:
            os.umask(old)
        self._socket.listen(8)
        self._waiting: queue.Queue[tuple[Request, queue.Queue[Reply]]] = queue.Queue(maxsize=32)
        self._closed = threading.Event()
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                if self._closed.wait(0.1):
                    return
                continue  # out of descriptors for a moment
            threading.Thread(target=self._talk, args=(peer,), name="control-peer", daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.settimeout(ANSWER_WITHIN_S)
            try:
                request = _read_object(peer) | {"by": _peer(peer)}
                answer: queue.Queue[Reply] = queue.Queue(maxsize=1)
                self._waiting.put_nowait((request, answer))
                reply = answer.get(timeout=ANSWER_WITHIN_S)
            except ValueError as error:
                reply = {"error": f"not a request: {error}"}
            except (queue.Full, queue.Empty):
                reply = {"error": "busy: the daemon's loop did not take the request in time"}
            peer.sendall(json.dumps(reply).encode() + b"\n")

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Carry out what waits; called by the loop between two batches."""
        while True:
            try:
                request, answer = self._waiting.get_nowait()
            except queue.Empty:
                return
            verb = request.get("verb")
            handler = handlers.get(verb) if isinstance(verb, str) else None
            answer.put(handler(request) if handler else {"error": f"unknown verb {verb!r}; known: {sorted(handlers)}"})

    def close(self) -> None:
        """Stop accepting. Safe to call twice."""
        self._closed.set()
        self._socket.close()
        self._path.unlink(missing_ok=True)


def _peer(peer: socket.socket) -> str:
    """Who is at the other end, as the kernel knows: `alice (uid 1000)`."""
    sent = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return user(struct.unpack("3i", sent)[1])


def user(uid: int) -> str:
    """A user of this machine."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def _read_object(peer: socket.socket) -> Request:
    data = b""
    while not data.endswith(b"\n") and len(data) <= MAX_REQUEST:
        piece = peer.recv(4096)
        if not piece:
            break
        data += piece
    if len(data) > MAX_REQUEST:
        raise ValueError("longer than 64 KiB")
    request = json.loads(data)
    if not isinstance(request, dict):
        raise ValueError("not an object")
    return request


def ask(state: Path, request: Request) -> Reply:
    """Send one request to the daemon that owns `state`.

    Raises:
        UnreachableError: no daemon listens there.
    """
    path = state / "control.sock"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer, _short_path(path) as name:
            peer.settimeout(ANSWER_WITHIN_S + 1)
            peer.connect(name)
            peer.sendall(json.dumps(request).encode() + b"\n")
            with peer.makefile("rb") as answer:
                reply: Reply = json.loads(answer.readline())
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"no daemon answers on {path}", "start one with `logwatchd run -c FILE`, or name its directory with --state"
        ) from error
    return reply
