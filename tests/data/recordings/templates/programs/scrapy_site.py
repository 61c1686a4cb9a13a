"""The site that the recorded Scrapy crawls: pages, redirects, errors, slow and broken answers."""

from __future__ import annotations

import gzip
import random
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 9300
PAGES = 3000
ODD = (
    "/redirect/1",
    "/loop",
    "/refresh",
    "/missing",
    "/error",
    "/slow",
    "/cut",
    "/short",
    "/badgzip",
    "/huge",
    "/private/2",
    "/binary",
    "/moody",
    "/cookie",
    "/teapot",
    "/flaky",
    "/nolocation",
    "http://elsewhere.test/",
    "http://127.0.0.1:1/",
    "https://shop.test:9300/",
    "/busy",
    "/gone",
    "javascript:void(0)",
    "/page/1#top",
    "/caf\u00e9?q=\u6f22",
)


class Site(BaseHTTPRequestHandler):
    """Answers by the first part of the path."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """One page."""
        kind, _, rest = self.path.strip("/").partition("/")
        kind = random.choice(("page", "error", "cut")) if kind == "flaky" else kind
        if kind == "slow":
            time.sleep(random.choice((0.5, 4)))
        if kind == "cut":
            self.connection.close()
            return
        status, headers, body = answer(kind, rest)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET


def answer(kind: str, rest: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body."""
    html = {"Content-Type": "text/html; charset=utf-8"}
    match kind:
        case "robots.txt":
            text = (
                f"User-agent: *\nDisallow: /private\nCrawl-delay: 0.1\nSitemap: http://shop.test:{PORT}/sitemap.xml\n"
            )
            return 200, {"Content-Type": "text/plain"}, text.encode()
        case "redirect":
            return 302, {"Location": f"/redirect/{int(rest or 1) + 1}" if len(rest) < 2 else "/page/2"}, b""
        case "loop":
            return 301, {"Location": "/loop"}, b""
        case "nolocation":
            return 301, {}, b""
        case "refresh":
            return 200, html, b'<html><head><meta http-equiv="refresh" content="0; url=/page/4"></head></html>'
        case "error" | "busy" | "gone" | "teapot" | "missing" | "favicon.ico":
            return (
                {"error": 500, "busy": random.choice((503, 429)), "gone": 410, "teapot": 418}.get(kind, 404),
                html,
                b"no",
            )
        case "short":
            return 200, html | {"Content-Length": "5000"}, b"too short"
        case "badgzip":
            return 200, html | {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 500)[:30]
        case "huge":
            return 200, html, b"<p>" + b"x" * 300_000
        case "binary" | "img":
            return 200, {"Content-Type": "application/octet-stream"}, random.randbytes(300)
        case "cookie":
            return 200, html | {"Set-Cookie": f"seen={random.randrange(99)}; Path=/"}, page(5)
        case "feed.xml":
            rows = "".join(f"<item><name>article {n}</name></item>" for n in range(5))
            return 200, {"Content-Type": "text/xml"}, f"<feed>{rows}</feed>".encode()
        case "table.csv":
            return 200, {"Content-Type": "text/csv"}, b"id,name\n1,lamp\n2,chair,extra\n3\n4,table\n"
        case "sitemap.xml":
            rows = "".join(f"<url><loc>http://shop.test:{PORT}/page/{n}</loc></url>" for n in range(9))
            return 200, {"Content-Type": "text/xml"}, f"<urlset>{rows}</urlset>".encode()
        case "sitemap-broken.xml":
            return 200, {"Content-Type": "text/html"}, b"not a map"
    return 200, html, page(int(rest) if rest.isdigit() else random.randrange(PAGES))


def page(n: int) -> bytes:
    """A page with links to others and to a few odd places."""
    links = [f"/page/{(n * 7 + k) % PAGES}" for k in range(5)] + random.sample(ODD, 2)
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    form = '<form action="/page/3" method="post"><input name="q"></form>' if n % 2 else ""
    return (
        f"<html><title>page {n}</title>{anchors}{form}<img src='http://shop.test:{PORT}/img/{n}.png'></html>".encode()
    )


class SiteServer(ThreadingHTTPServer):
    """A server whose clients may break off."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Stay silent."""
