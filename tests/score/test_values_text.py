"""`values` in the text of lines: what is read there, of which lines, and what is odd among it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.values import OFTEN, VISIT, ValuesOdd
from logwatch.score.detectors.values_layout import KIND, LIST, MOST, NET, SEGMENT
from logwatch.score.detectors.values_sample import LEAST, RATE, SHARE, Sample
from logwatch.score.detectors.values_text import placed
from logwatch.types import NO_TIME, EventBatch, FieldColumn, Float32, Int32, Values

SECOND = 10**9


def read(text: str, fields: Sequence[FieldColumn] = ()) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for column in placed([text], np.arange(1), fields).columns:
        for i, place in enumerate(column.place.tolist()):
            if column.numbers is not None:
                found[column.names[place]] = float(column.numbers[i])
            elif column.code is not None and column.words is not None:
                found[column.names[place]] = column.words[column.code[i]]
    return found


def events(first: int, texts: list[str], gap: int = SECOND, kinds: int = 1) -> EventBatch:
    """Lines of `kinds` templates in turn, `gap` ns from one to the next."""
    n = len(texts)
    zero, number = np.zeros(n, np.int32), np.arange(first, first + n, dtype=np.int64)
    return EventBatch(
        first, zero, zero, zero, number * gap, number * gap, np.zeros(n, np.int8), (number % kinds).astype(np.int32),
        number, number + 1, np.zeros(n, np.uint8), [None] * n, texts,
    )  # fmt: skip


def after(usual: list[str], chunks: int = 4, has_entities: bool = False) -> tuple[ValuesOdd, int]:
    """A detector that has seen these lines, and the number of the next event."""
    detector = ValuesOdd(ValuesConfig(), None, lambda sources: np.full(len(sources), has_entities))
    for k in range(chunks):
        batch = events(k * len(usual), usual)
        detector.learn(batch, detector.score(batch))
    return detector, chunks * len(usual)


def look(seen: tuple[ValuesOdd, int], text: str) -> tuple[float, str]:
    batch = events(seen[1], [text])
    return float(seen[0].score(batch)[0]), seen[0].explain(batch, 0)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("replied status=200 user=bob", {"status": 200.0, "status" + LIST: 1.0, "user": "bob"}),
        ('flags="N" level: 7.', {"flags": "N", "level": 7.0, "level" + LIST: 1.0}),
        ("took 12.5 ms and sent 5 MB", {"took": 0.0125, "sent": 5 * 1024.0**2}),
        ("lag -3 s", {"lag": -3.0}),
        ("Wait queue: 11, 12, 13.", {"queue" + LIST: 3.0}),
        ("ut=0.013, 0.100", {"ut" + LIST: 2.0}),
        ("(x 1), y 2", {"x": 1.0, "y": 2.0}),
        ("worker7 busy 3 worker8 busy 4", {"busy": 4.0}),
        ("at 10:20:30 v 1.2.3 /a/b/1", {}),
        ("from 127.0.66.6 port 5", {"from" + NET: "127.0.66", "port": 5.0}),
        ("sshd[8700]: [3] id x1f 7156#7156: Nov 22", {}),
        ("password=<redacted:password> x", {}),
        ("reason='no lines' can't, won't", {"reason": "no lines"}),
        ('relation "items" does not exist', {"relation": "items"}),
        ("method=GET path=/orders/276", {"method": "GET", "path" + SEGMENT: "orders", "path" + KIND: ""}),
        (
            '- "GET /a/b.php?x=1 HTTP/1.1" 404 "-" "Agent/5.0 (1)"',
            {"quote0" + SEGMENT: "a", "quote0" + KIND: "php", "quote1": "-", "quote2": "Agent/0.0 (0)"},
        ),
        ("{'status': 200, 'user': 'bob'}", {"status": 200.0}),
        ("id 1234567890123456", {}),
    ],
)
def test_values_are_named_by_the_word_before_them(text: str, values: dict[str, float | str]) -> None:
    assert read(text) == values


def test_digits_of_a_name_are_no_part_of_it() -> None:
    assert read("item480 qty 3 node12 9") == {"qty": 3.0, "node0": 9.0}


def test_what_a_row_has_as_a_field_is_no_place_of_it() -> None:
    field = FieldColumn("status", np.array([0], np.int32), np.array([200.0]), None, None)
    elsewhere = FieldColumn("status", np.array([1], np.int32), np.array([200.0]), None, None)
    assert read("status=200 took 5", [field]) == {"took": 5.0}
    assert read("status=200 took 5", [elsewhere]) == {"status": 200.0, "status" + LIST: 1.0, "took": 5.0}
    assert placed(["status=200"], np.arange(1), [field]).columns == []


def test_values_of_a_line_are_bounded() -> None:
    columns = placed(
        [" ".join(f"{chr(103 + i % 20)}{chr(103 + i // 20)} {i}" for i in range(100))], np.arange(1)
    ).columns
    assert sum(len(column.rows) for column in columns) == MOST


@given(st.text(alphabet="a1=:, .\"'()[]-<\n\x00µ", max_size=1200))
def test_any_text_is_read(text: str) -> None:
    for column in placed([text], np.arange(1)).columns:
        assert column.numbers is None or np.isfinite(column.numbers).all()


def test_a_number_far_above_its_place_is_odd_and_says_what_is_usual() -> None:
    nats, said = look(seen := after([f"took {1 + i * 37 % 100} ms" for i in range(500)]), "took 90 s")
    assert nats > 8
    assert said.startswith("took 90; usual 0.00")
    assert look(seen, "took 50 ms") == (0.0, "")


def test_a_word_that_is_rare_among_few_is_odd() -> None:
    nats, said = look(after(["mode=fast", "mode=slow"] * 250), "mode=broken")
    assert nats > 6
    assert said == "mode broken; usual fast slow"


def test_a_list_longer_than_ever_is_odd_and_its_elements_are_not() -> None:
    seen = after([f"Wait queue: {i}{f', {i + 1}' * (i % 2)}." for i in range(1000, 1500)])
    nats, said = look(seen, "Wait queue: 3, 4, 5, 6, 7.")
    assert nats > 5
    assert said == "length of queue 5; usual 1 2"
    assert look(seen, "Wait queue: 1600, 1700.")[0] == 0.0


def test_the_first_value_of_a_place_is_no_news() -> None:
    detector, at = after(["a calm line"] * 300)
    batch = events(at, ["state=42"])
    batch.template[:] = 7
    assert np.isnan(detector.score(batch)[0])


def test_numbers_are_read_as_they_are_written() -> None:
    texts = [f"a {i}.{i:03d} s b -{i * 7919} é {'x' * (i % 3)}\nc 00{i}" for i in range(300)]
    numbers = next(column for column in placed(texts, np.arange(300)).columns if column.numbers is not None)
    for name, expected in (
        ("a", [float(f"{i}.{i:03d}") for i in range(300)]),
        ("b", [-7919.0 * i for i in range(300)]),
        ("c", [float(i) for i in range(300)]),
    ):
        assert numbers.numbers is not None
        assert numbers.numbers[numbers.place == numbers.names.index(name)].tolist() == expected


@given(st.lists(st.text(alphabet="a1=:, .\"'()[]/-<\n\x00µx", max_size=60), min_size=1, max_size=20))
def test_a_line_is_read_the_same_alone_and_beside_others(texts: list[str]) -> None:
    alone = [read(text) for text in texts]
    together: list[dict[str, float | str]] = [{} for _ in texts]
    for column in placed(texts, np.arange(len(texts))).columns:
        for i, (row, place) in enumerate(zip(column.rows.tolist(), column.place.tolist(), strict=True)):
            if column.numbers is not None:
                together[row][column.names[place]] = float(column.numbers[i])
            elif column.code is not None and column.words is not None:
                together[row][column.names[place]] = column.words[column.code[i]]
    assert together == alone


def test_chances_of_a_visit_have_their_price() -> None:
    lines = [f"took {1 + i * 37 % 100} ms" for i in range(500)]
    alone, visited = (look(after(lines, has_entities=has), "took 9000000 s")[0] for has in (False, True))
    assert visited == pytest.approx(alone - VISIT, abs=1e-3)
    assert visited > 0


def test_names_that_vary_find_no_room() -> None:
    detector = ValuesOdd(ValuesConfig(places_per_source=2))
    at = 0
    for k in range(4):
        names = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}{chr(97 + k)}=x" for i in range(500)]
        batch = events(at, [*names[: 500 - OFTEN], *["mode=fast"] * 496])
        detector.learn(batch, detector.score(batch))
        at += len(batch)
    assert look((detector, at), "mode=broken")[0] > 5


def test_all_lines_of_a_slow_stream_are_read_and_few_of_a_fast_one() -> None:
    sample = Sample()
    slow, fast = events(0, [""] * 1024), events(1024, [""] * 8192, gap=SECOND // 1_000_000, kinds=4)
    chunks = SHARE * LEAST // 8192
    for batch, most in ((slow, 1024), *[(fast, 8192), *[(fast, 0)] * (chunks - 1), (fast, LEAST), (fast, 0)][:6]):
        rows = sample.rows(batch)
        assert len(rows) == most
        assert (np.diff(rows) > 0).all()
        if most == LEAST:
            assert np.bincount(fast.template[rows]).tolist() == [LEAST // 4] * 4
        sample.learn(batch)


def test_the_share_follows_event_time() -> None:
    sample, batch = Sample(), events(0, [""] * 1024, gap=SECOND // 1000)
    sample.learn(batch)
    assert len(sample.rows(batch)) == int(RATE * 1.023)


def test_a_stream_without_times_is_read_in_part() -> None:
    sample, batch, read_ = Sample(), events(0, [""] * 1024), 0
    batch.watermark = np.full(1024, NO_TIME)
    for _ in range(2 * SHARE):
        sample.learn(batch)
        read_ += len(sample.rows(batch))
    assert read_ == 2 * 1024


def lines(count: int) -> list[str]:
    rng = np.random.default_rng(5)
    return [
        f"took {rng.lognormal():.3f} s mode={'abcd'[rng.integers(4)]} queue: {'1, ' * (i % 3)}2" for i in range(count)
    ]


def run(cuts: list[int], stop: int | None = None) -> tuple[Float32, Int32]:
    """Nats of 4 chunks of a fast stream, in sub-batches that end at `cuts`, and saved and restored at event `stop`."""
    texts, detector, nats, read_ = lines(4096), ValuesOdd(ValuesConfig()), [], []
    saved: dict[str, bytes] = {}
    for begin in range(0, 4096, 1024):
        chunk = events(begin, texts[begin : begin + 1024], gap=SECOND // 3000, kinds=3)
        ends = sorted({*(cut for cut in cuts if begin < cut < begin + 1024), begin + 1024})
        for a, b in zip([begin, *ends], ends, strict=False):
            nats.append(detector.score(chunk.take(slice(a - begin, b - begin))))
            if b == stop:
                saved |= {name: cell for name, cell in detector.changes() if cell is not None}
                detector = ValuesOdd(ValuesConfig())
                detector.restore(saved)
        detector.learn(chunk, np.zeros(1024, np.float32))
        read_.append(detector._sample._most)
    return np.concatenate(nats), np.array(read_, np.int32)


@pytest.mark.parametrize("stop", [None, 1024, 1500, 3000])
def test_neither_sub_batches_nor_restarts_change_anything(stop: int | None) -> None:
    whole, read_ = run([])
    assert 0 < read_.max() < 1024
    cuts = [1, 2, 700, 1025, 1300, 2100, 2101, 3001, *([stop] if stop else [])]
    parts, _ = run(cuts, stop)
    assert np.isfinite(whole).any()
    np.testing.assert_array_equal(parts, whole)


def test_fields_and_places_are_chances_together() -> None:
    batch = events(0, ["mode=fast"] * 1000)
    batch.values = Values([FieldColumn("zone", np.arange(1000, dtype=np.int32), np.ones(1000), None, None)], 0, 1000)
    detector = ValuesOdd(ValuesConfig())
    for _ in range(3):
        detector.learn(batch, detector.score(batch))
        batch.first += 1000
    both = events(batch.first, ["mode=broken"])
    both.values = Values([FieldColumn("zone", np.zeros(1, np.int32), np.ones(1), None, None)], 0, 1)
    text = events(batch.first, ["mode=broken"])
    together, alone = deepcopy(detector).score(both)[0], detector.score(text)[0]
    assert alone - together == pytest.approx(np.log(3 / 2), abs=1e-3)
