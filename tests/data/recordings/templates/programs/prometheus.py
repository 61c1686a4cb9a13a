"""Prometheus: bad targets, rules, discovery and remote storage, reloads, compaction, broken files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.templates.programs import prometheus_world
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

CALLER = re.compile(r" caller=(\S+)")
MESSAGE = re.compile(r' msg=("(?:[^"\\]|\\.)*"| ?\S+)')
ENDLESS = re.compile(r"dedupe\.go|head_read\.go")
CONTEXT = {"level", "component", "discovery", "config", "scrape_pool", "target", "group", "file", "index", "name"}
KINDS = ("good", "flaky", "broken", "twice", "old", "many", "labels", "cut", "status", "slow")
SCRAPE = """
  - job_name: {kind}
    metrics_path: /{kind}
    sample_limit: 350
    label_value_length_limit: 250
    body_size_limit: 30KB
    static_configs: [{{targets: ["localhost:9200", "127.0.0.1:{port}"]}}]
"""
DISCOVERY = """
  - {job_name: files, file_sd_configs: [{files: ["targets/*.json"], refresh_interval: 4s}]}
  - {job_name: http, http_sd_configs: [{url: "http://localhost:9200/sd", refresh_interval: 3s}]}
  - {job_name: dns, dns_sd_configs: [{names: ["nowhere.invalid", "also.invalid"], type: SRV, refresh_interval: 5s}]}
  - {job_name: docker, docker_sd_configs: [{host: "unix:///run/docker.sock", refresh_interval: 4s}]}
  - {job_name: zoo, serverset_sd_configs: [{servers: ["localhost:2181"], paths: ["/members"]}]}
  - {job_name: eureka, eureka_sd_configs: [{server: "http://localhost:9200/status", refresh_interval: 4s}]}
  - {job_name: marathon, marathon_sd_configs: [{servers: ["http://localhost:9200/cut"], refresh_interval: 6s}]}
  - {job_name: puppet, puppetdb_sd_configs: [{url: "http://localhost:9200/sd", query: "x", refresh_interval: 6s}]}
  - {job_name: openstack, openstack_sd_configs: [{role: instance, region: r, identity_endpoint: "http://localhost:1/v3",
     username: u, password: p, domain_name: d, project_name: q, refresh_interval: 6s}]}
