"""Templates: what they see is data, what they write is bounded, and nothing gets them out of their box."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.sinks.example import EXAMPLES
from logwatch.sinks.schema import from_json, to_json
from logwatch.sinks.template import LONGEST, WRITTEN_MOST, Template
from logwatch.testing import sample_alert

VALUES: dict[str, Any] = {"alert": EXAMPLES[0], "headline": "h", "text": "t"}


def written(text: str, as_json: bool = False, **alert: Any) -> str:
    return Template(text, as_json=as_json).render({**VALUES, "alert": {**EXAMPLES[0], **alert}})


def test_the_examples_are_alerts_of_the_schema() -> None:
    for example in EXAMPLES:
        assert example.keys() == to_json(sample_alert()).keys()
        assert to_json(from_json(example)) == example


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ alert.source }}", "web"),
        ("{{ alert['source'] | upper }}", "WEB"),
        ("{% for line in alert.lines %}{{ loop.index }}:{{ line.template_id }}{% endfor %}", "1:7"),
        ("{% if alert.severity == 'critical' %}!{% else %}.{% endif %}", "."),
        ("{{ alert.entity | default('none') }}", "request-7"),
        ("{{ alert.expected[0].probability if alert.expected else 0 }}", "0.62"),
        ("{{ alert.count + 1 }} {{ alert.count * 3 }}", "2 3"),
        ("{% set a = alert.source ~ '/' ~ alert.rule %}{{ a }}", "web/new"),
    ],
)
def test_what_a_template_can_do(template: str, expected: str) -> None:
    assert written(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ alert.__class__ }}",
        "{{ alert['__class__'].mro() }}",
        "{{ ().__class__.__base__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ request }}",
        "{{ config }}",
        "{{ namespace() }}",
        "{{ range(10) }}",
        "{{ dict(a=1) }}",
        "{{ alert.source.format(1) }}",
        "{{ '{0.__class__}'.format(alert) }}",
        "{{ '%s' % alert }}",
        "{{ alert.source.upper() }}",
        "{{ alert.pop('source') }}",
        "{{ alert.update({'source': 1}) }}",
        "{{ alert | attr('__class__') }}",
        "{{ alert | xmlattr }}",
        "{{ alert.lines | map('attr', '__class__') | list }}",
        "{{ loop }}",
        "{{ loop.__class__ }}",
        "{% for line in alert.lines %}{{ loop.__init__.__globals__ }}{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{% extends '/etc/passwd' %}",
        "{% import '/etc/passwd' as x %}",
        "{% from '/etc/passwd' import x %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for line in alert.lines recursive %}{{ loop(alert.lines) }}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 999999999 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ alert.unknown }}",
        "{{ unknown }}",
        "{% if false %}{{ unknown }}{% endif %}",
        "{% if %}",
        "{{ alert.source",
        "{% for %}",
        "{{ alert.first.foo }}",
        "{{ 1 / 0 }}",
        "{{ alert | nofilter }}",
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "x" * (LONGEST + 1),
    ],
)
def test_what_a_template_cannot_do_is_said_when_the_configuration_is_checked(template: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        Template(template, as_json=False)
    assert "uid=" not in str(told.value)


def test_a_template_that_writes_too_much_is_stopped() -> None:
    with pytest.raises(ValueError, match=f"{WRITTEN_MOST:,}"):
        written("{% for a in alert.detail %}{{ alert.detail }}{% endfor %}", detail="x" * 1000)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(ValueError, match='unknown name "alrt"; did you mean "alert"'):
        Template("{{ alrt.source }}", as_json=True)


def test_what_is_not_json_is_told_with_what_to_write() -> None:
    with pytest.raises(ValueError, match="without quotes"):
        Template('{"a": "{{ alert.source }}"}', as_json=True)


@given(st.text(st.characters()))
def test_no_text_of_an_alert_ends_the_string_that_it_stands_in(text: str) -> None:
    template = '{"a": {{ alert.source }}, "b": {{ alert.lines }}, "c": {{ alert.detail | tojson }}, "d": 1}'
    out = written(template, as_json=True, source=text, detail=text, lines=[{"text": text}])
    text = json.loads(json.dumps(text))  # halves of a character that meet are one
    assert json.loads(out) == {"a": text, "b": [{"text": text}], "c": text, "d": 1}
    assert out.isascii()
    assert out.isprintable()


@given(st.text(st.characters()))
def test_no_text_of_an_alert_is_read_as_a_template_or_acts_in_plain_text(text: str) -> None:
    assert written("<{{ alert.source }}>", source="{{ 7 * 7 }}") == "<{{ 7 * 7 }}>"
    assert written("<{{ alert.source }}>", source=text)[1:-1].isprintable() or not text.isprintable()
    assert not set(written("{{ alert.source }}", source=text)) & set(map(chr, [*range(32), *range(127, 160), 0x202E]))


@pytest.mark.parametrize("expression", ["'a' * 9", "[1] * 9", "'%9d' % 1", "9 ** 9", "'a' + 'b'", "[1] + [2]"])
def test_arithmetic_is_for_numbers_so_that_little_cannot_become_much(expression: str) -> None:
    with pytest.raises(ValueError, match="is for numbers"):
        Template(f"{{% set n = alert.count %}}{{{{ {expression} }}}}", as_json=False)
