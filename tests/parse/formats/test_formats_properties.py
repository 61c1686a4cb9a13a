"""What was written is what is read; nothing raises; and a row never depends on its neighbours."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch.parse.formats import logfmt, syslog
from logwatch.parse.formats.gather import Group
from logwatch.parse.formats.read import read
from logwatch.parse.formats.valued import number_of
from logwatch.parse.settings import FORMATS, ParseSettings
from logwatch.parse.shape import Shaped, Shaper
from logwatch.testing.samples import HOSTILE
from logwatch.types import FieldColumn
from tests.parse.formats.dialects import DIALECTS

AUTO = [("auto", slice(None))]

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("msg", "level", "time"))
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=20)
scalars = st.one_of(
    words, st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
records = st.dictionaries(names, scalars, max_size=6)


def fields(columns: list[FieldColumn], row: int) -> dict[str, float | str]:
    """Values of one row."""
    found: dict[str, float | str] = {}
    for column in columns:
        for at in np.flatnonzero(column.rows == row).tolist():
            if column.numbers is not None:
                found[column.name] = float(column.numbers[at])
            elif column.code is not None and column.words is not None:
                found[column.name] = column.words[int(column.code[at])]
    return found


def expected(record: dict[str, Any]) -> dict[str, Any]:
    """What the detectors should get of a record."""
    shown = {name: str(value).lower() if isinstance(value, bool) else value for name, value in record.items()}
    as_number = {name: number_of(value) for name, value in shown.items()}
    return {name: number if number is not None else shown[name] for name, number in as_number.items()}


def known(record: dict[str, Any]) -> bool:
    """None of the names has a meaning of its own."""
    from logwatch.parse.formats import roles

    special = {*roles.TIME, *roles.LEVEL, *roles.SCOPE, *roles.MESSAGE, *roles.EXCEPTION, *roles.EXCEPTION_TYPE}
    special |= roles.TRACE | roles.REQUEST | roles.IDLE | {"name"}
    return special.isdisjoint(record)


@settings(max_examples=60)
@given(st.lists(records.filter(known), min_size=1, max_size=5))
def test_json_reads_what_was_written(rows: list[dict[str, Any]]) -> None:
    lines = [json.dumps({"msg": "x", **row}, ensure_ascii=i % 2 == 0).encode() for i, row in enumerate(rows)]
    found = read(lines, AUTO)
    assert found is not None
    assert found.told is not None
    for i, row in enumerate(rows):
        assert fields(found.told.fields, i) == expected(row)


@settings(max_examples=60)
@given(st.recursive(scalars, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=8))
def test_nested_names_are_joined_by_dots(value: Any) -> None:
    def flat(prefix: str, inside: Any) -> dict[str, Any]:
        if not isinstance(inside, dict):
            return {prefix: inside}
        return {k: v for name, one in inside.items() for k, v in flat(f"{prefix}.{name}", one).items()}

    found = read([json.dumps({"msg": "x", "q": value}).encode()], AUTO)
    assert found is not None
    assert found.told is not None
    assert fields(found.told.fields, 0) == expected(flat("q", value))


def by_row(groups: list[Group]) -> dict[int, dict[str, Any]]:
    return {
        row: dict(zip(group.names, [column[i] for column in group.columns], strict=True))
        for group in groups
        for i, row in enumerate(group.rows)
    }


@settings(max_examples=60)
@given(st.lists(st.dictionaries(names, words, min_size=1, max_size=6), min_size=1, max_size=5), st.integers(1, 3))
def test_logfmt_reads_what_was_written(rows: list[dict[str, str]], blanks: int) -> None:
    def quoted(word: str) -> str:
        plain = word and not any(c.isspace() or c in '"=\\' for c in word)
        return word if plain else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [(" " * blanks).join(f"{name}={quoted(word)}" for name, word in row.items()) for row in rows]
    groups, odd = logfmt.read(lines)
    assert not odd or any(2 * list(rows[i].values()).count("") > len(rows[i]) for i in odd)
    for i, record in by_row(groups).items():
        assert record == rows[i]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.dictionaries(names, words, max_size=5), words), min_size=1, max_size=5))
def test_syslog_reads_what_was_written(rows: list[tuple[dict[str, str], str]]) -> None:
    def escaped(word: str) -> str:
        return word.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")

    lines = []
    for data, message in rows:
        pairs = "".join(f' {name}="{escaped(word)}"' for name, word in data.items())
        lines.append(f"<13>1 2026-03-01T12:00:00Z h a 1 - [id@1{pairs}] x{message}")
    groups, odd = syslog.read(lines)
    assert not odd
    for i, record in by_row(groups).items():
        data, message = rows[i]
        assert record["msg"] == f"x{message}"
        assert {name: record[f"id.{name}"] for name in data} == data


def same(one: Shaped, other: Shaped, begin: int) -> None:
    """`other` is the shape of the lines from `begin` on."""
    rows = slice(begin, begin + len(other))
    assert list(one.text)[rows] == list(other.text)
    assert one.invalid[rows].tolist() == other.invalid.tolist()
    assert one.level[rows].tolist() == other.level.tolist()
    assert [one.keys[k] for k in one.key[rows]] == [other.keys[k] for k in other.key]
    for name in ("bears", "day", "ns", "zoned"):
        assert getattr(one.stamps, name)[rows].tolist() == getattr(other.stamps, name).tolist()
    for i in range(len(other)):
        assert fields(one.fields, begin + i) == fields(other.fields, i)
    assert [f.row - begin for f in one.failed if begin <= f.row < begin + len(other)] == [f.row for f in other.failed]


PIECES = (b"", b'"', b"{", b"}", b"\\", b"\\ud800", b"=", b" ", b"\xff", b"\0", b"NaN", b"]")


def mutated(draw: st.DrawFn) -> bytes:
    """A line of some dialect, broken in a few places."""
    line = bytearray(draw(st.sampled_from([d.line for d in DIALECTS.values()] + list(HOSTILE))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(len(line) - 1, 0)))
        piece = draw(st.sampled_from(PIECES))
        line[at : at + draw(st.integers(0, 4))] = piece
    return bytes(line).replace(b"\n", b" ")


JUNK = (
    b'{"a":' * 1100 + b"1" + b"}" * 1100, b'{"n":' + b"9" * 6000 + b"}", b'{"a":1,"a":{"b":2},"a.b":3,"msg":"twice"}',
    b'{"a":1},{"b":2}', b'{"a":[{}', b"{}", b'{"":""}', b'{"\\ud800":"\\udc00"}', b'{"x":1e400,"y":-1e-400,"z":NaN}',
    b'{"msg":{"a":[1,{"b":2}]},"level":{"x":1},"time":{"y":2}}', b'{"time":true,"level":[1],"msg":7,"logger":{}}',
    b'{"ts":-1,"msg":"x"}', b'{"ts":99999999999999999999999,"msg":"x"}', b'{"ts":1e300,"msg":"x"}',
    b'{"%s":"%d %(a)s"}',
    b"time=" + b"9" * 400 + b" level=\xff msg=\"", b"msg=" + b'"' * 999, b"level=info " + b"a=b " * 500,
    b"<1>1 " + b"- " * 99, b"<191>1 - - - - - [a b=\"\\\"] x", b'{"MESSAGE":[1,2,"x"],"PRIORITY":[]}',
    b'{"attributes":[1]}',
    b'{"resourceLogs":[]}', b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[1,{}]}]}]}', b"99999 <1>1 x",
)  # fmt: skip


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3))


leaves = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=9))
objects = st.dictionaries(st.text(max_size=5), st.recursive(leaves, nested, max_leaves=6))


def vast(draw: st.DrawFn) -> bytes:
    """A wide and deep object: up to 10,000 names, hundreds of objects in it, up to 2,000 of them in one another."""
    names = draw(st.sampled_from((250, 120, 1, 300, 10_000)))  # just below what is opened still, and above
    depth = draw(st.sampled_from((8, 300, 1, 9, 2000)))
    chains = draw(st.sampled_from((min(names, max(1, 60_000 // depth)), 1)))
    opening, closing = draw(st.sampled_from(((b'{"a":', b"}"), (b'{"msg":', b"}"), (b"[", b"]"), (b'[{"b":', b"}]"))))
    leaf = draw(st.sampled_from((b"1", b'"w"', b"{}", b"NaN", b'"\\ud800"')))  # the last two are read line by line
    deep = opening * depth + leaf + closing * depth
    pairs = [b'"k%d":%s' % (k, deep if k < chains else leaf) for k in range(names)]
    return b'{"msg":"m",' + b",".join(pairs) + b"}"


lines_of_any_kind = st.lists(
    st.one_of(
        st.composite(mutated)(),
        st.sampled_from(JUNK),
        st.binary(max_size=60).map(lambda line: line.replace(b"\n", b" ")),
        objects.map(lambda record: json.dumps(record).encode()),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("line", "beside"),
    [
        (b'{"time":"2026-03-01T12:00:00Z","level":"{odd","name":"a.b","msg":"m"}',
         b'{"time":"2026-03-01T12:00:00Z","level":"error","name":"a.b","msg":"m"}'),
        (b'{"time":17,"level":"error","name":"","msg":"m"}',
         b'{"time":"2026-03-01T12:00:00Z","level":"error","name":"a.b","msg":"m"}'),
        (b'{"level":"info","name":"a"}', b'{"level":"odd","name":"a"}'),
        (b'{"user":"bob","of":["x"]}', b'{"user":"eve","of":"x"}'),
        (b'{"msg":"m","n":1' + b"0" * 300 + b"}", b'{"msg":"m","n":"x"}'),
    ],
)  # fmt: skip
def test_a_line_reads_the_same_whatever_stands_beside_it(line: bytes, beside: bytes) -> None:
    hold([line, beside], "auto", 1)


def hold(lines: list[bytes], format: str, at: int) -> None:
    """Nothing raises, and a cut changes nothing."""
    shaper = Shaper(("token", "password", "email"))

    def shaped(some: list[bytes]) -> Shaped:
        return shaper.shape(some, [(ParseSettings(format=format), slice(None))])

    whole = shaped(lines)
    assert len(whole) == len(lines)
    at = min(at, len(lines))
    same(whole, shaped(lines[:at]), 0)
    same(whole, shaped(lines[at:]), at)
    for column in whole.fields:
        assert (column.rows[1:] >= column.rows[:-1]).all()
        assert column.numbers is None or all(map(math.isfinite, column.numbers))
        assert column.words is None or max(map(len, column.words)) <= 64
    "".join(whole.text).encode()  # no lone surrogates


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(lines_of_any_kind, st.sampled_from(FORMATS), st.integers(0, 8))
def test_no_line_breaks_anything_and_none_depends_on_its_neighbours(lines: list[bytes], format: str, at: int) -> None:
    hold(lines, format, at)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(st.composite(vast)(), st.sampled_from(JUNK)), min_size=1, max_size=3),
    st.sampled_from(("auto", "json")),
    st.integers(0, 3),
)
def test_no_width_and_no_depth_breaks_anything(lines: list[bytes], format: str, at: int) -> None:
    hold(lines, format, at)


@pytest.mark.slow
@settings(max_examples=20_000, suppress_health_check=list(HealthCheck))
@given(lines_of_any_kind, st.sampled_from(FORMATS), st.integers(0, 8))
def test_no_line_breaks_anything_for_long(lines: list[bytes], format: str, at: int) -> None:
    hold(lines, format, at)


def test_lines_that_close_each_others_objects_stay_apart() -> None:
    lines = [b'{"msg":"a","x":[{}', b'{}]},0,{"msg":"b"}', b'{"msg":"c"}']
    found = read(lines, AUTO)
    assert found is not None
    assert found.told is not None
    assert found.told.message == ["c"]
    assert found.plain.tolist() == [0, 1]


def test_a_line_of_ten_megabytes_is_cut_for_people_and_read() -> None:
    line = b'{"msg":"' + b"x" * 10_000_000 + b'","secret":"s3cr3t","level":"error"}'
    shaped = Shaper(("token",)).shape([line], [(ParseSettings(), slice(None))])
    assert shaped.level.tolist() == [6]
    assert len(shaped.text[0]) <= 8192
    assert not shaped.fields  # what redaction did not see goes nowhere


def test_a_word_of_several_lines_of_numbers_is_no_number_and_breaks_nothing() -> None:
    told = read([json.dumps({"level": "info", "x": value}).encode() for value in ("7", "5\n6")], AUTO)
    assert told is not None
    assert told.told is not None
    assert fields(told.told.fields, 0)["x"] == 7.0
    assert isinstance(fields(told.told.fields, 1)["x"], str)


@pytest.mark.parametrize("value", ["a,b", "a;b", "a=b", "a b", "", "é"])
def test_a_value_is_shown_alike_whatever_its_neighbours_are(value: str) -> None:
    lines = [json.dumps({"level": "info", "msg": "m", "x": one}).encode() for one in (value, "c d")]
    alone, both = read(lines[:1], AUTO), read(lines, AUTO)
    assert alone is not None
    assert both is not None
    assert alone.told is not None
    assert both.told is not None
    assert alone.told.text[0] == both.told.text[0]


def test_quotes_of_one_logfmt_line_do_not_tell_those_of_the_next() -> None:
    pairs = [('"x y"', "z"), ("x", '"y z"'), ('"x b="', '"z"'), (r'"x \" b=y"', "z"), ("x\\", '""')]
    for rows in (pairs, pairs[::-1]):
        groups, odd = logfmt.read([f"level=info a={a} b={b}" for a, b in rows])
        found = {row: tuple(column[k] for column in g.columns[1:]) for g in groups for k, row in enumerate(g.rows)}
        unquoted = [("x y", "z"), ("x", "y z"), ("x b=", "z"), ('x " b=y', "z"), ("x\\", "")]
        assert not odd
        assert [found[row] for row in range(len(rows))] == (unquoted if rows is pairs else unquoted[::-1])


def test_a_syslog_line_is_read_alike_beside_one_that_is_none() -> None:
    line = '<134>1 2026-01-05T08:00:00Z host app 1 id [x@1 a="1"] hello'
    for other in ("<192>1 - - - - - - over", "<1>1 - -  - - - blank", "<1>1 - - - - - [x", "<1>1 -"):
        groups, odd = syslog.read([line, other])
        alone, _ = syslog.read([line])
        assert odd == [1]
        assert groups == alone


CROWD = (
    'level=info user={} path=/a?b=c ms=1', 'level=info user={} path=/a ms="x y"', 'level=info user={} path=/a ms=2 ',
    'level=info user={} path="/a b" ms=', 'level=info user={}\tpath=/a ms=2', 'level=info user={} path=/a ms="\\" 1"',
    'level=info user={}  path=/a ms=1', 'level=info user={} path=a"b ms=1', 'level=info user={} odd path=/a ms=1',
    '<14>1 2026-01-05T08:00:00Z h p 1 - [a@1 user="{}" ms="1"] served', '<14>1 2026-01-05T08:00:00Z h p 1 - - {} x=1',
    '<192>1 2026-01-05T08:00:00Z h p 1 - [a@1 user="{}" ms="1"] served', '<14>1 - - - 1 - [a@1 user="{}" ms="]"]  a=b',
    '<14>1 2026-01-05T08:00:00Z h p 1 - [a@1 user="{}" ms="\\"1"] served', '<14>1 - - - - - [a@1 user="{}" ms="1"]',
    '<14>1 - - - 1 - [a@1 user="{}"][b ms="1"] {{"msg":"in"}}', '<14>1 - - - 1 - [a@1 user="{}" ms="1"]x',
)  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(CROWD), st.sampled_from(("bob", "al=ice", "7", "ö"))), min_size=1, max_size=60)
)
def test_a_line_in_a_crowd_is_read_as_it_is_alone(chosen: list[tuple[str, str]]) -> None:
    """So many lines that those that look alike are read with one pattern."""
    crowd = [(line, user) for line, user in chosen for _ in range(3)]
    shaper, kinds = Shaper(), [(ParseSettings(), slice(None))]
    lines = [line.format(user).encode() for line, user in crowd]
    whole = shaper.shape(lines, kinds)
    alone = {line: shaper.shape([line], kinds) for line in set(lines)}
    for i, line in enumerate(lines):
        same(whole, alone[line], i)
