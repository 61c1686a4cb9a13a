"""Catalogue, a Rust service of ours: what tantivy, sled, hickory, axum, rustls, h2, reqwest and quinn log below it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.data.recordings.templates.programs.prometheus_world import Server, World
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

TOOLS = Path("/srv/recording/tools/catalogue")
SOURCES = Path(__file__).parents[1] / "rust"
PLACE = re.compile(r"(?<= )(?P<path>/\S+\.rs|src/\S+\.rs):(?P<line>\d+): ")
REGISTRY = re.compile(r"/\S*/registry/src/[^/]+/")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\S+Z +(?:TRACE|DEBUG|INFO|WARN|ERROR) ")
ZONE = """$ORIGIN shop.test.
@ 60 IN SOA ns admin 7 60 60 60 60
@ IN NS ns
ns IN A 127.0.0.1
www IN A 127.0.0.1
www IN AAAA ::1
alias IN CNAME www
loop IN CNAME loop
mail IN MX 10 www
_api._tcp IN SRV 1 2 443 www
note IN TXT "all is well"
*.wild IN A 127.0.0.7
"""
WORDS = ("red", "blue", "old", "lamp", "chair", "table", "wood", "steel", "lid", "cup", "for", "two", "garden", "sale")
BAD_QUERIES = ("lamp AND", '"chair', "nosuchfield:x", "text:[a TO", "", "*", "blue^x")
NAMES = ("www", "alias", "loop", "mail", "a.wild", "nothing", "note", "outside.example.", "-bad-", "x" * 70, "ns")
KINDS = ("A", "AAAA", "MX", "TXT", "SRV", "SOA", "NS", "ANY", "CNAME", "NONSENSE")
URLS = (
    "https://localhost:8443/articles/A10",
    "https://127.0.0.1:8443/articles/A10",
    "https://expired.shop.test/",
    "http://localhost:9200/good",
    "http://localhost:9200/status",
    "http://localhost:9200/slow",
    "http://localhost:9200/cut",
    "http://localhost:1/",
    "https://localhost:9200/good",
    "ftp://localhost/",
    "not a url",
)
LEVELS = (
    ("info", 60),
    ("debug", 100),
    ("debug,h2=trace,hyper=trace,tower_http=trace", 5),
    ("debug,rustls=trace,quinn=trace,quinn_proto=trace,sled=trace", 12),
    ("debug", 60),
)


class Catalogue(TemplateProgram):
    """Catalogue."""

    name = "catalogue"
    title = "a Rust service of ours, its crates' lines:"
    language = "Rust"
    half = "design"
    how = (
        "tracing_subscriber's format with file and line, both taken out; searches, HTTP/2, TLS, QUIC, names, "
        "INFO and DEBUG in turn (TRACE for a while); failing fetches, broken protocols, kills, spoilt files"
    )
    header = r"\d{4}-\d\d-\d\dT\S+Z +(?P<level>[A-Z]+) "

    @classmethod
    def prepare(cls) -> None:
        """Build it."""
        environment = {**os.environ, "CARGO_TARGET_DIR": str(TOOLS / "target")}
        shutil.copytree(SOURCES, TOOLS / "source", dirs_exist_ok=True)
        subprocess.run(["cargo", "build", "--quiet"], cwd=TOOLS / "source", env=environment, check=True)

    def version(self) -> str:
        """Of the crates that matter most."""
        lock = (TOOLS / "source" / "Cargo.lock").read_text()
        wanted = ("axum", "hyper", "h2", "rustls", "reqwest", "quinn", "hickory-server", "tantivy", "sled", "tracing")
        found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
        return ", ".join(f"{name} {found[name]}" for name in wanted)

    def lines(self) -> Iterator[Line]:
        """Lines without file and line."""
        for row in self.raw().read_text(errors="surrogateescape").split("\n"):
            found = PLACE.search(row) if STAMP.match(row) else None
            text = row[: found.start()] + row[found.end() :] if found else row
            place = f"{REGISTRY.sub('', found['path'])}:{found['line']}" if found else ""
            yield Line(REGISTRY.sub("", text), place)

    def drive(self) -> None:
        """Lives at several levels, each ended or killed, some with spoilt files before."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        world = Server(("127.0.0.1", 9200), World)
        threading.Thread(target=world.serve_forever, daemon=True).start()
        (self.home / "shop.zone").write_text(ZONE)
        for number, (level, seconds) in enumerate(LEVELS):
            server = self.serve(level)
            self.work(seconds, number)
            server.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            server.wait(20)
            self.spoil(number)
        taken = self.serve("debug")
        self.serve("debug").wait(20)
        taken.terminate()
        taken.wait(20)

    def serve(self, level: str) -> subprocess.Popen[bytes]:
        """Start it and wait for its port."""
        with self.raw().open("ab") as out:
            argv = [TOOLS / "target" / "debug" / "catalogue", self.home]
            server = self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env={"RUST_LOG": level, "HOME": "/root"})
        time.sleep(3)
        return server

    def spoil(self, number: int) -> None:
        """Damage what is stored, in another way each time."""
        if number == 1:
            with (self.home / "store" / "db").open("r+b") as file:
                file.seek(file.seek(0, 2) // 2)
                file.write(bytes(3000))
        elif number == 2:
            (self.home / "shop.zone").write_text(ZONE + "bad IN A 1.2.3.4.5\n")
        elif number == 3:
            (self.home / "shop.zone").write_text(ZONE)
            shutil.rmtree(self.home / "store")

    def work(self, seconds: float, seed: int) -> None:
        """Three clients at once."""
        clients = [threading.Thread(target=self.client, args=(seconds, Random(f"{seed}/{n}"))) for n in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def client(self, seconds: float, rng: Random) -> None:
        """Requests of all kinds for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError):
                rng.choice((self.add, self.add, self.read, self.read, self.look_up, self.reach_out, self.misbehave))(
                    rng
                )
            time.sleep(rng.expovariate(3))

    def curl(self, rng: Random, *arguments: str) -> None:
        """One curl; mostly over HTTP/2 and TLS."""
        base, *options = rng.choice(
            (
                ("https://localhost:8443", "--http2", "--cacert", f"{self.home}/cert.pem"),
                ("https://localhost:8443", "--http1.1", "-k", "--tls-max", "1.2"),
                ("http://localhost:8080", "--http2-prior-knowledge"),
                ("http://localhost:8080",),
            )
        )
        argv = ["curl", "--silent", "--max-time", "3", *options]
        argv += [base + argument if argument.startswith("/") else argument for argument in arguments]
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def add(self, rng: Random) -> None:
        """Add some articles in one connection."""
        for _ in range(rng.randrange(1, 4)):
            text = " ".join(rng.choices(WORDS, k=rng.randrange(3, 30)))
            body = f'{{"id": "A{rng.randrange(300)}", "text": "{text}"}}'
            body = rng.choice((body,) * 8 + ("{", "{}", '{"id": "A1", "text": "' + "x" * 30_000 + '"}'))
            self.curl(rng, "/articles", "-H", "Content-Type: application/json", "-d", body)

    def read(self, rng: Random) -> None:
        """Search and read."""
        query = rng.choice(BAD_QUERIES) if rng.random() < 0.2 else " ".join(rng.choices(WORDS, k=rng.randrange(1, 4)))
        self.curl(rng, "/search", "--get", "--data-urlencode", f"q={query}")
        self.curl(rng, f"/articles/A{rng.randrange(400)}", f"/slow/{rng.choice((1, 5, 13, 700, 2000))}", "/nowhere")

    def look_up(self, rng: Random) -> None:
        """Names through the resolver, and straight at the server."""
        name = rng.choice(NAMES)
        self.curl(rng, f"/names/{rng.choice(KINDS)}/{name}")
        question = rng.randbytes(2) + bytes((1, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        question += b"".join(bytes((len(part),)) + part.encode() for part in (name[:60], "shop", "test"))
        question += bytes((0, 0, rng.choice((1, 16, 28, 252, 255, 77)), 0, 1))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(rng.choice((question, question, question[:9], rng.randbytes(40))), ("127.0.0.1", 5300))
        with socket.create_connection(("127.0.0.1", 5300), 1) as link:
            link.send(len(question).to_bytes(2) + rng.choice((question, question[:5])))
            link.settimeout(0.3)
            link.recv(500)

    def reach_out(self, rng: Random) -> None:
        """Let it fetch something or greet a peer."""
        self.curl(rng, "/fetch", "--get", "--data-urlencode", f"url={rng.choice(URLS)}")
        self.curl(
            rng,
            f"/greet/{rng.choice(('localhost', 'shop.test', 'other.test', 'bad name'))}/{rng.choice((8444, 8444, 1))}",
        )

    def misbehave(self, rng: Random) -> None:
        """Break protocols: TLS, HTTP/1, HTTP/2, QUIC."""
        port = rng.choice((8080, 8443))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(b"\xc3\0\0\0\1" + rng.randbytes(1200), ("127.0.0.1", 8444))
        with socket.create_connection(("127.0.0.1", port), 1) as link:
            preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            frames = (
                b"\0\0\0\4\0\0\0\0\0",
                b"\0\0\x05\1\5\0\0\0\1hello",
                b"\xff\xff\xff\0\0\0\0\0\1",
                b"\0\0\4\3\0\0\0\0\7\0\0\0\1",
            )
            link.send(
                rng.choice(
                    (
                        b"nonsense\r\n\r\n",
                        b"GET / HTTP/7\r\n\r\n",
                        preface + rng.choice(frames),
                        preface,
                        b"\x16\x03\1\0\5hello",
                    )
                )
            )
            time.sleep(0.1)
        context = ssl.create_default_context()
        context.set_alpn_protocols([rng.choice(("h2", "spdy/3"))])
        with (
            socket.create_connection(("127.0.0.1", 8443), 1) as link,
            context.wrap_socket(link, server_hostname="localhost"),
        ):
            pass


if __name__ == "__main__":
    assert __spec__ is not None
    main(Catalogue, __spec__.name)
