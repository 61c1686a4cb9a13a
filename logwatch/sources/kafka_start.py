"""Where a lane begins to be read, against what its log still holds: every difference is a gap, and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logwatch.kafka.consumer import topic_id
from logwatch.kafka.decode import Lost
from logwatch.sources.kafka_board import BEGINNING, CONFIGURED
from logwatch.sources.kafka_config import KafkaConfig

ASK_MS = 5000
"""How long the brokers have to say what a log holds."""

RETENTION = "the broker deleted these records before they were read (retention, or deleted by hand)"
RECREATED = "the topic was deleted and created anew"
SHORTER = "the log is shorter than what was read of it: it was truncated, or the topic was created anew"


@dataclass(frozen=True, slots=True)
class Begin:
    """A lane's first offset, and what is lost before it."""

    offset: int
    end: int  # of the log now
    topic_id: str
    lost: tuple[Lost, ...] = ()


def begin(consumer: Any, wanted: Mapping[Any, int], ids: Mapping[Any, str], config: KafkaConfig) -> dict[Any, Begin]:
    """Ask the brokers where lanes can begin.

    Args:
        wanted: TopicPartition → offset, or one of the constants.
        ids: TopicPartition → id of the topic that the offset belongs to; empty where it is not known.

    Raises:
        KafkaError: they do not answer now, or refuse.
    """
    first = consumer.beginning_offsets(list(wanted), timeout_ms=ASK_MS)
    last = consumer.end_offsets(list(wanted), timeout_ms=ASK_MS)
    since = config.since_ms
    dated = [tp for tp, offset in wanted.items() if offset == CONFIGURED and since is not None]
    times = consumer.offsets_for_times(dict.fromkeys(dated, since), timeout_ms=ASK_MS) if dated else {}
    out = {}
    for tp, offset in wanted.items():
        now = topic_id(consumer, tp.topic)
        if offset < 0:
            found = times.get(tp)
            place = found.offset if found is not None and found.offset >= 0 else last[tp]
            if offset == BEGINNING or (offset == CONFIGURED and config.start == "beginning"):
                place = first[tp]
            out[tp] = Begin(place, last[tp], now)
        else:
            out[tp] = _resumed(offset, first[tp], last[tp], ids.get(tp, ""), now)
    return out


def _resumed(offset: int, first: int, last: int, before: str, now: str) -> Begin:
    if before and now and before != now:
        return Begin(first, last, now, (Lost(offset, offset, RECREATED),))
    if offset > last:
        return Begin(first, last, now, (Lost(offset, offset, SHORTER),))
    if offset < first:
        return Begin(first, last, now, (Lost(offset, first, RETENTION),))
    return Begin(offset, last, now)
