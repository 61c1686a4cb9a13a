"""What every decoder keeps: one answer a line, whatever the line, and never an exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from logwatch.api import Decoder
from logwatch.testing.errors import expect
from logwatch.testing.samples import HOSTILE, sample_lines


def check_decoder(make: Callable[[], Decoder], lines: Sequence[bytes] = ()) -> None:
    """Hold a decoder against its contract.

    Args:
        make: builds it.
        lines: of its own format: each must be decoded.

    Raises:
        NotConforming: a line of its own not decoded; answers that are missing, of a wrong type, dependent on the
            other lines of the batch, or different when asked again.
    """
    decoder = make()
    expect(decoder.decode([]) == [], "decode([]) must return []")
    for line, answer in zip(lines, _decode(decoder, list(lines)), strict=True):
        expect(answer is not None, f"does not decode a line of its own format: {line[:80]!r}")
    mixed = [*HOSTILE, *lines, *sample_lines(50)]
    whole = _decode(decoder, mixed)
    expect(_decode(make(), mixed) == whole, "a second decoder answers differently")
    single = [answer for line in mixed for answer in _decode(decoder, [line])]
    expect(repr(single) == repr(whole), "the answer to a line depends on the lines beside it")


def _decode(decoder: Decoder, lines: list[bytes]) -> list[Mapping[str, object] | None]:
    kept = list(lines)
    answers = decoder.decode(lines)
    expect(lines == kept, "decode changed the lines that it was given")
    expect(len(answers) == len(lines), f"decode returned {len(answers)} answers for {len(lines)} lines")
    for answer in answers:
        expect(answer is None or isinstance(answer, Mapping), "an answer is a mapping or None")
        expect(answer is None or all(isinstance(key, str) for key in answer), "keys of an answer are text")
    return answers
