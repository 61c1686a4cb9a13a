"""Settings come from file, environment and flags, each known by name; everything wrong is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from logwatch.config import REDACTIONS, Budget, ConfigProblems, Loaded, Problem, load
from logwatch.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "logwatchd.toml"
    file.write_text(text)
    return file


def problems(*arguments: Any, **named: Any) -> list[Problem]:
    with pytest.raises(ConfigProblems) as caught:
        load(*arguments, **named)
    return list(caught.value.problems)


def test_defaults_are_those_of_the_documentation() -> None:
    settings = load(environ={}).settings
    assert str(settings.state) == "/var/lib/logwatchd"
    assert str(settings.budget) == "2/day"
    assert str(settings.max_incidents) == "20/hour"
    assert settings.learning == "online"
    assert settings.warmup == 64 * 2**20
    assert settings.outbox_max == 256 * 2**20
    assert settings.when_full == "pause"
    assert settings.history.keep == 30 * 86400
    assert settings.history.max_size == 2**30
    assert (settings.idle_after, settings.lateness) == (30, 5)
    assert settings.redact == ("token", "password", "email")


def test_file_is_overridden_by_environment_and_that_by_flags(tmp_path: Path) -> None:
    file = write(tmp_path, 'budget = "1/day"\nseed = 1\nwarmup = "1MiB"\n')
    environ = {"LOGWATCHD_SEED": "2", "LOGWATCHD_WARMUP": "2MiB"}
    loaded = load(file, environ, {"warmup": ("--warmup", "3MiB")})
    assert loaded.settings.budget == Budget.parse("1/day")
    assert loaded.settings.seed == 2
    assert loaded.settings.warmup == 3 * 2**20
    assert loaded.origin(("budget",)) == f"{file}:1"
    assert loaded.origin(("seed",)) == "environment LOGWATCHD_SEED"
    assert loaded.origin(("warmup",)) == "--warmup"
    assert loaded.origin(("lateness",)) == "default"


def test_tables_are_merged_by_key(tmp_path: Path) -> None:
    file = write(tmp_path, '[history]\nkeep = "3d"\nmax_size = "1MiB"\n')
    loaded = load(file, {"logwatchd_history__keep": "4d"})
    assert (loaded.settings.history.keep, loaded.settings.history.max_size) == (4 * 86400, 2**20)
    assert loaded.origin(("history", "keep")) == "environment logwatchd_history__keep"
    assert loaded.origin(("history", "max_size")) == f"{file}:3"


def test_lists_from_the_environment_are_json_and_replace_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[[source]]\nkind = "file"\npaths = ["a"]\n')
    loaded = load(file, {"LOGWATCHD_SOURCE": '[{"kind": "stdin"}]', "LOGWATCHD_REDACT": '["email"]'})
    assert [table.kind for table in loaded.settings.source] == ["stdin"]
    assert loaded.settings.redact == ("email",)
    assert loaded.origin(("source", 0, "kind")) == "environment LOGWATCHD_SOURCE"
    assert loaded.origin(("source", 0, "paths")) == "default"


def test_a_table_keeps_the_components_own_keys_apart(tmp_path: Path) -> None:
    text = (
        "[[source]]\nkind = 'file'\nentity = 'id=(\\d+)'\nbudget = '5/day'\npaths = ['x']\n[detectors.gap]\nleast = 3\n"
    )
    loaded = load(write(tmp_path, text), {})
    (source,) = loaded.settings.source
    assert source.options == {"paths": ["x"]}
    assert str(source.budget) == "5/day"
    assert loaded.settings.detectors["gap"].options == {"least": 3}
    assert loaded.origin(("source", 0, "paths")).endswith(":5")


def test_every_error_is_said_at_once_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        'budgt = "2/day"\nwarmup = "64MB2"\nredact = ["tokn", "(?=x)"]\n[history]\nkep = "3d"\n'
        '[[source]]\nkind = "file"\nbudget = "5/fortnight"\nlerning = 1\n[[sink]]\nname = "x"\n'
        '[detectors.gap]\nenabled = "maybe"\n',
    )
    found = {problem.key: (problem.where, problem.message) for problem in problems(file, {})}
    expected = {
        "budgt": (1, 'did you mean "budget"'),
        "warmup": (2, "not a size"),
        "redact[0]": (3, 'did you mean "token"'),
        "redact[1]": (3, "look-around"),
        "history.kep": (5, 'did you mean "keep"'),
        "source[0].budget": (8, "min, hour, day or week"),
        "sink[0].kind": (10, "missing"),
        "detectors.gap.enabled": (13, "boolean"),
    }
    assert found.keys() == expected.keys()
    for key, (line, text) in expected.items():
        assert found[key][0] == f"{file}:{line}"
        assert text in found[key][1]


def test_the_rest_of_a_wrong_configuration_can_be_checked_too(tmp_path: Path) -> None:
    file = write(tmp_path, 'budgt = 1\nseed = 3\nredact = ["tokn"]\n[[source]]\nkind = "stdin"\nbudget = "x"\n')
    with pytest.raises(ConfigProblems) as caught:
        load(file, {})
    rest = caught.value.rest
    assert isinstance(rest, Loaded)
    assert rest.settings.seed == 3
    assert [table.kind for table in rest.settings.source] == ["stdin"]


def test_wrong_values_are_blamed_on_who_gave_them(tmp_path: Path) -> None:
    file = write(tmp_path, "seed = 1\n")
    (one,) = problems(file, {"LOGWATCHD_SEED": "many"})
    assert one.where == "environment LOGWATCHD_SEED"
    (one,) = problems(file, {"LOGWATCHD_SEED": "2"}, {"seed": ("--seed", -1)})
    assert one.where == "--seed"


def test_unknown_variables_are_refused_but_not_those_of_kubernetes() -> None:
    (one,) = problems(None, {"LOGWATCHD_BUDGT": "2/day", "HOME": "/"})
    assert (one.where, one.key) == ("environment LOGWATCHD_BUDGT", "budgt")
    assert 'did you mean "budget"' in one.message
    service = (
        "SERVICE_HOST",
        "SERVICE_PORT",
        "PORT",
        "PORT_8711_TCP",
        "PORT_8711_TCP_ADDR",
        "HEADLESS_SERVICE_PORT_HTTP",
    )
    load(None, {f"LOGWATCHD_{name}": "tcp://10.0.0.1:8711" for name in service})
    for name in ("BENCH_DATA", "CI", "TEST_KAFKA", "TEST_KAFKA_IMAGE", "TEST_SYSTEMD"):  # of benchmarks and tests
        load(None, {f"LOGWATCHD_{name}": "/data"})


def test_empty_variables_say_nothing_and_empty_directories_are_refused(tmp_path: Path) -> None:
    assert load(None, {"LOGWATCHD_BUDGET": "", "LOGWATCHD_REDACT": ""}).origin(("budget",)) == "default"
    (one,) = problems(write(tmp_path, 'state = ""'), {})
    assert "must not be empty" in one.message


def test_lists_in_the_environment_that_are_no_json() -> None:
    (one,) = problems(None, {"LOGWATCHD_REDACT": "token,email"})
    assert (one.where, one.key) == ("environment LOGWATCHD_REDACT", "redact")
    assert "JSON" in one.message


@pytest.mark.parametrize(
    ("text", "place"),
    [("a = \n", "1:5"), ("x = 1\n[y\n", "2:3"), ("a = 1\na = 2\n", "2:"), ("x = 1\ny = [1,\n", "2:1")],
)
def test_syntax_errors_name_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    file = write(tmp_path, text)
    (one,) = problems(file, {})
    assert one.where.startswith(f"{file}:{place}")
    assert "not TOML" in one.message


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml", {})
    (tmp_path / "latin.toml").write_bytes(b'state = "\xe4"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "latin.toml", {})
    with pytest.raises(ConfigError, match="directory"):
        load(tmp_path, {})


def test_windows_line_ends_count_as_one_line(tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_bytes(b"seed = 1\r\nlerning = 2\r\n")
    assert [problem.where for problem in problems(file, {})] == [f"{file}:2"]


def test_unknown_zone_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, '[[source]]\nkind = "stdin"\ntimezone = "Europe/Atlantis"\n')
    (one,) = problems(file, {})
    assert "not a time zone" in one.message


def test_redactions_are_those_that_parse_knows() -> None:
    from logwatch.parse.redact import NAMES

    assert set(REDACTIONS) == set(NAMES)


def test_values_list_every_setting_as_it_is_written(tmp_path: Path) -> None:
    values = {path: (value, origin) for path, value, origin in load(write(tmp_path, 'lateness = "90s"'), {}).values()}
    assert values["lateness",][0] == "90s"
    assert values["history", "keep"] == ("30d", "default")
