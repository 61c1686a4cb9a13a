"""Scrapy: crawls of a site that redirects, fails, stalls and lies, with odd settings, interruptions and mistakes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from tests.data.recordings.templates.programs.scrapy_site import PORT, Site, SiteServer
from tests.data.recordings.templates.python_programs import MARK, environment, install, installed, shortened
from tests.data.recordings.templates.recording import TemplateProgram, main
from tests.data.recordings.templates.truth import Line

SETTINGS = f"""
BOT_NAME = "shop"
SPIDER_MODULES = ["crawlers"]
LOG_FORMAT = "{MARK}%(asctime)s [%(name)s] %(levelname)s: %(message)s"
ITEM_PIPELINES = {{"crawlers.Checked": 300, "scrapy.pipelines.files.FilesPipeline": 1}}
DOWNLOADER_MIDDLEWARES = {{"crawlers.Moody": 543}}
FILES_STORE = "files"
DOWNLOAD_TIMEOUT = 2
DOWNLOAD_WARNSIZE = 100000
LOGSTATS_INTERVAL = 3
CLOSESPIDER_TIMEOUT = 16
DOWNLOAD_DELAY = 0.01
CLOSESPIDER_ERRORCOUNT = 0
REDIRECT_MAX_TIMES = 5
"""
RUNS = (
    ("wide", "INFO", ""),
    ("wide", "DEBUG", "DOWNLOAD_MAXSIZE=200000 DEPTH_LIMIT=3 DEPTH_STATS_VERBOSE=1"),
    ("wide", "DEBUG", "AUTOTHROTTLE_ENABLED=1 AUTOTHROTTLE_DEBUG=1 COOKIES_DEBUG=1 ROBOTSTXT_OBEY=1"),
    ("map", "DEBUG", "HTTPCACHE_ENABLED=1 CLOSESPIDER_TIMEOUT=8"),
    ("map", "DEBUG", "HTTPCACHE_ENABLED=1 HTTPCACHE_POLICY=scrapy.extensions.httpcache.RFC2616Policy"),
    ("wide", "DEBUG", "RETRY_ENABLED=0 HTTPCACHE_ENABLED=1 HTTPCACHE_IGNORE_HTTP_CODES=500,503"),
    ("feed", "DEBUG", "CLOSESPIDER_ITEMCOUNT=3"),
    ("table", "DEBUG", ""),
    ("unready", "DEBUG", ""),
    ("wide", "DEBUG", "JOBDIR=job SCHEDULER_DEBUG=1 DUPEFILTER_DEBUG=1 CLOSESPIDER_PAGECOUNT=60"),
    (
        "wide",
        "DEBUG",
        "JOBDIR=job SCHEDULER_DEBUG=1 CLOSESPIDER_ERRORCOUNT=20 "
        "MEMUSAGE_LIMIT_MB=10 MEMUSAGE_CHECK_INTERVAL_SECONDS=10",
    ),
    ("wide", "INFO", "MEMUSAGE_WARNING_MB=10 MEMUSAGE_CHECK_INTERVAL_SECONDS=3 RETRY_TIMES=1 PERIODIC_LOG_DELTA=True"),
    ("wide", "DEBUG", "HTTPERROR_ALLOW_ALL=1 REDIRECT_ENABLED=0 DOWNLOAD_FAIL_ON_DATALOSS=0 LOG_SHORT_NAMES=1"),
    ("wide", "DEBUG", "MEMDEBUG_ENABLED=1 CONCURRENT_REQUESTS=2 URLLENGTH_LIMIT=25 TELNETCONSOLE_PORT=9300"),
    ("map", "INFO", "DNS_RESOLVER=scrapy.resolver.CachingHostnameResolver TWISTED_REACTOR="),
    ("wide", "DEBUG", "ITEM_PIPELINES={'crawlers.Gone':1} CLOSESPIDER_TIMEOUT=5"),
    ("none", "DEBUG", ""),
    ("wide", "DEBUG", "EXTENSIONS={'gone.Extension':1} CLOSESPIDER_TIMEOUT=5"),
    (
        "wide",
        "INFO",
        "FEEDS={'out.none':{'format':'none'},'ftp://localhost:1/x.json':{'format':'json'}} CLOSESPIDER_TIMEOUT=5",
    ),
    ("wide", "DEBUG", "FEEDS={'out.jl':{'format':'jsonlines','batch_item_count':4},'/proc/x.csv':{'format':'csv'}}"),
)


class Scrapy(TemplateProgram):
    """Scrapy."""

    name = "scrapy"
    title = "Scrapy"
    language = "Python"
    half = "held_out"
    how = (
        "LOG_FORMAT with %(pathname)s:%(lineno)d before the usual one; INFO and DEBUG in turn; errors, "
        "redirects, robots, caches, retries, slow and broken answers, interruptions, mistaken settings"
    )
    header = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,?\d* \[[^\]]*\] (?P<level>[A-Z]+): "
    wrappers: ClassVar = {r"warnings\.py:\d+": "warnings of any module"}

    @classmethod
    def prepare(cls) -> None:
        """An environment of its own."""
        install(cls.name, "scrapy")

    def version(self) -> str:
        """Of Scrapy."""
        return installed(self.name, "scrapy")

    def lines(self) -> Iterator[Line]:
        """Marked lines."""
        return shortened(super().lines(), self.home)

    def drive(self) -> None:
        """All runs; some are interrupted, once or twice."""
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        with Path("/etc/hosts").open("a") as hosts:
            hosts.write("127.0.0.1 shop.test elsewhere.test\n")
        threading.Thread(target=SiteServer(("127.0.0.1", PORT), Site).serve_forever, daemon=True).start()
        shutil.copy(Path(__file__).with_name("scrapy_project.py"), self.home / "crawlers.py")
        (self.home / "settings.py").write_text(SETTINGS)
        (self.home / "scrapy.cfg").write_text("[settings]\ndefault = settings\n")
        for number, (spider, level, settings) in enumerate(RUNS):
            crawl = self.crawl(spider, level, settings)
            if number % 4 == 2:
                self.interrupt(crawl, twice=number % 8 == 2)
            with suppress(subprocess.TimeoutExpired):
                crawl.wait(30)
            crawl.terminate()
            with suppress(subprocess.TimeoutExpired):
                crawl.wait(10)
            crawl.kill()

    def crawl(self, spider: str, level: str, settings: str) -> subprocess.Popen[bytes]:
        """Start one crawl."""
        options = [part for setting in settings.split() for part in ("-s", setting)]
        with self.raw().open("ab") as out:
            argv = [environment(self.name) / "scrapy", "crawl", spider, "-L", level, *options]
            return self.spawn(argv, cwd=self.home, stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"})

    def interrupt(self, crawl: subprocess.Popen[bytes], twice: bool) -> None:
        """Ctrl-C in the middle."""
        time.sleep(10)
        crawl.send_signal(signal.SIGINT)
        if twice:
            time.sleep(0.2)
            crawl.send_signal(signal.SIGINT)


if __name__ == "__main__":
    assert __spec__ is not None
    main(Scrapy, __spec__.name)
