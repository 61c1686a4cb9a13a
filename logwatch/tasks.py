"""Work that may block for long (a broker that does not answer), in threads that the end of the program ignores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Task:
    """Runs at once in a thread of its own; `error` says how it ended.

    Args:
        work: anything it raises is kept in `error`.
        gate: held while it runs: bounds how many run at a time.
    """

    def __init__(self, work: Callable[[], None], name: str, gate: threading.Semaphore | None = None) -> None:
        self._work = work
        self._gate = gate
        self._done = threading.Event()
        self.error: BaseException | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            if self._gate is None:
                self._work()
            else:
                with self._gate:
                    self._work()
        except BaseException as error:  # noqa: BLE001  # whoever waits decides what it means
            self.error = error
        finally:
            self._done.set()

    @property
    def done(self) -> bool:
        """Whether it has ended, either way."""
        return self._done.is_set()

    def wait(self, until: float) -> bool:
        """Until it has ended, or monotonic time `until`; whether it has."""
        return self._done.wait(max(0.0, until - time.monotonic()))
