"""A client of the shop's workers, run in the workers' environment: it sends tasks, or orders to the workers."""

from __future__ import annotations

import random
import sys
import time
from contextlib import suppress


def work(seconds: float) -> None:
    """Send tasks of all kinds for so long; what the broker or a check refuses is not sent."""
    sent: list[object] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(Exception):
            send(random.choice(KINDS), random.randrange(2000), sent)
        time.sleep(random.expovariate(10))


def send(kind: str, n: int, sent: list[object]) -> None:
    """Send one task, remembering it for a revocation."""
    import shop
    from celery import chain, chord, group

    order = f"A-{n:05d}"
    match kind:
        case "price":
            sent.append(shop.price.delay(n, 1 + n % 7))
        case "pay":
            wait = random.choice((None, None, 2))
            sent.append(shop.pay.apply_async((order, n / 7), priority=n % 5, countdown=wait))
        case "notify":
            shop.notify.apply_async((f"user{n % 40}@example{n % 5}.org", "invoice"), queue="mail")
        case "stock":
            sent.append(shop.stock.delay(n))
        case "export":
            args = (random.choice((0.1, 0.1, 1.5, 4)), n % 3 == 0)
            shop.export.apply_async(args, queue="exports", expires=random.choice((None, 5)))
        case "canvas":
            chain(shop.price.s(n, 2), shop.pay.si(order, 3.5), shop.total.si([1.0, 2.0])).delay()
            chord(group(shop.day_total.s(day) for day in range(2, 5)), shop.total.s()).delay()
        case "bad":
            shop.app.send_task(f"shop.typo_{n % 3}", args=[n])
            shop.app.send_task("shop.price", args=["seven", None] if n % 2 else [1, 2, 3, 4])
            shop.unserialisable.delay()
        case _:
            sent.pop(random.randrange(len(sent))).revoke(terminate=n % 2 == 0)


def control(_seconds: float) -> None:
    """Ask and tell the workers everything that remote control knows."""
    import shop

    control = shop.app.control
    inspect = control.inspect(timeout=1)
    for ask in (
        "stats",
        "active",
        "scheduled",
        "reserved",
        "revoked",
        "registered",
        "active_queues",
        "conf",
        "clock",
        "ping",
    ):
        with suppress(Exception):
            getattr(inspect, ask)()
    for tell, arguments in ORDERS:
        with suppress(Exception):
            control.broadcast(tell, arguments=arguments, reply=True, timeout=1)


QUESTIONS = (
    "stats",
    "active",
    "scheduled",
    "reserved",
    "revoked",
    "registered",
    "active_queues",
    "conf",
    "clock",
    "ping",
)
KINDS = ("price",) * 5 + ("pay",) * 4 + ("notify",) * 3 + ("stock",) * 3 + ("export", "canvas", "bad", "revoke")
ORDERS = (
    ("rate_limit", {"task_name": "shop.price", "rate_limit": "5/m"}),
    ("rate_limit", {"task_name": "shop.price", "rate_limit": "200/s"}),
    ("rate_limit", {"task_name": "shop.none", "rate_limit": "2/s"}),
    ("rate_limit", {"task_name": "shop.price", "rate_limit": "often"}),
    ("rate_limit", {"task_name": "shop.price", "rate_limit": 0}),
    ("time_limit", {"task_name": "shop.export", "soft": 2, "hard": 4}),
    ("time_limit", {"task_name": "shop.none", "hard": 4}),
    ("pool_grow", {"n": 2}),
    ("pool_shrink", {"n": 1}),
    ("add_consumer", {"queue": "extra"}),
    ("add_consumer", {"queue": "extra"}),
    ("cancel_consumer", {"queue": "extra"}),
    ("enable_events", {}),
    ("enable_events", {}),
    ("disable_events", {}),
    ("heartbeat", {}),
    ("revoke", {"task_id": "11111111-2222-3333-4444-555555555555"}),
    ("revoke", {"task_id": ["a-b-c", "d-e-f"], "terminate": True}),
    ("terminate", {"task_id": "a-b-c", "signal": "SIGKILL"}),
    ("revoke_by_stamped_headers", {"headers": {"owner": "nobody"}}),
    ("autoscale", {"max": 5, "min": 2}),
    ("memsample", {}),
    ("memdump", {}),
    ("query_task", {"ids": ["a-b-c"]}),
    ("election", {"id": "e1", "topic": "task", "action": "shop.price"}),
    ("pool_restart", {"reload": True}),
    ("no_such_order", {"n": 1}),
    ("shutdown", None),
)

if __name__ == "__main__":
    sys.path.insert(0, ".")
    random.seed(int(sys.argv[3]))
    {"work": work, "control": control}[sys.argv[1]](float(sys.argv[2]))
