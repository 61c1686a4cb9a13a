"""What was written in a format is read again, in one batch or in many, by one reader or by one that goes on."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.samples import SeriesName
from tests.parse.metrics.metric_batches import batch, read, reader, seen
from tests.parse.metrics.metric_texts import FORMATS, WRITERS, samples, writable

# InfluxDB's protocol cannot write a line end.
HOSTILE = {name: ', ="' if name == "influx" else ', ="\\\n;{}#' for name in WRITERS}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40)
@given(st.data())
def test_what_was_written_is_read(name: str, data: st.DataObject) -> None:
    told = writable(name, data.draw(samples(HOSTILE[name])))
    found, failed = read(WRITERS[name](told), FORMATS[name])
    assert failed == {}
    values = [(one.series, one.time, one.value) for one in found if one.value == one.value]
    assert values == [(str(SeriesName(one.name, one.labels)), one.time, one.value) for one in told]


MIXED = [
    "timestamp,a,b", "1700000000,1,x", "13/01/2026 00:00:00,2,3", "02/03/2026 00:00:00,N/A,no", "timestamp;a",
    "1700000000;5", "# TYPE c counter", "c 1 1700000000", "c 2 1700000001", "# TYPE c gauge", "c 3", "m x=1 1700000000",
    'm x="s",y=2 1700000000', '{"time":1700000000,"x":1}', '{"time":1700000001,"x":"s","y":2}', "garbage in", "",
    '{"time":1700000002,"metrics":{"x":4}}',
]  # fmt: skip


@pytest.mark.parametrize("format", ["auto", "json", "influx", "prometheus", "csv"])
@settings(max_examples=40)
@given(st.data())
def test_batches_and_restarts_do_not_matter(format: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.sampled_from(MIXED), max_size=16))
    cuts = sorted({0, len(lines), *data.draw(st.lists(st.integers(0, len(lines)), max_size=4))})
    whole = seen(reader(format), batch(lines))
    one, cells, parts, reasons = reader(format), {}, [], {}
    for begin, end in pairwise(cuts):
        found, failed = seen(one, batch(lines[begin:end]), begin)
        parts += found
        reasons |= failed
        cells.update(one.changes())
        if data.draw(st.booleans()):
            one = reader(format)
            one.restore({name: cell for name, cell in cells.items() if cell is not None})
    assert reasons == whole[1]
    assert json.dumps(parts) == json.dumps(whole[0])  # NaN is not equal to itself


def test_what_did_not_change_is_not_written_again() -> None:
    one = reader()
    seen(one, batch(["timestamp,a", "1700000000,1"]))
    assert len(list(one.changes())) == 1
    seen(one, batch(["1700000001,1", "timestamp,a", "1700000002,1"]))
    assert list(one.changes()) == []


def test_streams_unheard_of_for_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from logwatch.parse.metrics import memory
    from logwatch.types import Stream

    monkeypatch.setattr(memory, "MAX_STREAMS", 2)
    streams = [Stream("s", str(i)) for i in range(3)]
    one = reader("csv")
    seen(one, batch(["time,a"] * 2, streams, [0, 1]))
    kept = dict(one.changes())
    seen(one, batch(["1700000000,1", "time,a"], streams, [0, 2]))
    changes = dict(one.changes())
    assert set(kept) == {"stream/s/0", "stream/s/1"}
    assert {name for name, cell in changes.items() if cell is None} == {"stream/s/1"}
    assert seen(one, batch(["1700000000,1"] * 2, streams, [0, 1]))[1] == {1: "no_header"}


def test_a_damaged_cell_is_refused() -> None:
    from logwatch.cells import pack
    from logwatch.errors import StateCorrupt

    for cell in (b"", b"\x05\0\0\0nojso", pack({}, format="csv")):
        with pytest.raises(StateCorrupt):
            reader().restore({"stream/s/1": cell})
