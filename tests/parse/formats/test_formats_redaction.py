"""Secrets in fields go nowhere: not into texts, templates, loggers, entities or values, however they are escaped."""

from __future__ import annotations

import pytest

from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaped, Shaper

RULES = ("token", "password", "email", "card")
SECRET = "hunter2secret"  # noqa: S105  # made up


def shaped(*lines: bytes, entity: str = "") -> Shaped:
    return Shaper(RULES).shape(list(lines), [(ParseSettings(entity=entity), slice(None))])


def everything(found: Shaped) -> str:
    words = [word for field in found.fields for word in field.words or ()]
    numbers = [f"{number:.0f}" for field in found.fields if field.numbers is not None for number in field.numbers]
    return "\n".join([*found.text, *found.keys, *(one or "" for one in found.entity), *words, *numbers])


@pytest.mark.parametrize(
    "line",
    [
        b'{"msg":"login","user":"bob","password":"hunter2secret"}',
        b'{"msg":"login","db":{"password":"two words hunter2secret"}}',
        b'{"msg":"login password=hunter2secret ok"}',
        b'{"msg":"login","p\\u0061ssword":"hunter2\\u0073ecret"}',
        b'{"msg":"x","api_key":"hunter2secret"}',
        b'{"message":"","password":"hunter2secret"}',
        b'{"msg":"x","logger":"password=hunter2secret"}',
        b'level=info msg="x" password="a \\" hunter2secret"',
        b"level=info msg=x db_password=hunter2secret",
        b'<13>1 2026-03-01T12:00:00Z h app - - [id@1 token="hunter2secret"] x',
        b'2026-03-01T12:00:00Z stdout F {"msg":"x","token":"hunter2secret"}',
        b'{"MESSAGE":"{\\"msg\\":\\"x\\",\\"token\\":\\"hunter2secret\\"}","PRIORITY":"6"}',
        b'{"msg":"x","exception":"Error: password=hunter2secret\\n at y"}',
        b'{"msg":"x","' + b"k" * 70 + b'":"token=hunter2secret"}',
        b'{"msg":"x"' + b"".join(b',"f%d":%d' % (i, i) for i in range(40)) + b',"token":"hunter2secret"}',
        b'{"msg":"' + b"long " * 3000 + b'","token":"hunter2secret"}',
    ],
)
def test_a_secret_goes_nowhere(line: bytes) -> None:
    assert SECRET not in everything(shaped(line, entity=r"(?:token|password)\S*[=:](.*)"))


def test_a_number_of_a_card_is_no_value() -> None:
    found = shaped(b'{"msg":"paid","card":4111111111111111,"cents":100}', b'{"msg":"paid","card":5,"cents":100}')
    assert "4111111111111111" not in everything(found)
    told = {field.name: field.numbers.tolist() for field in found.fields if field.numbers is not None}
    assert told == {"card": [5.0], "cents": [100.0, 100.0]}


def test_half_an_address_is_no_value() -> None:
    line = b'{"msg":"x","who":"' + b"a" * 50 + b'@mail.example.org"}'
    assert "a" * 50 not in everything(shaped(line))


def test_other_values_of_a_line_with_a_secret_stay() -> None:
    found = shaped(b'{"msg":"login","password":"hunter2secret","user":"bob"}')
    assert [(field.name, field.words) for field in found.fields] == [("user", ["bob"])]


def test_what_acts_on_a_terminal_is_taken_out_of_fields() -> None:
    found = shaped(b'{"msg":"a\\u001b[31mred\\u202e","k\\u0007":"v\\u0000\\u009b1m","x":"\\ud83d\\ude00"}')
    told = everything(found) + "".join(field.name for field in found.fields)
    assert not set(told) & set("\x1b\x07\0\x9b\u202e")
    assert "😀" in told
