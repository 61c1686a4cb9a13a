"""The price service that the shop calls: a server outside the deployment, whose speed follows a plan.

``python dependency.py PORT PLAN``: the plan is JSON: ``seconds`` (a usual answer), ``parallel`` (calls served at
the same time) and ``stages``, a list of ``[time since the start, factor]`` between which the slowness is interpolated.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time


class Dependency:
    """Answers every call after a time that its plan tells."""

    def __init__(self, plan: dict) -> None:
        self._seconds, self._stages = plan["seconds"], plan["stages"]
        self._free = asyncio.Semaphore(plan["parallel"])
        self._began = time.monotonic()

    def _slowness(self) -> float:
        now, last = time.monotonic() - self._began, (0.0, 1.0)
        for at, factor in self._stages:
            if now < at:
                return last[1] + (factor - last[1]) * (now - last[0]) / (at - last[0])
            last = (at, factor)
        return last[1]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one call: a line in, a line out."""
        try:
            await reader.readline()
            async with self._free:  # also for callers that have given up: it cannot know
                await asyncio.sleep(self._seconds * self._slowness() * random.lognormvariate(0.0, 0.35))
            writer.write(b"%d\n" % random.randint(100, 9999))
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serve until killed."""
    dependency = Dependency(json.loads(sys.argv[2]))
    server = await asyncio.start_server(dependency.answer, "127.0.0.1", int(sys.argv[1]), backlog=256)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
