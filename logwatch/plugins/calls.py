"""Carries out the calls of one component on a thread of its own, and gives up on one that does not return.

What can be promised within one process: a call that waits, or runs Python, for longer than `DEADLINE_S` is given up,
interrupted, and the loop goes on; so is one that takes more than `MEMORY_MAX` of memory. What cannot: native code that
never lets go of the interpreter's lock, crashes, or takes all memory at once. Then the service manager's watchdog
restarts the daemon, which goes on from its last commit. Python that computes for ever and catches every interruption
(a bare `except:`) takes up to three quarters of the rate until the next start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from logwatch.errors import LogwatchError

DEADLINE_S = 2.0
"""Of one call. A component is off for a minute after it, and longer each time: a hang costs a thirtieth of the first
minute, and less of every later one; of no minute does it cost more than a fifteenth."""

START_S = 30.0
"""Of a call at the start, when nothing waits in line behind it: connecting, restoring a large state."""

LOOK_EVERY_S = 0.05
"""How often a call that takes long is looked at."""

MEMORY_MAX = 512 * 2**20
"""Bytes that the calls of one component may add to the process's memory."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class GivenUp(LogwatchError):
    """A call that did not return in time, or took too much memory."""

    exit_code = 69


class TooMuchMemory(GivenUp):
    """A component that took more memory than it may: it is off until the next start."""


class _Interrupt(BaseException):
    """Thrown into a call that was given up; not an Exception, so that few catch it."""


class _Call:
    """One call, and what came of it."""

    def __init__(self, method: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._method, self._args, self._kwargs = method, args, kwargs
        self._done = threading.Lock()
        self._done.acquire()
        self.answer: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._method(*self._args, **self._kwargs)
        except BaseException as error:  # noqa: BLE001  # third-party code may fail in any way; the caller raises it
            self.error = error
        finally:
            self._done.release()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        return self._done.acquire(timeout=seconds)


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read(64).split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _serve(calls: SimpleQueue[_Call | None]) -> None:
    with contextlib.suppress(_Interrupt):  # may arrive just after the call that it was meant for
        while (call := calls.get()) is not None:
            call.run()
            del call  # what it was given is not held until the next one


class Caller:
    """One component's thread. Started with the first call; every call is made there, one after the other.

    Args:
        name: of the component.
        deadline: seconds of one call; None: none, and no thread either: calls are made where they come from.
        memory: bytes that all calls may add to the process's memory.
    """

    def __init__(self, name: str, deadline: float | None = DEADLINE_S, memory: int = MEMORY_MAX) -> None:
        self._name = name
        self._deadline = deadline
        self._memory = memory
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lost: threading.Thread | None = None  # in a call that was given up
        self._before = resident()
        self._took = 0

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The method's answer.

        Raises:
            GivenUp: it did not return in time, or an earlier call still has not.
            TooMuchMemory: the component has taken more than it may.
            BaseException: what the method raised.
        """
        return self._within(self._deadline, method, args, kwargs)

    def start(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As `call`, for what is called once, before there is anything to do: it may take `START_S`."""
        return self._within(self._deadline and START_S, method, args, kwargs)

    def end_lost(self) -> None:
        """Interrupt a call that was given up and still runs once more: it may have caught the last interruption."""
        if self._lost is not None:
            self._interrupt(self._lost)

    def _within(self, deadline: float | None, method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if deadline is None:
            return method(*args, **kwargs)
        before = resident()
        try:
            return self._call(_Call(method, args, kwargs), before, deadline)
        finally:
            self._took = self._taken(before)

    def _call(self, call: _Call, before: int, deadline: float) -> Any:
        if self._lost is not None:
            self.end_lost()
            self._lost.join(LOOK_EVERY_S)
            if self._lost.is_alive():
                raise GivenUp(f"{self._name}: a call that was given up still has not ended")
            self._lost = None
        if self._thread is None:
            self._calls = SimpleQueue()
            self._thread = threading.Thread(
                target=_serve, args=(self._calls,), name=f"plugin {self._name}", daemon=True
            )
            self._thread.start()
            weakref.finalize(self, self._calls.put, None).atexit = False  # nobody calls any more: it ends
        self._calls.put(call)
        waited = 0.0
        while not call.wait(LOOK_EVERY_S):
            waited += LOOK_EVERY_S
            if self._taken(before) > self._memory:
                self._give_up()
                break
            if waited >= deadline:
                self._give_up()
                raise GivenUp(f"{self._name} did not return within {deadline:g} s")
        if self._taken(before) > self._memory:
            raise TooMuchMemory(f"{self._name} took more than {self._memory // 2**20} MiB of memory")
        if call.error is not None:
            raise call.error
        return call.answer

    def _taken(self, before: int) -> int:
        """What its calls have added, the one in hand included. Others allocate meanwhile, too: it is never more than
        what the whole process has grown by."""
        now = resident()
        return max(0, min(self._took + now - before, now - self._before))

    def _give_up(self) -> None:
        self._lost, self._thread = self._thread, None
        self._calls.put(None)
        if self._lost is not None:
            self._interrupt(self._lost)

    @staticmethod
    def _interrupt(thread: threading.Thread) -> None:
        """Ends what runs Python at its next step, and what waits when it wakes."""
        if thread.ident is not None and thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Interrupt))
