"""What is told of formats crosses to another process and back."""

from __future__ import annotations

from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaped, Shaper
from logwatch.parse.wire import pack, unpack
from tests.parse.formats.dialects import DIALECTS
from tests.parse.formats.test_formats_properties import fields, same


def test_fields_and_failures_cross_between_processes() -> None:
    lines = [dialect.line for dialect in DIALECTS.values()]
    for settings in (ParseSettings(), ParseSettings(format="json"), ParseSettings(format="plain")):
        here = Shaper().shape(lines, [(settings, slice(None))])
        there = unpack(Shaped, bytearray(b"".join(bytes(piece) for piece in pack(here))))
        same(here, there, 0)
        assert there.failed == here.failed
        assert all(fields(there.fields, i) == fields(here.fields, i) for i in range(len(lines)))
