"""What the shop counts about itself, as one JSON object for whoever asks."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable


class Counters:
    """Totals since the start, and the times of what happened last."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._times: dict[str, deque[tuple[float, float]]] = {}
        self.gauges: dict[str, Callable[[], float]] = {}

    def add(self, name: str, amount: float = 1) -> None:
        """Count."""
        with self._lock:
            self.total[name] += amount

    def took(self, name: str, seconds: float) -> None:
        """Note how long something took."""
        with self._lock:
            self.total[f"{name}_calls"] += 1
            self._times.setdefault(name, deque(maxlen=400)).append((time.monotonic(), seconds))

    def snapshot(self) -> dict[str, float]:
        """Totals, gauges, and quantiles of the last two seconds."""
        since = time.monotonic() - 2.0
        with self._lock:
            values: dict[str, float] = dict(self.total)
            recent = {name: sorted(s for at, s in times if at >= since) for name, times in self._times.items()}
        for name, times in recent.items():
            for label, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
                if times:
                    values[f"{name}_{label}"] = times[min(len(times) - 1, int(share * len(times)))]
        values |= {name: read() for name, read in self.gauges.items()}
        values["gc_collections"] = sum(stage["collections"] for stage in gc.get_stats())
        return values

    def serve(self, path: str) -> None:
        """Answer each connection to the unix socket ``path`` with one snapshot, in a thread of its own."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(4)
        threading.Thread(target=self._answer, args=(server,), daemon=True).start()

    def _answer(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(json.dumps(self.snapshot()).encode())
            except OSError:
                time.sleep(0.2)
