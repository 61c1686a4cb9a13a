"""Secrets in the names of series and in their labels go nowhere."""

from __future__ import annotations

import json

import pytest

from logwatch.parse.metrics import MetricReader, MetricSettings
from tests.parse.metrics.metric_batches import batch

RULES = ("token", "password", "email", r"card=(\d+)")
SECRETS = (
    "s3cr3tvalue",
    "eyJhbGciOi.eyJzdWIiOi",
    "bob@example.org",
    "hunter2",
    "4929000011112222",
    "AKIAABCDEFGHIJKLMNOP",
)
LABELS = {
    "token": "s3cr3tvalue", "auth": "Bearer s3cr3tvalue", "jwt": "eyJhbGciOi.eyJzdWIiOi.x",
    "who": 'x "bob@example.org"',
    "url": "http://me:hunter2@host/", "card": "4929000011112222", "AKIAABCDEFGHIJKLMNOP": "1", "path": "/a",
}  # fmt: skip


def names(lines: list[str]) -> tuple[list[str], MetricReader]:
    reader = MetricReader(lambda source: MetricSettings(), RULES)
    samples, failed = reader.read(batch(lines))
    assert failed == []
    return [str(name) for name in samples.names], reader


def test_secrets_of_labels_are_redacted_and_the_rest_is_kept() -> None:
    lines = [json.dumps({"time": 1_700_000_000, "name": "x", "labels": {k: v}, "value": 1}) for k, v in LABELS.items()]
    found, _ = names(lines)
    assert not [secret for secret in SECRETS if any(secret in one for one in found)]
    assert sum("<redacted" in one for one in found) == 7
    assert found[0].startswith('x{token="<redacted:token>#')
    assert found[-1] == 'x{path="/a"}'


@pytest.mark.parametrize("secret", ["s3cr3tvalue", "ab", 'quo"ted\\'])
def test_series_that_differ_in_a_secret_alone_stay_apart(secret: str) -> None:
    def line(value: str) -> str:
        return json.dumps({"time": 1_700_000_000, "name": "x", "labels": {"token": value}, "value": 1})

    found, _ = names([line(secret), line("other"), line(secret)])
    assert len(set(found)) == 2
    assert names([line(secret)])[0] == found[:1]


def test_a_secret_in_a_name_is_redacted() -> None:
    found, _ = names(['{"time":1700000000,"name":"mails_to_bob@example.org","value":1}'])
    assert found[0].startswith("<redacted:email>#")


def test_what_is_remembered_of_a_stream_holds_no_label() -> None:
    lines = [
        '{"time":1700000000,"metrics":{"x{token=\\"s3cr3tvalue\\"}":1}}',
        '{"time":1700000000,"y{token=\\"s3cr3tvalue\\"}":1}',
    ]
    found, reader = names(lines)
    assert len(found) == 2
    assert not any(b"s3cr3tvalue" in cell for _, cell in reader.changes() if cell is not None)
