"""The crawlers that the recorded Scrapy runs: spiders, an item pipeline, a middleware."""

from __future__ import annotations

import random

import scrapy
from scrapy.exceptions import CloseSpider, DropItem, IgnoreRequest
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, CSVFeedSpider, Rule, SitemapSpider, XMLFeedSpider

SITE = "http://shop.test:9300"


class Checked:
    """Drops some items and stumbles over others."""

    def process_item(self, item: dict) -> dict:
        """Pass, drop or fail."""
        n = hash(str(item)) % 17
        if n == 3:
            raise DropItem(f"no price in {item.get('name')}")
        if n == 5:
            raise ValueError(f"bad item {item.get('name')!r}")
        return item


class Moody:
    """A downloader middleware that ignores or fails a few requests."""

    def process_request(self, request: scrapy.Request) -> None:
        """Refuse some."""
        if "moody" in request.url:
            if random.random() < 0.5:
                raise IgnoreRequest("not today")
            raise RuntimeError("bad mood")


class Wide(CrawlSpider):
    """Follows every link."""

    name = "wide"
    allowed_domains = ("shop.test",)
    start_urls = (f"{SITE}/page/1", f"{SITE}/private/1", "http://nowhere.test/", "ftp://shop.test/x", "mailto:a@b")
    rules = (Rule(LinkExtractor(), callback="parse_page", follow=True, errback="failed"),)

    def parse_page(self, response: scrapy.http.Response) -> object:
        """Items, files, more requests, and mistakes."""
        self.logger.debug("parsing %s, %d bytes", response.url, len(response.body))
        yield {"name": response.css("title::text").get(), "file_urls": response.css("img::attr(src)").getall()[:2]}
        if response.url.endswith("7"):
            raise KeyError(response.url)
        if response.url.endswith("8"):
            yield 42
        if response.url.endswith("9"):
            yield scrapy.FormRequest.from_response(response, formdata={"q": "lamp"}, callback=self.parse_found)
        if response.url.endswith("966"):
            raise CloseSpider("seen enough")

    def parse_found(self, response: scrapy.http.Response) -> object:
        """Found articles."""
        self.logger.info("form answered with status %d", response.status)
        return {"name": "found", "length": len(response.text)}

    def failed(self, failure: object) -> None:
        """A request that failed."""
        self.logger.error("gave up: %r", failure.value)


class Map(SitemapSpider):
    """By the sitemap."""

    name = "map"
    sitemap_urls = (f"{SITE}/robots.txt", f"{SITE}/sitemap.xml", f"{SITE}/sitemap-broken.xml")

    def parse(self, response: scrapy.http.Response) -> object:
        """One item a page."""
        yield {"name": response.url}


class Feed(XMLFeedSpider):
    """From an XML feed."""

    name = "feed"
    start_urls = (f"{SITE}/feed.xml", f"{SITE}/page/3")
    itertag = "item"

    def parse_node(self, response: scrapy.http.Response, node: scrapy.Selector) -> object:
        """One item a node."""
        yield {"name": node.xpath("name/text()").get()}


class Table(CSVFeedSpider):
    """From a CSV table."""

    name = "table"
    start_urls = (f"{SITE}/table.csv",)
    headers = ("id", "name")

    def parse_row(self, response: scrapy.http.Response, row: dict) -> object:
        """One item a row."""
        yield dict(row)


class Unready(scrapy.Spider):
    """Fails before it begins."""

    name = "unready"

    async def start(self) -> object:
        """Fail."""
        yield scrapy.Request(f"{SITE}/page/1")
        raise OSError("no list of pages")
