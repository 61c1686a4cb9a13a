"""nginx before a small application: visitors, an API, uploads, an administrator, bots."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.data.recordings.plan import Fault
from tests.data.recordings.program import Activity, Program, wait
from tests.data.recordings.programs.nginx_faults import NginxFaults

PORT, BACKEND_PORT = 80, 8000
RIGHT, WRONG = "garden", "gradne"  # what the administrator types
SETTINGS = """
user www-data;
worker_processes 2;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log info;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" rt=$request_time ut=$upstream_response_time';
    access_log {home}/access.log main;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    client_max_body_size 64k;
    keepalive_timeout 8s;
    limit_req_zone $binary_remote_addr zone=login:1m rate=2r/s;
    upstream api {{ server 127.0.0.1:8000 max_fails=0; keepalive 4; }}
    server {{
        listen 127.0.0.1:80;
        server_name shop.example;
        root {home}/html;
        location /api/ {{
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_connect_timeout 2s;
            proxy_read_timeout 5s;
        }}
        location = /api/login {{ limit_req zone=login burst=3 nodelay; proxy_pass http://api; }}
        location /admin/ {{ auth_basic "shop"; auth_basic_user_file {home}/passwords; }}
        include {home}/site.conf;
    }}
}}
"""
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "ShopApp/3.2 (Android 14)",
)
PAGES = ("/", "/index.html", "/help.html", "/css/main.css", "/js/app.js", "/img/logo.svg")
LOST = ("/favicon.ico", "/old/catalogue.html", "/img/banner-2019.png", "/apple-touch-icon.png")


class Nginx(NginxFaults, Program):
    """nginx on port 80; static pages, and /api/ from a Python server on port 8000."""

    name: ClassVar[str] = "nginx"
    sources: ClassVar[tuple[str, ...]] = ("access", "error")
    client_errors: ClassVar[tuple[type[Exception], ...]] = (OSError, http.client.HTTPException)

    def start(self) -> None:
        """Write the site, start the application and nginx."""
        self._write_site()
        self.start_backend()
        (self.home / "nginx.conf").write_text(SETTINGS.format(home=self.home))
        error_log = self.log_path("error")
        argv: list[str | Path] = ["nginx", "-e", error_log, "-p", self.home, "-c", self.home / "nginx.conf"]
        self.server = self.spawn(argv)
        self.until(lambda: self.ask(Random(0), "GET", "/health") == 200)

    def activities(self) -> Sequence[Activity]:
        """Visitors and machines."""
        return (
            Activity(self._visit, every=4.5, threads=8),
            Activity(self._health_check, every=5.0, periodic=True),
            Activity(self._crawl, every=60.0),
            Activity(self._lost, every=25.0),
            Activity(self._upload, every=30.0),
            Activity(self._impatient, every=40.0),
            Activity(self._login_twice, every=50.0),
            Activity(self._administrator, every=45.0),
            Activity(self._reload, every=390.0, periodic=True),
        )

    def faults(self) -> Sequence[Fault]:
        """Six kinds of trouble."""
        both, access, error = self.sources, ("access",), ("error",)
        return (
            Fault("upstream_killed", 45, both, self.upstream_killed),
            Fault("slow_upstream", 50, access, self.slow_upstream),
            Fault("path_scan", 40, both, self.path_scan),
            Fault("config_error", 40, error, self.config_error),
            Fault("upstream_stalled", 50, both, self.upstream_stalled),
            Fault("upstream_resets", 50, both, self.upstream_resets),
        )

    def start_backend(self) -> None:
        """Start the application behind nginx and wait until it answers."""
        module = "tests.data.recordings.programs.nginx_backend"
        self.backend = self.spawn([sys.executable, "-m", module, str(BACKEND_PORT)])
        self.until(lambda: self.tell_backend() == 200)

    def tell_backend(self, delay: float = 0.0, reset: float = 0.0) -> int:
        """Make the application slow, or break off a share of its replies."""
        link = http.client.HTTPConnection("127.0.0.1", BACKEND_PORT, timeout=5)
        link.request("POST", "/fault", json.dumps({"delay": delay, "reset": reset}))
        return link.getresponse().status

    def ask(self, rng: Random, method: str, path: str, **options: object) -> int:
        """One request on a connection of its own; the status."""
        link = self._visitor(rng)
        try:
            return self._request(link, rng, method, path, **options)
        finally:
            link.close()

    def _write_site(self) -> None:
        for number, page in enumerate(("/health", "/admin/index.html", "/robots.txt", *PAGES[1:])):
            path = self.home / "html" / page.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("shop\n" * (40 + 170 * number))
        (self.home / "passwords").write_text(f"anna:{{PLAIN}}{RIGHT}\n")
        (self.home / "site.conf").write_text("charset utf-8;\n")

    def _visitor(self, rng: Random) -> http.client.HTTPConnection:
        source = (f"127.0.{rng.randrange(1, 9)}.{rng.randrange(2, 40)}", 0)
        return http.client.HTTPConnection("127.0.0.1", PORT, timeout=20, source_address=source)

    def _request(self, link: http.client.HTTPConnection, rng: Random, method: str, path: str, **options: object) -> int:
        headers = {"Host": "shop.example", "User-Agent": str(options.get("agent") or AGENTS[0])}
        if "password" in options:
            pair = base64.b64encode(f"anna:{options['password']}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        link.request(method, path, body=options.get("body"), headers=headers)
        with link.getresponse() as response:
            response.read()
            return response.status

    def _visit(self, rng: Random) -> None:
        agent, link = rng.choice(AGENTS), self._visitor(rng)
        try:
            self._request(link, rng, "GET", "/", agent=agent)
            for _ in range(rng.randint(2, 9)):
                wait(rng, 0.02, 1.2)
                self._request(link, rng, *self._page(rng), agent=agent)
        finally:
            link.close()

    def _page(self, rng: Random) -> tuple[str, str]:
        kind = rng.random()
        if kind < 0.4:
            return "GET", rng.choice(PAGES)
        if kind < 0.55:
            return "GET", f"/api/items?page={rng.randint(1, 40)}"
        if kind < 0.8:
            return "GET", f"/api/items/{rng.randint(1, 505)}"  # 500 exist
        if kind < 0.9:
            return "GET", f"/api/search?q={rng.choice(('tea', 'mug', 'lamp', 'red+chair'))}"
        return "POST", rng.choice(("/api/cart", "/api/cart", "/api/login"))

    def _health_check(self, rng: Random) -> None:
        self.ask(rng, "GET", "/health", agent="kube-probe/1.29")

    def _crawl(self, rng: Random) -> None:
        for path in ("/robots.txt", *(f"/api/items?page={n}" for n in range(1, rng.randint(4, 12)))):
            self.ask(rng, "GET", path, agent="Mozilla/5.0 (compatible; ExampleBot/2.1)")
            wait(rng, 0.1, 0.5)

    def _lost(self, rng: Random) -> None:
        self.ask(rng, "GET", rng.choice(LOST), agent=rng.choice(AGENTS))

    def _upload(self, rng: Random) -> None:
        size = 90_000 if rng.random() < 0.1 else rng.randrange(1000, 60_000)
        self.ask(rng, "POST", "/api/upload", body=bytes(size), agent=rng.choice(AGENTS))

    def _impatient(self, rng: Random) -> None:
        link = self._visitor(rng)
        link.request("GET", "/api/export", headers={"Host": "shop.example", "User-Agent": AGENTS[3]})
        wait(rng, 0.05, 0.6)
        link.close()

    def _login_twice(self, rng: Random) -> None:
        link = self._visitor(rng)
        for _ in range(rng.choice((2, 2, 3, 6))):
            self._request(link, rng, "POST", "/api/login", agent=AGENTS[1])
        link.close()

    def _administrator(self, rng: Random) -> None:
        if rng.random() < 0.15:
            self.ask(rng, "GET", "/admin/", password=WRONG, agent=AGENTS[0])
        self.ask(rng, "GET", "/admin/", password=RIGHT, agent=AGENTS[0])

    def _reload(self, rng: Random) -> None:
        os.kill(self.server.pid, signal.SIGHUP)
