"""It keeps what every detector must keep, and finds its words."""

import numpy as np
import pytest

from forbidden_words import Config, ForbiddenWords
from logwatch.testing import conforms, sample_steps


def test_conforms() -> None:
    conforms(ForbiddenWords, words=["template", "3"])


@pytest.mark.parametrize(
    ("text", "nats"),
    [("Deadlock found", 20.0), ("deadlocks found", 0.0), ("a.b (x)", 20.0), ("aab x", 0.0), ("", 0.0)],
)
def test_whole_words_are_found_as_they_are_written(text: str, nats: float) -> None:
    events = sample_steps(1).batch(0, 1, np.zeros(1, np.int32))
    events.text = [text]
    assert ForbiddenWords(Config(words=("deadlock", "a.b"))).score(events).tolist() == [nats]


def test_without_words_nothing_is_found() -> None:
    events = sample_steps(3).batch(0, 3, np.zeros(3, np.int32))
    assert ForbiddenWords(Config(words=())).score(events).tolist() == [0.0, 0.0, 0.0]
