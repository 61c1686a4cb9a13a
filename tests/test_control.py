"""The control socket: private, bounded, served by the loop."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from logwatch.control import ControlSocket, ask
from logwatch.errors import UnreachableError


def _serve(control: ControlSocket, stop: threading.Event) -> None:
    while not stop.wait(0.01):
        control.serve({"status": lambda request: {"echo": request.get("x")}})


def test_requests_are_answered_by_the_loop_even_in_a_deep_directory(tmp_path: Path) -> None:
    state = tmp_path / ("d" * 100) / ("e" * 100)
    state.mkdir(parents=True)
    control = ControlSocket(state / "control.sock")
    stop = threading.Event()
    loop = threading.Thread(target=_serve, args=(control, stop))
    loop.start()
    try:
        assert stat.S_IMODE((state / "control.sock").stat().st_mode) == 0o600
        assert ask(state, {"verb": "status", "x": 7}) == {"echo": 7}
        assert "unknown verb" in ask(state, {"verb": "rm"})["error"]
        assert "not a request" in ask(state, [1])["error"]
    finally:
        stop.set()
        loop.join()
        control.close()
    with pytest.raises(UnreachableError, match="logwatchd run"):
        ask(state, {"verb": "status"})


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    first = ControlSocket(tmp_path / "control.sock")
    second = ControlSocket(tmp_path / "control.sock")
    first._socket.close()
    second.close()
