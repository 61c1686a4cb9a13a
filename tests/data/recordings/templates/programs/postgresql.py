"""PostgreSQL: the shop of the other recordings, with a standby, a catalogue of mistakes and verbose errors."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

import psycopg

from tests.data.recordings.program import Activity, Pace
from tests.data.recordings.programs.postgresql import BIN, Postgresql
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

MISTAKES = Path(__file__).with_suffix(".sql").read_text().splitlines()
VERBOSE = {"log_error_verbosity": "verbose", "log_statement": "all", "log_replication_commands": "on"}
LEVELS = (("info", 70), ("debug1", 70), ("debug2", 60), ("debug5", 12), ("warning", 15))
ROW = re.compile(r"(?P<prefix>\S+ \S+ \S+ \[(?P<pid>\d+)\] (?:\S*@\S* )?)(?P<kind>[A-Z]+\d?):  (?P<rest>.*)", re.DOTALL)
PLACE = re.compile(r".*, (\S+\.[chly]:\d+)")
FORWARDED = ("STATEMENT", "CONTEXT", "QUERY")  # the client's own text; what callbacks add to any message
PARTS = ("DETAIL", "HINT")
BAD_HBA = "host all all 300.0.0.1/8 trust\nlocal all all magic\nhost shop report samehost reject\n"
STRANGERS = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    b"\x00\x00\x00\x09\x00\x09\x00\x00\x00",
    b"\x00\x00\x00\x02",
)


class PostgresqlTemplates(Postgresql, TemplateProgram):
    """PostgreSQL 15, primary and standby in one log."""

    title = "PostgreSQL"
    language = "C"
    half = "design"
    how = (
        "log_error_verbosity = verbose, log_statement = all, log_min_messages from warning to debug5; a shop's load, "
        "200 kinds of mistakes, a standby, killed backends, deadlocks, a full disk, too many connections, "
        "broken configuration, crash recovery"
    )
    header = r"\S+ \S+ \S+ \[\d+\] (?:\S*@\S* )?(?P<level>[A-Z]+\d?):  (?:\w{5}: )?"
    wrappers: ClassVar[dict[str, str]] = {
        r"guc\.c:12\d\d\d.*": "what a setting's own check said",
        r"tablecmds\.c:13\d\d.*": "text from a table of messages, one for each kind of relation",
    }
    same = (
        r"(column|relation|type|role|database|publication|function|index|table) (?!.* of relation).* does not exist"
        r"( at character \d+)?",
    )

    def version(self) -> str:
        """As the server says."""
        return subprocess.check_output([BIN / "postgres", "--version"], text=True).split()[2]

    def raw(self) -> Path:
        """One file for both servers."""
        return self.log_path("postgresql")

    def lines(self) -> Iterator[Line]:
        """Give each message the LOCATION that follows it, its DETAIL and HINT a label of their own."""
        rows = self.raw().read_text(errors="surrogateescape").removesuffix("\n").split("\n")
        lines: list[Line] = []
        pending: dict[str, list[int]] = {}
        for row in rows:
            found = ROW.fullmatch(row)
            if found and found["kind"] == "LOCATION":
                place = PLACE.fullmatch(found["rest"])
                for number in pending.pop(found["pid"], []):
                    part = ROW.fullmatch(lines[number].text)
                    suffix = f" {part['kind']}" if part and part["kind"] in PARTS else ""
                    lines[number] = Line(lines[number].text, f"{place[1]}{suffix}" if place else "")
                continue
            if found and found["kind"] not in FORWARDED:
                if found["kind"] not in PARTS:
                    pending[found["pid"]] = []
                pending.setdefault(found["pid"], []).append(len(lines))
            lines.append(Line(row))
        return iter(lines)

    def activities(self) -> Sequence[Activity]:
        """The shop, more often mistaken."""
        return (
            *super().activities(),
            Activity(self._catalogue, every=1.2, threads=2),
            Activity(self._stranger, every=9.0),
            Activity(self._wrong_password, every=20.0),
            Activity(self._administration, every=8.0),
        )

    def drive(self) -> None:
        """Start it verbose, then one level of detail after another with a fault in each; crash and recover."""
        self.start()
        self.primary = self.children[0]
        self._halt(signal.SIGINT)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in VERBOSE.items())
            settings.write("max_prepared_transactions = 4\nwal_level = logical\n")
        self.raw().write_bytes(b"")
        self._again()
        self._standby()
        trouble = [fault.inject for fault in self.faults()]
        self.run_clients(Pace(self.rng("pace"), 300))
        for level, seconds in LEVELS:
            self._admin(f"ALTER SYSTEM SET log_min_messages = '{level}'")
            self.reload()
            self.over.wait(seconds / 2)
            for inject in trouble[:2]:
                with suppress(*self.client_errors, TimeoutError):
                    inject(seconds / 6)
            trouble = trouble[2:]
            self._configuration()
            self._halt(signal.SIGQUIT if level in ("debug1", "debug5") else signal.SIGINT)
            self._mistaken_start()
            self._again()
        self.over.set()
        time.sleep(3)
        subprocess.run([BIN / "pg_ctl", "promote", "-D", self.home / "standby"], user="postgres", check=False)
        self._halt(signal.SIGTERM)

    def _serve(self, data: Path) -> subprocess.Popen[bytes]:
        account = {"user": "postgres", "group": "postgres", "extra_groups": []}
        with self.raw().open("ab") as log:
            return self.spawn([BIN / "postgres", "-D", data], **account, stderr=log, stdout=log)

    def _again(self) -> None:
        self.primary = self._serve(self.data)
        self.until(lambda: subprocess.run(["pg_isready", "-q", "-h", self.home], check=False).returncode == 0)

    def _halt(self, how: signal.Signals) -> None:
        self.primary.send_signal(how)
        self.primary.wait(60)

    def pids(self) -> list[int]:
        """The primary: the shop's faults and reloads are for it."""
        return [self.primary.pid]

    def _standby(self) -> None:
        home, audit = self.home / "standby", self.home / "audit"
        options = ("-R", "-X", "stream", "-c", "fast", "-T", f"{audit}={audit}_standby")
        self._as_postgres(BIN / "pg_basebackup", "-h", self.home, "-D", home, *options)
        with (home / "postgresql.auto.conf").open("a") as settings:
            settings.write("port = 5433\nlog_min_messages = 'debug2'\nmax_standby_streaming_delay = '2s'\n")
        self._serve(home)

    def _admin(self, *statements: str) -> None:
        with self.connect("postgres") as db:
            for statement in statements:
                db.execute(statement)

    def _mistaken_start(self) -> None:
        for option in (
            "port=99999",
            "shared_buffers=lots",
            "nothing=1",
            "max_connections=1",
            "wal_level=none",
            "archive_mode=maybe",
        ):
            with self.raw().open("ab") as log:
                subprocess.run(
                    [BIN / "postgres", "-D", self.data, "-c", option, "-c", "log_error_verbosity=verbose"],
                    user="postgres",
                    stderr=log,
                    stdout=log,
                    timeout=20,
                    check=False,
                )

    def _configuration(self) -> None:
        hba = self.data / "pg_hba.conf"
        good = hba.read_text()
        hba.write_text(good + BAD_HBA)
        self.reload()
        (self.data / "tuning.conf").write_text("work_mem = 'lots'\nnothing = 1\nport = 5499\nmax_wal_size '8\n")
        time.sleep(0.5)
        self.reload()
        time.sleep(1)
        hba.write_text(good)
        (self.data / "tuning.conf").write_text("autovacuum_naptime = 3s\ncheckpoint_timeout = 30s\n")
        self.reload()

    def _catalogue(self, rng: Random) -> None:
        with self.connect(rng.choice(("shop_app", "shop_app", "report"))) as db:
            db.autocommit = True
            for _ in range(rng.randint(1, 6)):
                with suppress(psycopg.Error):
                    db.execute(rng.choice(MISTAKES).encode())

    def _stranger(self, rng: Random) -> None:
        with socket.create_connection(("127.0.0.1", 5432), 5) as peer:
            peer.settimeout(1)
            peer.sendall(rng.choice(STRANGERS))
            peer.recv(100)
        user, base = rng.choice((("nobody", "shop"), ("report", "nowhere"), ("shop_app", "template9")))
        psycopg.connect(f"host=127.0.0.1 user={user} password=x dbname={base}").close()

    def _administration(self, rng: Random) -> None:
        choices = (
            ("CHECKPOINT",),
            ("SELECT pg_switch_wal()",),
            ("VACUUM (VERBOSE) items",),
            ("VACUUM FULL audit",),
            ("REINDEX DATABASE shop",),
            ("ANALYZE VERBOSE",),
            ("CLUSTER items USING items_pkey",),
            ("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')",),
            ("SELECT count(*) FROM pg_logical_slot_get_changes('cdc', NULL, NULL)",),
            ("SELECT pg_drop_replication_slot('cdc')",),
            ("SELECT pg_drop_replication_slot('nothing')",),
            ("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app' LIMIT 1",),
            ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app' LIMIT 2",),
            ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'",),
            ("SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE usename = 'shop_app' LIMIT 1",),
            ("BEGIN", "CREATE TABLE IF NOT EXISTS p (a int)", "PREPARE TRANSACTION 'later'"),
            ("COMMIT PREPARED 'later'",),
            ("ROLLBACK PREPARED 'never'",),
            ("CREATE PUBLICATION news FOR ALL TABLES",),
            ("DROP PUBLICATION news",),
            ("CREATE DATABASE extra", "DROP DATABASE extra"),
            ("CREATE INDEX CONCURRENTLY ON order_lines (item)",),
            ("SELECT pg_wal_replay_pause()",),
            ("SELECT pg_backup_start('nightly', true)", "SELECT pg_backup_stop()"),
            ("COPY items FROM PROGRAM 'exit 3'",),
            ("COPY items FROM '/nowhere/items.csv'",),
            ("ALTER SYSTEM SET nothing = 1",),
            ("ALTER DATABASE nowhere RENAME TO somewhere",),
            ("CREATE EXTENSION IF NOT EXISTS plpgsql",),
        )
        self._admin(*rng.choice(choices))


if __name__ == "__main__":
    assert __spec__
    main(PostgresqlTemplates, __spec__.name)
