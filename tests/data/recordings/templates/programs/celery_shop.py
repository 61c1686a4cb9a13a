"""The tasks of a small shop: what the recorded Celery workers run."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from celery import Celery, Task, chord, group, shared_task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.schedules import crontab
from celery.utils.log import get_task_logger

app = Celery("shop")
app.config_from_object("settings")
log = get_task_logger(__name__)

app.conf.beat_schedule = {
    "sweep-carts": {"task": "shop.sweep_carts", "schedule": timedelta(seconds=2), "kwargs": {"older_than": 3600}},
    "rates": {"task": "shop.fetch_rates", "schedule": timedelta(seconds=5), "args": ("EUR",)},
    "nightly": {"task": "shop.report", "schedule": crontab(minute="*"), "args": (7,)},
    "gone": {"task": "shop.removed_long_ago", "schedule": timedelta(seconds=11)},
}


class GatewayDownError(Exception):
    """The payment gateway did not answer."""


@app.task(name="shop.price", rate_limit="40/s")
def price(article: int, count: int) -> float:
    """Price so many of an article."""
    log.debug("article %d is in price group %s", article, "ABC"[article % 3])
    return round(article * count * 1.19, 2)


@app.task(name="shop.pay", bind=True, max_retries=3, default_retry_delay=1)
def pay(self: Task, order: str, amount: float) -> str:
    """Pay through a gateway that fails at times."""
    log.info("paying %.2f for order %s", amount, order)
    if random.random() < 0.3:
        log.warning("gateway refused order %s, attempt %d", order, self.request.retries + 1)
        raise self.retry(exc=GatewayDownError(f"gateway timed out for {order}"), countdown=random.choice((0.2, 1)))
    return f"receipt-{random.randrange(10**6)}"


@app.task(name="shop.notify", autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=2, ignore_result=True)
def notify(address: str, kind: str) -> None:
    """Send a mail, or fail to."""
    if random.random() < 0.25:
        raise ConnectionRefusedError(111, f"smtp.{address.partition('@')[2]} refused")
    log.info("mail %r sent to %s", kind, address)


@app.task(name="shop.stock", bind=True, acks_late=True, reject_on_worker_lost=True)
def stock(self: Task, article: int) -> dict[str, int]:
    """Count stock; some articles are rejected or ignored, some crash."""
    if article % 23 == 0:
        raise Reject(f"article {article} is archived", requeue=False)
    if article % 29 == 0:
        self.update_state(state="SKIPPED", meta={"article": article})
        raise Ignore
    if article % 17 == 0:
        raise KeyError(article)
    return {"article": article, "left": random.randrange(500)}


@app.task(name="shop.export", soft_time_limit=1, time_limit=3)
def export(seconds: float, stubborn: bool = False) -> str:
    """Work for so long, past the time limits if asked to."""
    try:
        time.sleep(seconds)
    except SoftTimeLimitExceeded:
        log.warning("export is over its time, %s", "going on" if stubborn else "cleaning up")
        if not stubborn:
            raise
        time.sleep(seconds)
    return "exported"


@app.task(name="shop.sweep_carts", expires=3)
def sweep_carts(older_than: int) -> int:
    """Forget old carts."""
    swept = random.randrange(20)
    log.info("swept %d carts older than %d s", swept, older_than)
    return swept


@app.task(name="shop.fetch_rates", bind=True, throws=(ValueError,))
def fetch_rates(self: Task, currency: str) -> float:
    """Fetch a rate; an expected failure now and then."""
    if random.random() < 0.3:
        raise ValueError(f"no rate for {currency} today")
    return random.random()


@app.task(name="shop.report")
def report(days: int) -> None:
    """Start a chord over the days."""
    chord(group(day_total.s(day) for day in range(days)))(total.s())


@shared_task(name="shop.day_total")
def day_total(day: int) -> float:
    """The total of a day; one of them fails at times."""
    if day == 3 and random.random() < 0.3:
        raise RuntimeError(f"day {day} is not closed")
    return day * 100.0


@shared_task(name="shop.total")
def total(days: list[float]) -> float:
    """Sum up."""
    return sum(days)


@app.task(name="shop.unserialisable")
def unserialisable() -> object:
    """Return what no serializer takes."""
    return object()
