"""What each deployment will be: drawn from the seed and its number alone, so that a stopped recorder goes on alike.

A block of 24 deployments has each fault once, and fourteen deployments that are meant to survive. A round of three
runs at the same time and shares one fold.
"""

from __future__ import annotations

import random
from typing import Any

TOGETHER = 3
FOLDS = 10
FAULTS = (
    "memory_leak",
    "connection_leak",
    "descriptor_leak",
    "thread_leak",
    "disk_fill",
    "lock_convoy",
    "cpu_regression",
    "slow_dependency",
    "retry_storm",
    "cache_stampede",
)
BENIGN = (
    "traffic_burst",
    "traffic_burst",
    "backup",
    "cache_warmup",
    "log_rotation",
    "memory_plateau",
    "memory_plateau",
    "connection_plateau",
    "descriptor_plateau",
    "thread_plateau",
    "heavier_search",
    "slower_audit",
    "dependency_blip",
    "none",
)
TRAIT_OF = {  # fault: its trait, and the benign disturbance with the same trait that stops in time
    "memory_leak": ("KeptSessions", "memory_plateau"),
    "connection_leak": ("HeldConnections", "connection_plateau"),
    "descriptor_leak": ("OpenFiles", "descriptor_plateau"),
    "thread_leak": ("WaitingThreads", "thread_plateau"),
    "disk_fill": ("TalkativeLog", "log_rotation"),
    "lock_convoy": ("AuditedOrders", "slower_audit"),
    "cpu_regression": ("RankedSearch", "heavier_search"),
    "cache_stampede": ("RelatedItems", "wider_pages"),
}
TWINS = {twin: fault for fault, (_, twin) in TRAIT_OF.items()}
MIB = 1 << 20
BASE_MEMORY = 55 * MIB  # the group's, before anything grows
BASE_TASKS = 35
BASE_DESCRIPTORS = 25
SPREAD = 12 * MIB  # by which the group may need more than that
RECEIPTS = 3 * MIB // 2
RANKING = 0.3e-6  # CPU seconds to rank an entry of a history
NEARLY = {"lock_convoy": 0.6, "cpu_regression": 0.45, "cache_stampede": 0.6}  # near the capacity waiting has no bound
ENDLESS = 1e12


def kinds(seed: int, block: int) -> list[str]:
    """The planned kinds of a block, in the order of their deployments."""
    drawn = [*FAULTS, *BENIGN]
    random.Random(f"{seed}/block/{block}").shuffle(drawn)
    return drawn


def plan(seed: int, number: int, attempt: int = 0) -> dict[str, Any]:
    """The plan of deployment ``number``; another ``attempt`` draws other numbers for the same kind."""
    block, place = divmod(number, len(FAULTS) + len(BENIGN))
    draw = random.Random(f"{seed}/{number}/{attempt}")
    group = number // TOGETHER
    longest = random.Random(f"{seed}/round/{group}").uniform(130, 180)
    seconds = round(max(120.0, longest - draw.uniform(0, 15)) * 2) / 2
    made = _service(draw, seconds)
    made |= {"deployment": f"shop{number:03d}", "number": number, "round": group, "fold": group % FOLDS}
    made |= {"seed": seed, "attempt": attempt, "planned": kinds(seed, block)[place]}
    _shape(made, made["planned"], draw)
    made["extra"] = _extra(made, draw)
    return made


def _service(draw: random.Random, seconds: float) -> dict[str, Any]:
    """A service as it usually is, with its own size."""
    cores = draw.uniform(0.055, 0.085)
    return {
        "seconds": seconds,
        "lead_in": draw.uniform(4, 14),
        "cores": cores,
        "memory": int(BASE_MEMORY + draw.uniform(50, 90) * MIB),
        "tasks": BASE_TASKS + draw.randint(60, 120),
        "connections": 40,
        "disk": int(draw.uniform(10, 16) * MIB),
        "descriptors": BASE_DESCRIPTORS + draw.randint(70, 150),
        "prices": {"seconds": draw.uniform(0.03, 0.07), "parallel": 64, "stages": []},
        "shop": {
            "workers": draw.randint(8, 12),
            "queue": 24,
            "pool": draw.randint(6, 9),
            "price_timeout": 3.0,
            "price_tries": draw.choice((1, 2)),
            "traits": [],
        },
        "traffic": {
            "mean": draw.uniform(12, 18) * cores / 0.07,
            "swing": draw.uniform(0.05, 0.25),
            "period": draw.uniform(50, 200),
            "bursts": [],
        },
        "again": draw.choice((0.0, 0.3)),
        "disturbances": [],
    }


