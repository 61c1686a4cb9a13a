"""Scrapes the metrics that programs expose for Prometheus: each scrape is one record, the whole exposition."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from logwatch.api import Clock, plugin
from logwatch.sources.naming import host_name
from logwatch.sources.prometheus_config import PrometheusConfig
from logwatch.sources.prometheus_fetch import Fetch, ScrapeFailed
from logwatch.sources.readings import ReadingSource, Target, named
from logwatch.telemetry import Logger
from logwatch.types import Stream

log = Logger(__name__)

DEFAULT_NAME = "{host}:{port}"

_PORTS = {"http": 80, "https": 443}


@plugin(kind="source", name="prometheus", api=(1, 0), config=PrometheusConfig)
class PrometheusSource(ReadingSource):
    """Scrapes targets; its end is never reached unless `once` is set.

    Args:
        config: its settings.
        clock: for the schedule and the time of each scrape.
        name: of the sources: `{host}`, `{port}` and `{path}` are the target's; a loopback's host is this machine.

    Raises:
        ConfigError: a name or a certificate cannot be used.
    """

    def __init__(self, config: PrometheusConfig, clock: Clock, name: str = DEFAULT_NAME) -> None:
        names = [expand(name, url) for url in config.urls]
        targets = []
        for source, url in zip(names, config.urls, strict=True):
            scrape = Scrape(Fetch(config, url), instance_of(url), clock, names.count(source) > 1)
            targets.append(Target(Stream(source, scrape.instance), scrape.read, scrape.stop))
        super().__init__(targets, config.interval, clock, config.once)


class Scrape:
    """One target: what it exposes, and whether it answers. One of several of a source says which it is."""

    def __init__(self, fetch: Fetch, instance: str, clock: Clock, one_of_several: bool = False) -> None:
        self.instance, self._said = instance, f" {instance}" if one_of_several else ""
        self._fetch, self._clock = fetch, clock
        self._failing = False
        self.stop = fetch.stop

    def read(self, time: int) -> bytes:
        """The record of a scrape at a wall time, ns: first line, exposition, and the samples that Prometheus adds."""
        began = self._clock.monotonic()
        head = f"# logwatchd scrape {time}{self._said}\n".encode()
        try:
            body = self._fetch.get()
        except ScrapeFailed as error:
            if not self._failing:
                log.warning("a target cannot be scraped", target=self.instance, reason=str(error))
            self._failing = True
            return head + b"# TYPE up gauge\nup 0"
        if self._failing:
            log.info("a target can be scraped again", target=self.instance)
        self._failing = False
        added = f"# TYPE scrape_duration_seconds gauge\nscrape_duration_seconds {self._clock.monotonic() - began:.6f}"
        return head + _open(body) + b"# TYPE up gauge\nup 1\n" + added.encode()


def _open(body: bytes) -> bytes:
    """An exposition to which samples can be appended."""
    body = body.rstrip().removesuffix(b"# EOF")
    return body if not body or body.endswith(b"\n") else body + b"\n"


def instance_of(url: str) -> str:
    """`host:port/path`, with the query where there is one."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{_host(url)}:{_port(url)}{parts.path}{query}"


def expand(template: str, url: str) -> str:
    """A source's name for a target. Raises ConfigError where a placeholder is unknown."""
    host = urlsplit(url).hostname or ""
    values = {"host": host_name() if _is_here(host) else _host(url), "port": _port(url), "path": urlsplit(url).path}
    return named(template, values, "prometheus")


def _host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def _port(url: str) -> str:
    parts = urlsplit(url)
    return str(parts.port or _PORTS[parts.scheme])


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
