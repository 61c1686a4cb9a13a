"""Fixtures of all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from logwatch.api import declared
from logwatch.plugins import BUILT_IN
from tests.kafka.broker import Broker, NoKafka, broker, own_broker

settings.register_profile("logwatchd", deadline=None)  # a busy machine is no bug
settings.load_profile("logwatchd")


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Broker]:
    """A real broker, shared by all tests that only need topics of their own; skipped where there is none.

    It has TLS, SASL and access lists (see `tests.kafka.security`) where it is started from Maven's jars.
    """
    try:
        with broker(secure=True) as running:
            yield running
    except NoKafka as error:
        no_kafka(str(error))


@pytest.fixture(scope="session")
def secure_broker(kafka_broker: Broker) -> Iterator[Broker]:
    """A broker that has TLS, SASL and access lists: the shared one, or one more."""
    if "SASL" in kafka_broker.listeners:
        yield kafka_broker
        return
    try:
        with own_broker(secure=True) as running:
            yield running
    except NoKafka as error:
        no_kafka(str(error))


@pytest.fixture
def own_declarations() -> Iterator[None]:
    """Declarations of plugins are global; a test sees those of before and its own."""
    known: Any = declared()
    before = {*known, *BUILT_IN}
    yield
    for key in set(known) - before:
        del known[key]
    for name in [name for name in sys.modules if name.startswith("logwatch_dropin")]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """What a test sets the log to ends with the test: its stream may be closed by then."""
    yield
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()


def no_kafka(reason: str) -> None:
    """Skip, or fail where a real broker is promised."""
    if os.environ.get("LOGWATCHD_CI"):
        pytest.fail(f"no Kafka broker: {reason}")
    pytest.skip(f"no Kafka broker: {reason}")
