"""A depot for parcels' papers, run by its recording: pages, storage, uploads, transfers, jobs, all logging for real.

Every line is marked with the place that logged it; functions that only forward are passed over (``FORWARDERS``).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import aiohttp
import asyncssh
import boto3
import paramiko
import requests
import urllib3
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from botocore.config import Config
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

FORWARDERS = {
    ("logging/__init__.py", ""),
    ("asyncssh/logging.py", ""),
    ("paramiko/transport.py", "_log"),
    ("paramiko/sftp.py", "_log"),
    ("paramiko/sftp_client.py", "_log"),
    ("paramiko/channel.py", "_log"),
    ("sqlalchemy/log.py", ""),
    ("sqlalchemy/engine/base.py", "_log_info"),
    ("sqlalchemy/engine/base.py", "_log_debug"),
}
log = logging.getLogger("depot")
HOME = Path.cwd()
RIGHT = "right"
S3 = "http://localhost:5000"


def place(frame: FrameType | None) -> str:
    """Where the line was logged, past all that only forward."""
    while frame:
        path = "/".join(frame.f_code.co_filename.rsplit("/", 2)[1:])
        tail = frame.f_code.co_filename
        if not any(tail.endswith(f"/{file}") and name in ("", frame.f_code.co_name) for file, name in FORWARDERS):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return path


class Placed(logging.Handler):
    """Prints lines with their place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line; the frames of logging itself are passed over."""
        try:
            said = self.format(record)
        except Exception:  # noqa: BLE001 - a line that cannot be formatted is still a line
            said = f"- unformatted {record.msg}"
        sys.stderr.write(f"@@{place(sys._getframe(1))}@@{said}\n")


class Depot:
    """All parts of the service."""

    def __init__(self) -> None:
        self.engine = create_async_engine(
            f"sqlite+aiosqlite:///{HOME}/depot.db", pool_size=3, max_overflow=1, pool_timeout=2
        )
        config = Config(retries={"max_attempts": 2}, connect_timeout=1, read_timeout=2, s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": "depot", "aws_secret_access_key": "secret", "region_name": "eu-west-1"}
        self.s3 = boto3.client("s3", endpoint_url=S3, config=config, **keys)
        self.sqs = boto3.client("sqs", endpoint_url=S3, config=config, **keys)
        self.session = requests.Session()
        retries = urllib3.Retry(total=3, backoff_factor=0.1, status_forcelist=(500, 503), allowed_methods=None)
        self.session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries, pool_maxsize=2))
        self.jobs = AsyncIOScheduler()

    async def papers(self, request: web.Request) -> web.Response:
        """List or add papers."""
        async with self.engine.begin() as link:
            if request.method == "POST":
                told = await request.json()
                row = {"name": told["name"], "size": told.get("size", 0)}
                await link.execute(text("INSERT INTO papers (name, size) VALUES (:name, :size)"), row)
                log.info("paper %s added, %d bytes", row["name"], row["size"])
            rows = await link.execute(text("SELECT id, name FROM papers ORDER BY id DESC LIMIT 5"))
            return web.json_response([tuple(row) for row in rows])

    async def spoil(self, request: web.Request) -> web.Response:
        """Statements that fail."""
        async with self.engine.connect() as link:
            await link.execute(text(request.query.get("sql", "SELECT nothing FROM nowhere")))
        return web.Response(text="done")

    async def slow(self, request: web.Request) -> web.Response:
        """Hold a connection of the pool."""
        async with self.engine.connect() as link:
            await link.execute(text("SELECT 1"))
            await asyncio.sleep(float(request.query.get("s", "1")))
        return web.Response(text="slow")

    async def fetch(self, request: web.Request) -> web.Response:
        """Fetch a page."""
        url = request.query["url"]
        timeout = aiohttp.ClientTimeout(total=1.5)
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url) as answer:
            return web.Response(text=str(len(await answer.text())))

    async def threaded(self, request: web.Request) -> web.Response:
        """Work of the libraries that block."""
        work = {"upload": self.upload, "transfer": self.transfer, "queue": self.queue, "call": self.call}
        await asyncio.to_thread(work[request.match_info["work"]], random.randrange(1000))
        return web.Response(text="ok")

    def upload(self, n: int) -> None:
        """Put, list, get, delete objects; some of them wrongly."""
        path = HOME / "papers" / f"paper-{n}.txt"
        path.write_bytes(os.urandom(1000) * random.choice((1, 1, 10_000)))
        bucket = random.choice(("papers", "papers", "papers", "missing"))
        self.s3.upload_file(str(path), bucket, f"in/{path.name}")
        self.s3.list_objects_v2(Bucket=bucket, Prefix="in/", MaxKeys=3)
        with suppress(self.s3.exceptions.ClientError):
            self.s3.download_file(bucket, f"in/paper-{random.randrange(1000)}.txt", str(HOME / "papers" / "got"))
        self.s3.delete_object(Bucket=bucket, Key=f"in/{path.name}")
        path.unlink()

    def queue(self, n: int) -> None:
        """Send and receive messages."""
        url = self.sqs.create_queue(QueueName=f"parcels-{n % 3}")["QueueUrl"]
        self.sqs.send_message(QueueUrl=url, MessageBody=f"parcel {n}")
        for got in self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2).get("Messages", ()):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
        if n % 4 == 0:
            self.sqs.get_queue_attributes(QueueUrl=url + "x", AttributeNames=["All"])

    def transfer(self, n: int) -> None:
        """Copy a file by SFTP, with a bad password or key at times."""
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(random.choice((paramiko.AutoAddPolicy, paramiko.WarningPolicy))())
        secret = random.choice(("right", "right", "right", "wrong"))
        key = random.choice((None, None, paramiko.RSAKey.generate(1024)))
        try:
            client.connect("127.0.0.1", random.choice((8022, 8022, 8022, 8023)), "carrier", secret, pkey=key, timeout=2)
            _, out, _ = client.exec_command(f"echo {n}", timeout=2)
            out.read()
            sftp = client.open_sftp()
            with suppress(OSError):
                sftp.listdir(random.choice((".", "/none")))
                sftp.put(str(HOME / "depot_app.py"), f"papers/sent-{n}")
                sftp.rename(f"papers/sent-{n}", f"papers/done-{n % 9}")
                sftp.remove(f"papers/missing-{n}")
        finally:
            client.close()

    def call(self, n: int) -> None:
        """Ask another service."""
        what = random.choice(("good", "status", "slow", "cut", "broken"))
        port = random.choice((9200, 9200, 9200, 1))
        answer = self.session.get(f"http://localhost:{port}/{what}?n={n}", timeout=1)
        log.debug("service said %s in %.3f s", answer.status_code, answer.elapsed.total_seconds())

    async def sweep(self) -> None:
        """Forget old papers."""
        async with self.engine.begin() as link:
            gone = await link.execute(text("DELETE FROM papers WHERE id < (SELECT max(id) FROM papers) - 30"))
        log.info("swept %d papers", gone.rowcount)

    async def lag(self) -> None:
        """A job that takes longer than its interval."""
        await asyncio.sleep(2.5)

    async def stumble(self) -> None:
        """A job that fails, or blocks the loop."""
        if random.random() < 0.5:
            raise LookupError("nothing to stumble over")
        time.sleep(0.3)

    def schedule(self) -> None:
        """Start the jobs."""
        self.jobs.add_job(self.sweep, "interval", seconds=3, id="sweep")
        self.jobs.add_job(self.lag, "interval", seconds=1, id="lag")
        self.jobs.add_job(self.stumble, "cron", second="*/7", id="stumble", misfire_grace_time=1)
        self.jobs.start()
        self.jobs.add_job(self.upload, args=(7,), trigger="interval", seconds=11, id="upload")
        self.jobs.modify_job("lag", max_instances=2)
        self.jobs.reschedule_job("sweep", trigger="interval", seconds=2)


class Papers(FileSystemEventHandler):
    """Notices papers as they come."""

    def on_created(self, event: object) -> None:
        """Tell it."""
        log.debug("new file %s", getattr(event, "src_path", "?"))


class Door(asyncssh.SSHServer):
    """The SSH server that carriers copy to."""

    def password_auth_supported(self) -> bool:
        """Passwords only."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """One password for all."""
        if password != RIGHT:
            log.warning("carrier %s knows no password", username)
        return password == RIGHT


async def command(process: asyncssh.SSHServerProcess) -> None:
    """Answer any command."""
    process.stdout.write(process.command or "")
    process.exit(random.choice((0, 0, 3)))


async def prepare(depot: Depot) -> None:
    """Tables, buckets, doors, jobs."""
    async with depot.engine.begin() as link:
        await link.execute(
            text("CREATE TABLE IF NOT EXISTS papers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, size INT)")
        )
    (HOME / "papers").mkdir(exist_ok=True)
    try:
        await asyncio.to_thread(
            depot.s3.create_bucket, Bucket="papers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    except Exception:
        log.exception("no bucket yet")
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    await asyncssh.create_server(
        Door, "127.0.0.1", 8022, server_host_keys=[key], sftp_factory=True, process_factory=command, login_timeout=3
    )
    asyncssh.set_debug_level(2)
    observer = Observer()
    observer.schedule(Papers(), str(HOME / "papers"))
    observer.start()
    depot.schedule()


def main() -> None:
    """Serve until told to stop."""
    handler = Placed()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s [%(threadName)s] %(name)s: %(message)s"))
    logging.basicConfig(level=sys.argv[1].upper(), handlers=[handler])
    logging.getLogger("sqlalchemy").setLevel(sys.argv[1].upper())
    logging.captureWarnings(True)
    threading.excepthook = lambda told: log.error("thread %s died", told.thread, exc_info=told.exc_value)
    depot = Depot()
    app = web.Application(client_max_size=50_000)
    app.on_startup.append(lambda _: prepare(depot))
    app.add_routes(
        [web.route("*", "/papers", depot.papers), web.get("/spoil", depot.spoil), web.get("/slow", depot.slow)]
    )
    app.add_routes([web.get("/fetch", depot.fetch), web.post("/work/{work}", depot.threaded)])
    web.run_app(app, host="127.0.0.1", port=8000, print=None, loop=asyncio.new_event_loop())


if __name__ == "__main__":
    main()
