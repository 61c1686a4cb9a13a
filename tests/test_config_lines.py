"""The line of each key is found in any document that tomllib reads."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logwatch.config.lines import key_lines

DOCUMENT = '''\
# a comment with [brackets] and key = 1
state = "/x" # another
"quoted key" = 1
a.b.c = [
  1,   # in an array ]
  "]", 'x # y',
]
text = """
not = a key
[neither]
"""
inline = { x = 1, y = { z = "}" } }
[history]
keep = "3d"

[[source]]
kind = "file"
paths = ["a",
         "b"]
[source.deep]
er = 1
[[source]]
kind = "stdin"
[[source.rules]]
x = 1
[[source.rules]]
x = 2
'''


def test_lines_of_a_document_with_everything_in_it() -> None:
    lines = key_lines(DOCUMENT)
    assert {".".join(map(str, path)): line for path, line in lines.items() if path[0] not in ("a", "inline")} == {
        "state": 2, "quoted key": 3, "text": 8, "history": 13, "history.keep": 14, "source": 16, "source.0": 16,
        "source.0.kind": 17, "source.0.paths": 18, "source.0.paths.0": 18, "source.0.paths.1": 19,
        "source.0.deep": 20, "source.0.deep.er": 21, "source.1": 22, "source.1.kind": 23, "source.1.rules": 24,
        "source.1.rules.0": 24, "source.1.rules.0.x": 25, "source.1.rules.1": 26, "source.1.rules.1.x": 27,
    }  # fmt: skip
    assert lines["a", "b", "c", 2] == 6
    assert lines["inline", "y", "z"] == 12


keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    st.integers(-9, 9) | st.booleans() | st.text("ab\"'[]{}#=,\\ü", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # TOML has no surrogate pairs


def written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + "".join(f"  {written(v)}, # [,\n" for v in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} | {inner for key, part in items for inner in paths(part, (*path, key))}


@given(st.lists(st.tuples(keys, values), max_size=5, unique_by=lambda pair: pair[0]))
def test_every_key_is_found_where_it_was_written(pairs: list[tuple[str, Any]]) -> None:
    text, starts = "", {}
    for key, value in pairs:
        starts[key] = text.count("\n") + 1
        text += f"{quoted(key)} = {written(value)}\n\n"
    document = tomllib.loads(text)
    lines = key_lines(text)
    assert set(lines) == paths(document) - {()}
    assert {key: lines[key,] for key in starts} == starts
