"""PostgreSQL under a small shop: checkouts, browsing, reports, periodic jobs and honest mistakes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

import psycopg

from tests.data.recordings.machine import small_disk
from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program, wait
from tests.data.recordings.programs.postgresql_faults import PostgresqlFaults

BIN = Path("/usr/lib/postgresql/15/bin")
ITEMS = 2000
FIRST_PASSWORD, TYPING_ERROR = "spring", "raport"  # of shop_app; of report
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{home}'
cluster_name = 'shop'
max_connections = 40
shared_buffers = 32MB
work_mem = 256kB
max_wal_size = 128MB
checkpoint_timeout = 60s
deadlock_timeout = 500ms
autovacuum_naptime = 20s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
log_destination = 'stderr'
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
log_connections = on
log_disconnections = on
log_checkpoints = on
log_lock_waits = on
log_statement = 'mod'
log_min_duration_statement = 80
log_temp_files = 0
log_autovacuum_min_duration = 0
include = 'tuning.conf'
"""
SCHEMA = f"""
CREATE ROLE shop_app LOGIN PASSWORD '{FIRST_PASSWORD}';
CREATE ROLE report LOGIN PASSWORD 'report';
CREATE DATABASE shop OWNER shop_app;
\\connect shop
CREATE TABLESPACE audit_space OWNER shop_app LOCATION '{{home}}/audit';
SET ROLE shop_app;
CREATE TABLE items (id int PRIMARY KEY, name text, stock int NOT NULL, price numeric);
CREATE TABLE orders (id serial PRIMARY KEY, customer int, reference text UNIQUE, made timestamptz DEFAULT now());
CREATE TABLE order_lines (order_id int REFERENCES orders, item int REFERENCES items, quantity int);
CREATE TABLE audit (at timestamptz DEFAULT now(), note text) TABLESPACE audit_space;
ALTER TABLE audit ALTER note SET STORAGE PLAIN;
CREATE MATERIALIZED VIEW best_sellers AS SELECT item, sum(quantity) AS sold FROM order_lines GROUP BY item;
INSERT INTO items SELECT n, 'item ' || n, 100000, n % 90 + 0.99 FROM generate_series(1, {ITEMS}) n;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO report;
"""  # noqa: S608 - constants of this module
MISTAKES = (
    "INSERT INTO items VALUES (7, 'item 7', 1, 1)",
    "SELECT id, nmae FROM items WHERE id = 12",
    "SELECT * FROM item WHERE id = 12",
    "SELECT price / (stock - stock) FROM items WHERE id = 3",
    "SELECT * FROM items WHERE id = 'twelve'",
    "SELCT count(*) FROM orders",
    "SET statement_timeout = '150ms'; SELECT pg_sleep(2)",
)


