"""Celery: two workers and a beat on a Redis broker, with failing tasks, killed processes and broken messages."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.python_programs import MARK, environment, install, installed, shortened
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

SETTINGS = f"""
import os
broker_url = "redis://localhost:6379/0"
result_backend = os.environ.get("BACKEND", "redis://localhost:6379/1")
broker_connection_retry_on_startup = True
broker_connection_max_retries = 6
worker_redirect_stdouts_level = "INFO"
worker_log_color = False
result_extended = True
task_send_sent_event = True
task_queue_max_priority = 5
result_expires = 600
broker_transport_options = {{"visibility_timeout": 20}}
worker_log_format = "{MARK}[%(asctime)s: %(levelname)s/%(processName)s] %(message)s"
worker_task_log_format = "{MARK}[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s"
"""
OUTCOME = re.compile(
    r"Task \S+\[\S+\] (succeeded|retry|raised expected|raised unexpected|INTERNAL ERROR|ignored|reject )"
)


class CeleryProgram(TemplateProgram):
    """Celery."""

    name = "celery"
    title = "Celery with a Redis broker and beat"
    language = "Python"
    half = "design"
    how = (
        "log formats with %(pathname)s:%(lineno)d before the usual ones; two workers in one log, INFO and DEBUG "
        "in turn; tasks that fail, retry and run too long, killed processes, remote control, broken messages, "
        "Redis gone, mistaken starts"
    )
    limit = 8_000
    header = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: (?P<level>[A-Z]+)/[^\]]*\] "

    wrappers: ClassVar = {
        r"celery/utils/log\.py:\d+": "what tasks and Python itself print to stdout and stderr",
        r"celery/bootsteps\.py:259": "forwards the debug texts of all boot steps",
        r"warnings\.py:\d+": "warnings of any module",
    }

    @classmethod
    def prepare(cls) -> None:
        """Celery in an environment of its own; Redis comes from Debian."""
        install(cls.name, "celery[redis]", "sqlalchemy", "eventlet")

    def version(self) -> str:
        """Of Celery."""
        return installed(self.name, "celery")

    def lines(self) -> Iterator[Line]:
        """Marked lines; the two functions that print what became of a task have a place for each format."""
        for line in shortened(super().lines(), self.home):
            found = OUTCOME.search(line.text) if line.location.startswith("celery/app/trace.py:") else None
            yield Line(line.text, f"{line.location} {found[1].strip()}") if found else line

    def drive(self) -> None:
        """Quiet work at INFO, then at DEBUG every kind of trouble, then mistakes at the start."""
        here = Path(__file__).parent
        shutil.copy(here / "celery_shop.py", self.home / "shop.py")
        shutil.copy(here / "celery_shop_client.py", self.home / "client.py")
        (self.home / "settings.py").write_text(SETTINGS)
        redis = self.redis()
        rng = self.rng("work")
        self.shift(rng, "info", 60, ["--concurrency", "3"], ["--pool", "threads", "--concurrency", "4"])
        self.shift(
            rng, "debug", 70, ["--autoscale", "4,1", "--max-tasks-per-child", "40"], ["--pool", "solo"], self.trouble
        )
        self.shift(rng, "debug", 35, ["--concurrency", "2", "-E"], ["--pool", "eventlet"], self.orders)
        self.shift(
            rng, "info", 45, ["--concurrency", "2", "--purge", "--max-memory-per-child", "1000"], [], self.outage
        )
        self.shift(rng, "debug", 30, ["--concurrency", "2", "--without-gossip"], ["--without-mingle"], self.outage)
        self.mistakes()
        redis.terminate()

    def redis(self) -> subprocess.Popen[bytes]:
        """The broker."""
        child = self.spawn(["redis-server", "--save", "", "--dir", self.home], stdout=subprocess.DEVNULL)
        self.until(lambda: not subprocess.call(["redis-cli", "ping"], stdout=subprocess.DEVNULL))
        return child

    def celery(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a celery command; what it prints goes to the recording."""
        with self.raw().open("ab") as out:
            return self.spawn(
                [environment(self.name) / "celery", *arguments],
                cwd=self.home,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "C_FORCE_ROOT": "1", **settings},
            )

    def worker(self, name: str, level: str, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker of the shop."""
        queues = "celery,mail" if name == "big" else "celery,exports"
        return self.celery(
            "-A", "shop", "worker", "-l", level, "-n", f"{name}@bastion1", "-Q", queues, *options, **settings
        )

    def shift(
        self,
        rng: Random,
        level: str,
        seconds: float,
        big: list[str],
        small: list[str],
        extra: Callable[[Random, list[subprocess.Popen[bytes]]], None] | None = None,
    ) -> None:
        """Two workers and beat at work for a while."""
        workers = [self.worker("big", level, *big), self.worker("small", level, *small)]
        beat = self.celery("-A", "shop", "beat", "-l", level, "--max-interval", "4")
        time.sleep(6)
        load = self.client("work", seconds, rng.randrange(10**6))
        if extra:
            extra(rng, workers)
        load.wait()
        for child in [beat, *workers]:
            child.terminate()
        for child in [beat, *workers]:
            with suppress(subprocess.TimeoutExpired):
                child.wait(15)
            child.kill()

    def client(self, what: str, seconds: float, seed: int) -> subprocess.Popen[bytes]:
        """Run the shop's client, which sends tasks and does not log."""
        argv = [environment(self.name) / "python", "client.py", what, str(seconds), str(seed)]
        return self.spawn(argv, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def trouble(self, rng: Random, workers: list[subprocess.Popen[bytes]]) -> None:
        """Broken messages, killed pool processes, a worker that is told to restart."""
        for number in range(12):
            time.sleep(4)
            self.broken_message(number)
            if number % 3 == 1:
                children = subprocess.check_output(["pgrep", "-P", str(workers[0].pid)], text=True).split()
                subprocess.call(["kill", "-9", rng.choice(children)])

    def orders(self, _rng: Random, workers: list[subprocess.Popen[bytes]]) -> None:
        """Remote control; then a worker is stopped, killed and started again."""
        self.client("control", 0, 1).wait()
        workers[1].kill()
        time.sleep(6)
        workers[1] = self.worker("small", "debug", "--pool", "threads")
        workers[0].terminate()
        workers[0].wait(30)
        workers[0] = self.worker("small", "debug", "--concurrency", "1")  # the name is taken
        time.sleep(6)

    def outage(self, _rng: Random, _workers: list[subprocess.Popen[bytes]]) -> None:
        """The broker goes away, twice; the second time it comes back loading nothing."""
        for seconds in (3, 9):
            time.sleep(5)
            subprocess.call(["redis-cli", "shutdown", "nosave"])
            time.sleep(seconds)
            self.redis()
            subprocess.call(["redis-cli", "client", "kill", "type", "normal"], stdout=subprocess.DEVNULL)

    def broken_message(self, number: int) -> None:
        """Put something into the queue that no Celery client would."""
        body = base64.b64encode(json.dumps([[number], {}, {}]).encode()).decode()
        headers = {"task": "shop.price", "id": f"broken-{number}", "lang": "py"}
        properties = {
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "delivery_tag": f"t{number}",
            "body_encoding": "base64",
        }
        message = {
            "body": body,
            "headers": headers,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "properties": properties,
        }
        spoiled = [
            {**message, "headers": {}},
            {**message, "content-type": "application/x-python-serialize"},
            {**message, "headers": {**headers, "task": f"shop.unknown_{number}"}},
            {**message, "content-type": "text/weird"},
            {**message, "headers": {**headers, "eta": "tomorrow"}},
            {**message, "headers": {**headers, "expires": "never"}},
            {**message, "body": base64.b64encode(b"{not json").decode()},
            {**message, "headers": {**headers, "argsrepr": "(7,)", "retries": 99}},
        ][number % 8]
        subprocess.call(["redis-cli", "lpush", "celery", json.dumps(spoiled)], stdout=subprocess.DEVNULL)

    def mistakes(self) -> None:
        """Workers that cannot start, or cannot reach anything."""
        starts = [
            (["-A", "shop", "worker", "-l", "debug", "-b", "redis://localhost:7777/0"], {}),
            (["-A", "nothing", "worker"], {}),
            (["-A", "shop", "worker", "--pool", "gevent"], {}),
            (["-A", "shop", "worker", "-l", "debug", "-b", "amqp://guest@localhost:5555//"], {}),
            (["-A", "shop", "worker", "-l", "debug"], {"BACKEND": "db+sqlite:///none/such/results.db"}),
            (["-A", "shop", "worker", "-l", "debug", "-b", "filesystem://"], {"BACKEND": "file:///none"}),
            (["-A", "shop", "worker", "-l", "info", "-b", "memory://"], {"BACKEND": "cache+memory://"}),
            (["-A", "shop", "beat", "-l", "debug", "-s", "/none/such/schedule"], {}),
            (["-A", "shop", "beat", "-l", "debug", "-b", "redis://localhost:7777/0"], {}),
        ]
        for arguments, settings in starts:
            child = self.celery(*arguments, **settings)
            time.sleep(9)
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(8)
            child.kill()


if __name__ == "__main__":
    assert __spec__ is not None
    main(CeleryProgram, __spec__.name)
