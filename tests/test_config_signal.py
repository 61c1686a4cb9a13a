"""What a source's kind and format say of its signal, and contradictions by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.config import ConfigProblems, SourceTable, load


@pytest.mark.parametrize(
    ("table", "signal"),
    [
        ({"kind": "file"}, "auto"),
        ({"kind": "file", "format": "json"}, "auto"),  # logs and metrics both come as JSON
        ({"kind": "file", "format": "cri"}, "logs"),
        ({"kind": "kafka", "format": "influx"}, "metrics"),
        ({"kind": "file", "format": "csv", "signal": "metrics"}, "metrics"),
        ({"kind": "file", "signal": "logs"}, "logs"),
        ({"kind": "host"}, "metrics"),
        ({"kind": "host", "signal": "auto"}, "metrics"),
        ({"kind": "prometheus", "format": "prometheus"}, "metrics"),
    ],
)
def test_kind_and_format_tell_the_signal(table: dict[str, str], signal: str) -> None:
    assert SourceTable.model_validate(table).signal == signal


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "file"\nsignal = "logs"\nformat = "influx"', 'signal: "logs" contradicts format = "influx"'),
        ('kind = "file"\nsignal = "metrics"\nformat = "syslog"', 'signal: "metrics" contradicts format = "syslog"'),
        ('kind = "host"\nsignal = "logs"', 'signal: "logs" contradicts kind = "host"'),
        ('kind = "prometheus"\nformat = "csv"', 'format: contradicts kind = "prometheus"'),
    ],
)
def test_contradictions_are_refused_by_name(table: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_text(f"[[source]]\n{table}\n")
    with pytest.raises(ConfigProblems) as refused:
        load(file, {})
    assert f"source[0].{said}" in str(refused.value)
    assert len(refused.value.problems) == 1