class Postgresql(PostgresqlFaults, Program):
    """A PostgreSQL 15 cluster with one database on port 5432."""

    name: ClassVar[str] = "postgresql"
    sources: ClassVar[tuple[str, ...]] = ("postgresql",)
    client_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, psycopg.Error)

    def start(self) -> None:
        """Make the cluster, start it, create the schema."""
        self.password = FIRST_PASSWORD
        self.data = self.home / "data"
        shutil.chown(self.home, "postgres", "postgres")
        small_disk(self.home / "audit", "24m")
        shutil.chown(self.home / "audit", "postgres", "postgres")
        self._as_postgres(BIN / "initdb", "--auth-host=scram-sha-256", "--locale=C.UTF-8", "-D", self.data)
        (self.data / "tuning.conf").write_text("")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(home=self.home))
        with self.log_path("postgresql").open("ab") as log:
            self.spawn(
                [BIN / "postgres", "-D", self.data],
                user="postgres",
                group="postgres",
                extra_groups=[],
                stderr=log,
                stdout=log,
            )
        self.until(lambda: self._as_postgres("pg_isready", "-q", "-h", self.home) == 0)
        script = self.home / "schema.sql"
        script.write_text(SCHEMA.format(home=self.home))
        self._as_postgres("psql", "-q", "-h", self.home, "-f", script)

    def activities(self) -> Sequence[Activity]:
        """Shop sessions, reports, jobs."""
        return (
            Activity(self._checkout, every=9.0, threads=3),
            Activity(self._browse, every=3.0, threads=2),
            Activity(self._pooled, every=5.0, threads=2),
            Activity(self._report, every=20.0),
            Activity(self._mistake, every=45.0),
            Activity(self._wrong_password, every=400.0),
            Activity(self._contention, every=70.0),
            Activity(self._nightly_job, every=150.0, periodic=True),
            Activity(self._reload, every=430.0, periodic=True),
        )

    def faults(self) -> Sequence[Fault]:
        """Six kinds of trouble."""
        here = self.sources
        return (
            Fault("lock_storm", 50, here, self.lock_storm),
            Fault("backends_killed", 40, here, self.backends_killed),
            Fault("password_rotated", 45, here, self.password_rotated),
            Fault("disk_full", 50, here, self.disk_full),
            Fault("deadlocks", 40, here, self.deadlocks),
            Fault("too_many_connections", 50, here, self.too_many_connections),
        )

    def connect(self, user: str = "shop_app", password: str = "") -> psycopg.Connection:
        """A session of this user, by TCP and password; the administrator comes by socket."""
        if user == "postgres":
            return psycopg.connect(f"host={self.home} user=postgres dbname=shop", autocommit=True)
        secret = password or {"shop_app": self.password}.get(user, user)
        return psycopg.connect(f"host=127.0.0.1 user={user} password={secret} dbname=shop", connect_timeout=10)

    def reload(self) -> None:
        """Have the server read its configuration again."""
        os.kill(self.pids()[0], signal.SIGHUP)

    def _as_postgres(self, *argv: object) -> int:
        child = self.spawn([str(a) for a in argv], user="postgres", group="postgres", extra_groups=[], stdout=-3)
        code = child.wait()
        self.children.remove(child)
        return code

    def _checkout(self, rng: Random) -> None:
        with self.connect() as db:
            wait(rng, 0.02, 0.2)
            reference = f"R{rng.randrange(10**9):09d}"
            row = db.execute(
                "INSERT INTO orders (customer, reference) VALUES (%s, %s) RETURNING id",
                (rng.randrange(5000), reference),
            ).fetchone()
            for item in sorted(rng.sample(range(50, ITEMS), rng.randint(1, 2))):
                db.execute("UPDATE items SET stock = stock - 1 WHERE id = %s", (item,))
                db.execute("INSERT INTO order_lines VALUES (%s, %s, 1)", (row and row[0], item))
            db.commit()
            note = f"{rng.randrange(16**30):030x}"
            db.execute("INSERT INTO audit (note) SELECT repeat(%s, 100)", (note,))

    def _browse(self, rng: Random) -> None:
        with self.connect() as db:
            for _ in range(rng.randint(1, 5)):
                db.execute("SELECT * FROM items WHERE id = %s", (rng.randrange(ITEMS),))
                wait(rng, 0.01, 0.15)
            if rng.random() < 0.2:
                db.execute("SELECT * FROM best_sellers ORDER BY sold DESC LIMIT 10")

    def _pooled(self, rng: Random) -> None:
        with self.connect() as db:
            for _ in range(rng.randint(4, 20)):
                db.execute("UPDATE items SET price = price * 1.01 WHERE id = %s", (rng.randrange(50, ITEMS),))
                db.commit()
                wait(rng, 0.5, 4.0)

    def _report(self, rng: Random) -> None:
        with self.connect("report") as db:
            numbers = f"generate_series(1, {rng.randrange(4000, 40000)}) n"
            db.execute(f"SELECT md5(n::text) AS key FROM {numbers} ORDER BY key")  # noqa: S608 - a number
            db.execute("SELECT customer, count(*) FROM orders GROUP BY customer ORDER BY 2 DESC")

    def _mistake(self, rng: Random) -> None:
        with self.connect() as db:
            db.execute(rng.choice(MISTAKES))

    def _wrong_password(self, rng: Random) -> None:
        self.connect("report", password=TYPING_ERROR).close()

    def _contention(self, rng: Random) -> None:
        with self.connect() as first, self.connect() as second:
            item = rng.randrange(50)
            first.execute("UPDATE items SET stock = stock - 1 WHERE id = %s", (item,))
            second.execute("SET lock_timeout = '900ms'")
            second.execute("UPDATE items SET stock = stock - 1 WHERE id = %s", (item,))

    def _nightly_job(self, rng: Random) -> None:
        with self.connect() as db:
            db.autocommit = True
            db.execute("REFRESH MATERIALIZED VIEW best_sellers")
            db.execute("DELETE FROM order_lines WHERE quantity > 1")
            db.execute("VACUUM (ANALYZE) order_lines")

    def _reload(self, rng: Random) -> None:
        threshold = rng.randrange(50, 200)
        (self.data / "tuning.conf").write_text(f"autovacuum_analyze_threshold = {threshold}\n")
        self.reload()