"""
RULES = """
groups:
  - name: shop
    interval: 2s
    rules:
      - {record: "shop:orders:rate", expr: "rate(shop_orders_total[10s])"}
      - {record: "shop:twice", expr: 'label_replace(shop_orders_total, "article", "", "", "")'}
      - {record: "shop:match", expr: "shop_orders_total * on(article) group_left shop_orders_total"}
      - {alert: Slow, expr: "shop_seconds > 0.7", annotations: {text: "{{ $labels.quantile | humanize }}"}}
      - {alert: Down, expr: "up == 0", for: 1s, annotations: {text: "{{ $labels.instance }} {{ query \\"up(\\" }}"}}
      - {alert: Same, expr: "up == 0", labels: {instance: one, job: one}}
  - name: heavy
    interval: 3s
    rules:
      - {record: "shop:heavy", expr: 'sum by (shop) (rate({__name__=~".+"}[5m]))'}
"""
STORAGE = """
remote_write:
  - {url: "http://localhost:9200/write", queue_config: {max_shards: 4, max_backoff: 500ms, batch_send_deadline: 1s}}
  - {url: "http://localhost:9200/slow", remote_timeout: 1s, queue_config: {capacity: 100, max_samples_per_send: 30}}
  - {url: "http://localhost:9999/gone", remote_timeout: 1s}
remote_read:
  - {url: "http://localhost:9200/status", remote_timeout: 1s, read_recent: true}
alerting:
  alertmanagers:
    - static_configs: [{targets: ["localhost:9200", "localhost:9093"]}]
      timeout: 1s
"""
QUERIES = ("up", "rate(shop_orders_total[1m])", "sum(", "up * on(job) up", "1/0", "count({__name__=~'.+'})", "x[1y]")
QUICK = ("--storage.tsdb.min-block-duration=12s", "--storage.tsdb.max-block-duration=60s")


class Prometheus(TemplateProgram):
    """Prometheus."""

    name = "prometheus"
    title = "Prometheus, logfmt"
    language = "Go"
    half = "design"
    wrappers: ClassVar = {
        r"dedupe\.go:\d+": "forwards all lines of remote storage",
        r"treecache\.go:62": "lines of the ZooKeeper client",
    }
    how = (
        "the field caller= of its lines, taken out; info and debug in turn; bad targets, rules, discovery and "
        "remote storage, reloads, blocks of seconds, kills, spoilt files, agent, mistaken starts"
    )
    header = r"ts=\S+ level=(?P<level>\w+) "

    @classmethod
    def prepare(cls) -> None:
        """Only the program, without Debian's service."""
        if cls.program().exists():
            return
        folder = Path("/srv/recording/tools/prometheus")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True)
        subprocess.run(["dpkg", "-x", str(next(folder.glob("*.deb"))), str(folder)], check=True)

    @staticmethod
    def program() -> Path:
        """Where it is unpacked."""
        return Path("/srv/recording/tools/prometheus/usr/bin/prometheus")

    def version(self) -> str:
        """Of Prometheus."""
        said = subprocess.run([self.program(), "--version"], capture_output=True, text=True, check=True)
        return (said.stdout + said.stderr).split()[2]

    def lines(self) -> Iterator[Line]:
        """Lines without their caller; of two statements that repeat without end every 20th."""
        for number, row in enumerate(self.raw().read_text(errors="surrogateescape").splitlines()):
            found = CALLER.search(row) if row.startswith("ts=") else None
            if not found:
                yield Line(row)
            elif not ENDLESS.match(found[1]) or number % 20 == 0:
                yield Line(row[: found.start()] + row[found.end() :], found[1])

    def said(self, text: str) -> str:
        """The text of ``msg`` and the names of the other fields, but for those of the logger."""
        found = MESSAGE.search(text)
        keys = sorted(set(re.findall(r" (\w+)=", text)) - CONTEXT)
        return f"{found[1][1:-1]} {keys}" if found else super().said(text).replace('"', "'")

    def drive(self) -> None:
        """INFO, then DEBUG with faults, then broken files, then an agent and bad flags."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        prometheus_world.serve()
        rng = self.rng("work")
        self.configure()
        self.run("info", 45, rng)
        self.run("debug", 60, rng, "--web.enable-lifecycle", "--enable-feature=exemplar-storage,native-histograms")
        self.run("debug", 40, rng, "--web.enable-lifecycle", "--storage.tsdb.retention.size=2MB", kill=True)
        for number, spoil in enumerate((self.spoil_log, self.spoil_blocks, self.spoil_chunks, self.spoil_log)):
            spoil(rng)
            self.run(("info", "debug")[number % 2], 25, rng, "--web.enable-lifecycle", kill=number < 3)
        self.agent(rng)
        self.refused()

    def configure(self, rules: str = RULES, more: str = "") -> None:
        """Write all files."""
        scrapes = "".join(SCRAPE.format(kind=kind, port=9200 + (n % 4 == 0)) for n, kind in enumerate(KINDS))
        top = "global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 2s}\n"
        text = f"{top}rule_files: [rules.yml]\nscrape_configs:{scrapes}{DISCOVERY}{STORAGE}{more}"
        (self.home / "prometheus.yml").write_text(text)
        (self.home / "rules.yml").write_text(rules)
        (self.home / "targets").mkdir(exist_ok=True)
        (self.home / "targets" / "a.json").write_text('[{"targets": ["localhost:9201"], "labels": {"a": "b"}}]')

    def prometheus(self, level: str, *options: str) -> subprocess.Popen[bytes]:
        """Start it."""
        argv = [self.program(), f"--log.level={level}", "--config.file=prometheus.yml", *options]
        with self.raw().open("ab") as out:
            return self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "HOME": "/root"})

    def run(self, level: str, seconds: float, rng: Random, *options: str, kill: bool = False) -> None:
        """One life of the server, asked and reconfigured all the while."""
        options = (*QUICK, "--storage.tsdb.path=data", "--web.enable-admin-api", *options)
        server = self.prometheus(level, *options)
        end = time.monotonic() + seconds
        time.sleep(3)
        while time.monotonic() < end and server.poll() is None:
            self.ask(rng)
            if rng.random() < 0.25:
                self.change(rng)
                server.send_signal(signal.SIGHUP)
            time.sleep(0.7)
        self.configure()
        if kill:
            server.kill()
        self.end(server)

    def end(self, server: subprocess.Popen[bytes]) -> None:
        """Ask it to stop, then make it."""
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()

    def ask(self, rng: Random) -> None:
        """Queries, admin requests and nonsense."""
        post = ("api/v1/admin/tsdb/snapshot", "api/v1/admin/tsdb/clean_tombstones", "-/reload", "api/v1/write", "")
        post += ("api/v1/admin/tsdb/delete_series?match[]=shop_many",)
        get = ("api/v1/series?match[]=up", "metrics", "federate?match[]={job=~%22.%2B%22}", "graph", "api/v1/targets")
        for path, data in ((rng.choice(get), None), (rng.choice(post), b"x")):
            self.request(path, data)
        query = urllib.request.quote(rng.choice(QUERIES))
        self.request(f"api/v1/query?query={query}")
        self.request(
            f"api/v1/query_range?query={query}&start={time.time() - 600}&end={time.time()}&step=5&timeout=20ms"
        )

    def request(self, path: str, data: bytes | None = None) -> None:
        """Ask, not minding the answer."""
        with suppress(OSError):
            urllib.request.urlopen(f"http://localhost:9090/{path}", data, timeout=2).read()

    def change(self, rng: Random) -> None:
        """Another configuration, mostly a broken one."""
        target = self.home / "targets" / f"{rng.choice('abc')}.json"
        target.write_text(rng.choice(('[{"targets": ["localhost:9201"]}]', "[{", '[{"targets": [1]}]', "[null]", "")))
        match rng.randrange(8):
            case 0:
                self.configure(rules=RULES + "  - name: shop\n    rules: [{record: a-b, expr: 'sum('}]\n")
            case 1:
                self.configure(more="\nno_such_key: 1\n")
            case 2:
                self.configure(more="\ntracing: {endpoint: 'localhost:4317', insecure: true}\n")
            case 3:
                (self.home / "rules.yml").unlink(missing_ok=True)
            case 4:
                (self.home / "prometheus.yml").write_text("global: [")
            case _:
                self.configure()

    def spoil_log(self, rng: Random) -> None:
        """Damage the write-ahead log."""
        segments = [path for path in sorted((self.home / "data" / "wal").glob("0*")) if path.stat().st_size]
        with segments[-1].open("r+b") as file:
            file.seek(segments[-1].stat().st_size * 2 // 3)
            file.write(rng.randbytes(200))

    def spoil_blocks(self, rng: Random) -> None:
        """Damage blocks and leave halves of them behind."""
        data = self.home / "data"
        blocks = sorted(data.glob("01*/meta.json"))
        for path in blocks[:2]:
            path.write_text("{")
        for path in sorted(data.glob("01*/index"))[2:4]:
            path.write_bytes(rng.randbytes(300))
        (data / "01BX6V6TY06G5MFQ0GPH7EMXRH.tmp-for-creation").mkdir(exist_ok=True)
        (data / "01BX6V6TY06G5MFQ0GPH7EMXRJ").mkdir(exist_ok=True)
        (data / "lock").write_text("")
        (data / "queries.active").write_bytes(b'[{"query":"up","timestamp_sec":1}')

    def spoil_chunks(self, rng: Random) -> None:
        """Damage the chunks of the head and a checkpoint."""
        for path in sorted((self.home / "data" / "chunks_head").glob("0*"))[-2:]:
            with path.open("r+b") as file:
                file.seek(20)
                file.write(rng.randbytes(500))
        for path in sorted((self.home / "data" / "wal").glob("checkpoint*/0*")):
            path.write_bytes(rng.randbytes(500))

    def agent(self, _rng: Random) -> None:
        """The agent's own storage."""
        keep = re.sub(r"remote_read:\n.*\nalerting:\n(.*\n)+", "", (self.home / "prometheus.yml").read_text())
        (self.home / "agent.yml").write_text(keep.replace("rule_files: [rules.yml]\n", ""))
        for level in ("info", "debug"):
            options = ("--enable-feature=agent", "--config.file=agent.yml", "--storage.agent.wal-truncate-frequency=8s")
            argv = [self.program(), f"--log.level={level}", *options, "--storage.agent.path=agent"]
            with self.raw().open("ab") as out:
                child = self.spawn(argv, cwd=self.home, stdout=out, stderr=out)
            time.sleep(25)
            self.end(child)

    def refused(self) -> None:
        """Starts that fail."""
        first = self.prometheus("info", "--storage.tsdb.path=data")
        time.sleep(2)
        starts = (
            ("--storage.tsdb.path=data",),
            ("--storage.tsdb.path=other",),
            ("--storage.tsdb.path=/proc/none",),
            ("--storage.tsdb.path=third", "--web.listen-address=:99999"),
            ("--storage.tsdb.path=third", "--web.config.file=none.yml"),
            ("--storage.tsdb.path=third", "--storage.tsdb.retention.time=200y", "--enable-feature=nonsense"),
            ("--storage.tsdb.path=third", "--config.file=none.yml"),
            ("--storage.tsdb.path=third", "--web.external-url=:::", "--enable-feature=promql-at-modifier"),
            ("--storage.tsdb.path=third", "--storage.tsdb.max-block-duration=1s", "--query.max-concurrency=3"),
        )
        for options in starts:
            child = self.prometheus("debug", *options)
            time.sleep(2)
            self.end(child)
        self.end(first)


if __name__ == "__main__":
    assert __spec__ is not None
    main(Prometheus, __spec__.name)
