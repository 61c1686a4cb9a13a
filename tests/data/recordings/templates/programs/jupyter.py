"""Jupyter server: notebooks, kernels that die, terminals, web sockets, wrong tokens, spoilt files, wrong settings."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from tests.data.recordings.templates.python_programs import MARK, environment, install, installed, shortened
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

SETTINGS = f"""
c.ServerApp.log_format = "{MARK}[%(levelname)1.1s %(asctime)s.%(msecs).03d %(name)s] %(message)s"
c.Application.log_format = c.ServerApp.log_format
c.IdentityProvider.token = "right"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.root_dir = "notebooks"
c.ServerApp.shutdown_no_activity_timeout = 0
c.MappingKernelManager.cull_idle_timeout = 6
c.MappingKernelManager.cull_interval = 3
c.MappingKernelManager.cull_connected = True
c.KernelManager.shutdown_wait_time = 1
c.MappingKernelManager.kernel_info_timeout = 3
c.TerminalManager.cull_inactive_timeout = 8
c.TerminalManager.cull_interval = 4
c.ZMQChannelsWebsocketConnection.iopub_data_rate_limit = 20000
c.ZMQChannelsWebsocketConnection.rate_limit_window = 1
c.JupyterWebsocketPersonality.list_kernels = True
c.ContentsManager.allow_hidden = False
"""
LIVES = (
    ("INFO", ()),
    ("DEBUG", ()),
    ("DEBUG", ("--ServerApp.allow_origin=http://other.test", "--ServerApp.password_required=True")),
    ("INFO", ()),
)
WRONG = (
    ("--port=99999",),
    ("--certfile=none.pem",),
    ("--ServerApp.root_dir=/none",),
    ("--config=none.py",),
    ("--ServerApp.none=1", "--NoneApp.x=2"),
    ("--ServerApp.contents_manager_class=none.Manager",),
    ("--ServerApp.jpserver_extensions={'none_extension': True, 'jupyter_server_terminals': False}",),
    ("--ip=203.0.113.7",),
    ("--ServerApp.password=plain", "--ServerApp.ip=*"),
    ("--sock=/proc/none.sock",),
    ("--ServerApp.allow_root=False",),
    ("--ServerApp.port_retries=0",),
)


class Jupyter(TemplateProgram):
    """Jupyter server."""

    name = "jupyter"
    title = "Jupyter server"
    language = "Python"
    half = "held_out"
    how = (
        "log_format with %(pathname)s:%(lineno)d before the usual one; INFO and DEBUG in turn; notebooks, "
        "kernels that die and stall, terminals, web sockets, wrong tokens and requests, spoilt files, mistaken "
        "settings"
    )
    header = r"\[(?P<level>[A-Z]) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \w+\] "
    wrappers: ClassVar = {
        r"warnings\.py:\d+": "warnings of any module",
        r"jupyter_client/manager\.py:115": "prints any error that a kernel's method raised",
        r"tornado/web\.py:2106": "status and request, then what whoever refused it said",
        r"jupyter_server/serverapp\.py:3130": "lines of information collected elsewhere",
        r"jupyter_server/log\.py:110": "the headers of a request as JSON and nothing else",
    }

    @classmethod
    def prepare(cls) -> None:
        """An environment of its own."""
        install(
            cls.name,
            "jupyter_server",
            "ipykernel",
            "nbconvert",
            "jupyter_server_terminals",
            "websocket-client",
            "jupyterlab_server",
        )

    def version(self) -> str:
        """Of the server."""
        return installed(self.name, "jupyter_server")

    def lines(self) -> Iterator[Line]:
        """Marked lines."""
        return shortened(super().lines(), self.home)

    def drive(self) -> None:
        """Four lives with three visitors each; kernels are killed, files are spoilt; then starts that fail."""
        shutil.copy(Path(__file__).with_name("jupyter_visitor.py"), self.home)
        (self.home / "jupyter_server_config.py").write_text(SETTINGS)
        for number, (level, options) in enumerate(LIVES):
            self.files()
            server = self.server(level, *options)
            self.visit(45 if number else 60, number, server)
            server.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)[number])
            if number == 1:
                time.sleep(1)
                server.send_signal(signal.SIGINT)
            self.end(server, 12)
        other = self.server("DEBUG")
        for number, options in enumerate(WRONG):
            child = self.server(("DEBUG", "INFO")[number % 2], *options)
            self.end(child, 0)
        self.end(other, 0)

    def files(self) -> None:
        """Notebooks, some broken, and a broken kind of kernel."""
        folder = self.home / "notebooks"
        (folder / "dir").mkdir(parents=True, exist_ok=True)
        for name in ("a.ipynb", "dir/c.ipynb"):
            (folder / name).write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        (folder / "broken.ipynb").write_text('{"cells": [')
        (folder / "b.txt").write_text("text")
        (folder / "big.bin").write_bytes(bytes(range(256)) * 99)
        (folder / "link.txt").unlink(missing_ok=True)
        (folder / "link.txt").symlink_to("/none")
        kernel = self.home / ".local/share/jupyter/kernels/broken"
        kernel.mkdir(parents=True, exist_ok=True)
        (kernel / "kernel.json").write_text(
            '{"argv": ["none-such-kernel", "{connection_file}"], "display_name": "Broken", "language": "x"}'
        )
        (kernel.parent / "spoilt").mkdir(exist_ok=True)
        (kernel.parent / "spoilt" / "kernel.json").write_text("{")

    def server(self, level: str, *options: str) -> subprocess.Popen[bytes]:
        """Start it and wait a little for its port."""
        argv = [environment(self.name) / "jupyter-server", f"--log-level={level}", *options]
        with self.raw().open("ab") as out:
            child = self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env=self.surroundings())
        with suppress(TimeoutError):
            self.until(lambda: bool(socket.create_connection(("localhost", 8888), 1).close() or True), 15)
        time.sleep(4)
        return child

    def surroundings(self) -> dict[str, str]:
        """The environment variables of all processes."""
        path = f"{environment(self.name)}:{os.environ['PATH']}"
        return {
            **os.environ,
            "HOME": str(self.home),
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "JUPYTER_PLATFORM_DIRS": "0",
            "JUPYTER_CONFIG_DIR": str(self.home),
        }

    def visit(self, seconds: float, seed: int, server: subprocess.Popen[bytes]) -> None:
        """Let three visitors loose, and kill a kernel now and then."""
        python = environment(self.name) / "python"
        argv = [[python, "jupyter_visitor.py", "right", str(seconds), str(seed * 10 + n)] for n in range(3)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        visitors = [self.spawn(one, cwd=self.home, env=self.surroundings(), **quiet) for one in argv]
        rng = self.rng(f"kills/{seed}")
        while any(visitor.poll() is None for visitor in visitors):
            time.sleep(4)
            kernels = subprocess.run(
                ["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=False
            ).stdout.split()
            if kernels:
                subprocess.run(
                    ["kill", rng.choice(("-9", "-STOP", "-15")), rng.choice(kernels)], check=False, capture_output=True
                )

    def end(self, child: subprocess.Popen[bytes], patience: float) -> None:
        """Stop it, in the end by force."""
        for stop, wait in ((lambda: None, patience), (child.terminate, 8.0)):
            stop()
            with suppress(subprocess.TimeoutExpired):
                child.wait(wait)
        child.kill()
        child.wait()


if __name__ == "__main__":
    assert __spec__ is not None
    main(Jupyter, __spec__.name)
