"""`[[template]]`: what a rule may be, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.config import ConfigProblems, load

RULES = """\
[[template]]
mask = 'tenant-[a-z]+'
name = "tenant"
same = ["quota of tenant-a", "quota of tenant-b"]

[[template]]
split = 'state=(\\w+)'
"""


def loaded(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "logwatchd.toml"
    file.write_text(text)
    return file


def problem(tmp_path: Path, rule: str) -> str:
    with pytest.raises(ConfigProblems) as caught:
        load(loaded(tmp_path, f"[[template]]\n{rule}\n"), {})
    (found,) = caught.value.problems
    return str(found)


def test_rules_are_read_in_their_order(tmp_path: Path) -> None:
    found = load(loaded(tmp_path, RULES), {})
    mask, split = found.settings.template
    assert (mask.kind, mask.pattern, mask.name, mask.same) == (
        "mask", "tenant-[a-z]+", "tenant", ("quota of tenant-a", "quota of tenant-b"),
    )  # fmt: skip
    assert (split.kind, split.pattern, split.name) == ("split", r"state=(\w+)", None)
    values = {path: (value, origin) for path, value, origin in found.values()}
    assert values[("template", 0, "name")] == ("tenant", f"{tmp_path}/logwatchd.toml:3")
    assert ("template", 1, "name") not in values


def test_a_rule_may_come_from_the_environment() -> None:
    (rule,) = load(None, {"LOGWATCHD_TEMPLATE": '[{"keep": "ORA-[0-9]+"}]'}).settings.template
    assert (rule.kind, rule.pattern) == ("keep", "ORA-[0-9]+")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("maks = 'a'", 'template[0].maks: unknown key "maks"; did you mean "mask"?'),
        ("mask = 'a(?=b)'", "look-around"),
        ("keep = '(a)\\1'", "backreferences are not supported"),
        ("keep = 'a*'", "template[0].keep: matches nothing, which is everywhere"),
        ("mask = 'a'\nkeep = 'b'", "this one has both mask and keep"),
        ("same = ['a', 'b']", "this one has none"),
        ("keep = 'a'\nname = 'b'", "what is kept is called what it is"),
        ("mask = 'a'\nname = 'B c'", "a variable is called by letters"),
        ("merge = 'a'\nname = ''", "one line of 1 to 200 characters"),
        ("mask = 'a'\nsame = ['only one']", "template[0].same: needs two lines or more, to compare"),
        ("mask = 'a'\ndifferent = []", "template[0].different: needs two lines or more, to compare"),
        ("mask = 'a'\nsame = 'one line'", "template[0].same: must be a list"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(tmp_path: Path, rule: str, said: str) -> None:
    assert said in problem(tmp_path, rule)