def _shape(made: dict[str, Any], kind: str, draw: random.Random) -> None:
    """Give the service the fault or the disturbance that is planned for it."""
    fails_at = draw.uniform(66, made["seconds"] - 6)
    onset = draw.uniform(5, fails_at - 22)
    if kind in TRAIT_OF:
        made["shop"]["traits"].append(_trait(made, kind, onset, fails_at - onset, ENDLESS))
    elif kind in TWINS:
        share = draw.uniform(0.4, 0.95)
        made["shop"]["traits"].append(_trait(made, TWINS[kind], onset, fails_at - onset, share))
    elif kind in ("slow_dependency", "dependency_blip"):
        _slow_prices(made, kind == "slow_dependency", onset, fails_at, draw)
    elif kind == "retry_storm":
        made["prices"] |= {
            "parallel": 2,
            "stages": _after(made, [[onset, 1.0], [fails_at, 9.0], [fails_at + 20, 13.0]]),
        }
        made["shop"] |= {"price_timeout": 0.6, "price_tries": 4}
        made["again"] = 0.7
    elif kind != "none":
        _outside(made, kind, draw, hard=True)


def _trait(made: dict[str, Any], fault: str, onset: float, lasts: float, share: float) -> list[Any]:
    """Name, onset, step and most of a trait that reaches its capacity ``lasts`` seconds after its onset."""
    rate, shop = made["traffic"]["mean"], made["shop"]
    orders, searches = 0.15 * rate, 0.14 * rate
    capacity, events = {
        "memory_leak": (made["memory"] - BASE_MEMORY - SPREAD, rate),
        "connection_leak": (1.4 * shop["pool"], rate),
        "descriptor_leak": (made["descriptors"] - BASE_DESCRIPTORS, rate),
        "thread_leak": (made["tasks"] - BASE_TASKS, rate),
        "disk_fill": (made["disk"] - RECEIPTS, rate),
        "lock_convoy": (1 / orders, orders),
        "cpu_regression": ((made["cores"] - 0.02) / searches / RANKING, searches),
        "cache_stampede": (10.0, 1.0),
    }[fault]
    share *= NEARLY.get(fault, 1.0)
    step = 1.1 * capacity / (lasts * events)
    if fault == "connection_leak":
        capacity = shop["pool"] - 1.0  # the shop goes on with one
    return [TRAIT_OF[fault][0], onset + made["lead_in"], step, min(ENDLESS, share * capacity)]


def _after(made: dict[str, Any], stages: list[list[float]]) -> list[list[float]]:
    return [[at + made["lead_in"], factor] for at, factor in stages]


def _slow_prices(made: dict[str, Any], fails: bool, onset: float, fails_at: float, draw: random.Random) -> None:
    """The price service gets slower: for good, or up to a second at most, and it recovers or stays there."""
    usual = made["prices"]["seconds"]
    if fails:
        worst, middle = 2.0 / usual, 2.0 / usual * draw.uniform(0.15, 0.5)
        between = draw.uniform(onset, fails_at)
        stages = [[onset, 1.0], [between, middle], [fails_at, worst], [fails_at + 20, 1.6 * worst]]
    else:
        worst = draw.uniform(0.3, 0.9) / usual
        stages = [[onset, 1.0], [fails_at, worst]]
        if draw.random() < 0.6:
            stages += [[fails_at + 5, worst], [fails_at + 20, 1.0]]
    made["prices"]["stages"] = _after(made, stages)


def _outside(made: dict[str, Any], kind: str, draw: random.Random, *, hard: bool) -> None:
    """A burst of traffic, a backup, or a cache that is emptied."""
    start = draw.uniform(10, made["seconds"] - 30)
    seconds = draw.uniform(15, 45) if hard else draw.uniform(8, 20)
    if kind == "traffic_burst":
        factor = draw.uniform(1.8, 3.4) if hard else draw.uniform(1.2, 1.8)
        made["traffic"]["bursts"].append([start + made["lead_in"], seconds, factor])
    elif kind == "backup":
        pause = round(draw.uniform(0.02, 0.08) if hard else draw.uniform(0.2, 0.4), 2)
        backup = {"kind": "backup", "start": start, "seconds": round(seconds), "pause": pause}
        made["disturbances"].append(backup)
    elif kind == "cache_warmup":
        for _ in range(draw.randint(1, 3) if hard else 1):
            made["disturbances"].append({"kind": "cache_flush", "start": draw.uniform(10, made["seconds"] - 20)})


def _extra(made: dict[str, Any], draw: random.Random) -> str:
    """Beside what is planned, faulty or not: something mild in two of five deployments."""
    if draw.random() > 0.4:
        return ""
    kind = draw.choice(("traffic_burst", "backup", "cache_warmup", *TWINS))
    if kind not in TWINS:
        _outside(made, kind, draw, hard=False)
    elif TRAIT_OF[TWINS[kind]][0] not in [trait[0] for trait in made["shop"]["traits"]]:
        lasts = draw.uniform(30, 100)
        onset = draw.uniform(0, made["seconds"] - 40)
        made["shop"]["traits"].append(_trait(made, TWINS[kind], onset, lasts, draw.uniform(0.15, 0.4)))
    else:
        return ""
    return kind
