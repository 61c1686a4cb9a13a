"""The processes of one deployment: Redis, PostgreSQL, the shop and nginx in its group; the price service outside."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.data.deployments.group import Group

SERVICE = Path(__file__).parent / "service"
SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text, stock int);
CREATE TABLE reviews (item int, stars int, words text);
CREATE TABLE orders (id serial PRIMARY KEY, item int, at timestamptz DEFAULT now());
CREATE TABLE totals (id int PRIMARY KEY, orders int);
INSERT INTO items SELECT n, 'item ' || n || ' ' || md5(n::text), 100000 FROM generate_series(0, 599) n;
INSERT INTO reviews SELECT n % 600, n % 5 + 1, md5(n::text) FROM generate_series(1, 30000) n;
INSERT INTO totals VALUES (1, 0);
"""
NGINX = """
user root; worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/nginx.log warn;
events {{ worker_connections 128; }}
http {{
    access_log {home}/access.log;
    client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3; uwsgi_temp_path {home}/t4;
    scgi_temp_path {home}/t5;
    server {{
        listen 127.0.0.1:{port} backlog=128;
        location / {{ proxy_pass http://127.0.0.1:{shop}; proxy_connect_timeout 2s; proxy_read_timeout 4s; }}
        location = /nginx {{ stub_status; access_log off; }}
    }}
}}
"""
POSTGRES = """
shared_buffers = 8MB
max_connections = {connections}
fsync = off
autovacuum_naptime = 20s
max_parallel_workers_per_gather = 0
unix_socket_directories = ''
listen_addresses = '127.0.0.1'
"""


def template(folder: Path) -> Path:
    """A fresh database's files with the shop's tables, made once per recorder."""
    if (folder / "PG_VERSION").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.chown(folder, "postgres", "postgres")
    binary = Path(shutil.which("initdb") or "/usr/lib/postgresql/15/bin/initdb")
    subprocess.run([binary, "-D", folder, "-A", "trust", "-N"], check=True, user="postgres", stdout=subprocess.DEVNULL)
    single = [shutil.which("postgres") or str(binary.with_name("postgres")), "--single", "-D", str(folder), "postgres"]
    subprocess.run(single, input=SCHEMA.strip().encode(), check=True, user="postgres", stdout=subprocess.DEVNULL)
    return folder


class Stack:
    """Starts, watches and stops the processes. Ports: ``base`` nginx, then shop, Redis, PostgreSQL, prices."""

    def __init__(self, home: Path, base: int, group: Group, plan: dict[str, Any]) -> None:
        self.home, self.base, self.group, self.plan = home, base, group, plan
        self.nginx, self.shop, self.redis, self.postgres, self.prices = range(base, base + 5)
        self.disk = home / "disk"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, database: Path) -> None:
        """Start everything and wait until it answers."""
        self.home.mkdir(parents=True)
        self.home.chmod(0o755)
        self.disk.mkdir()
        size = f"size={self.plan['disk']}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.disk)], check=True)
        self._start_postgres(database)
        settings = ["--port", str(self.redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.home)]
        self._run("redis", ["redis-server", *settings, "--maxmemory", "12mb", "--maxmemory-policy", "allkeys-lru"])
        plan = json.dumps(self.plan["prices"])
        self._run("prices", [sys.executable, str(SERVICE / "dependency.py"), str(self.prices), plan], inside=False)
        self._until(self._database_answers)
        self._start_shop()
        config = self.home / "nginx.conf"
        config.write_text(NGINX.format(home=self.home, port=self.nginx, shop=self.shop))
        self._run("nginx", ["nginx", "-c", str(config), "-e", str(self.home / "nginx.log")])
        self._until(lambda: (self.home / "counters").exists() and (self.home / "nginx.pid").exists())
        self.group.limit_cpu()

    def _start_postgres(self, database: Path) -> None:
        data = self.home / "postgres"
        subprocess.run(["cp", "-a", str(database), str(data)], check=True)
        with (data / "postgresql.conf").open("a") as file:
            file.write(POSTGRES.format(connections=self.plan["connections"]))
        argv = [shutil.which("postgres") or "/usr/lib/postgresql/15/bin/postgres", "-D", str(data)]
        self._run("postgres", [*argv, "-p", str(self.postgres)], user="postgres")

    def _start_shop(self) -> None:
        settings = {
            "port": self.shop,
            "dsn": self.dsn("shop"),
            "redis": self.redis,
            "prices": self.prices,
            "folder": str(self.disk),
            "counters": str(self.home / "counters"),
            **self.plan["shop"],
        }
        self._run("shop", [sys.executable, str(SERVICE / "shop.py"), json.dumps(settings)])

    def dsn(self, name: str) -> str:
        """How to connect to the database."""
        return f"host=127.0.0.1 port={self.postgres} user=postgres dbname=postgres application_name={name}"

    def _run(self, name: str, argv: list[str], *, inside: bool = True, user: str | None = None) -> None:
        self.processes[name] = self.spawn(name, argv, inside=inside, user=user)

    def spawn(
        self, name: str, argv: list[str], *, inside: bool = True, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process, in the group if ``inside``; its output goes to a file of its own."""
        descriptors = self.plan["descriptors"]

        def prepare() -> None:
            if inside:
                self.group.join()
            if name == "shop":
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if user:
                os.setgid(os.stat(self.home / "postgres").st_gid)
                os.setuid(os.stat(self.home / "postgres").st_uid)

        environment = {**os.environ, "MALLOC_ARENA_MAX": "2", "TZ": "UTC"}
        with (self.home / f"{name}.out").open("ab") as out:
            return subprocess.Popen(argv, stdout=out, stderr=out, preexec_fn=prepare, env=environment)

    def _database_answers(self) -> bool:
        try:
            psycopg.connect(self.dsn("wait")).close()
        except psycopg.Error:
            return False
        return True

    def _until(self, ready: Callable[[], bool]) -> None:
        for _ in range(300):
            if ready():
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.home}: the service did not start")

    def dead(self) -> str | None:
        """A process of the service that has ended, if there is one."""
        return next((name for name, process in self.processes.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Kill everything and remove the files."""
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
        self.group.close()
        for process in self.processes.values():
            process.wait()
        subprocess.run(["umount", "-l", str(self.disk)], check=False)
        shutil.rmtree(self.home, ignore_errors=True)
