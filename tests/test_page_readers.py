"""The readers of the benchmark `page`: all of them are there as long as it lasts."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing

from tests.benchmarks.page import all_clients
from tests.waiting import outcome

PATIENCE_S = 60.0


async def _slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    gc.collect()  # while the reader waits
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    writer.close()


def test_readers_that_wait_for_an_answer_are_not_collected() -> None:
    told = multiprocessing.Array("q", [0, 0])

    async def some() -> None:
        server = await asyncio.start_server(_slow, "127.0.0.1", 0)
        async with server, asyncio.timeout(PATIENCE_S):
            readers = asyncio.create_task(all_clients(3, server.sockets[0].getsockname()[1], [], told))
            while told[0] < 12:  # the page and what it asks
                await asyncio.sleep(0.01)
            readers.cancel()

    outcome(some())
    assert list(told) == [12, 0]


def test_a_reader_whose_connection_is_refused_counts_that_and_goes_on() -> None:
    told = multiprocessing.Array("q", [0, 0])

    async def some() -> None:
        server = await asyncio.start_server(_slow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        async with asyncio.timeout(PATIENCE_S):
            readers = asyncio.create_task(all_clients(1, port, ["/page/a", "/page/b"], told))
            while told[1] < 3:
                await asyncio.sleep(0.01)
            readers.cancel()

    outcome(some())
    assert told[0] == 0
