"""Every verb, option, setting and metric stands in the documentation, and every documented one exists.

The documentation is README.md and the Markdown files that it links. What looks like one of ours there, in code:
`logwatchd VERB`, `--option` on a line of such a command, `LOGWATCHD_X`, `logwatchd_x` metrics.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from logwatch.cli.verbs import VERBS, cli
from logwatch.config import DetectorTable, Heatmap, History, Settings, SinkTable, SourceTable, TemplateRule
from logwatch.config.layers import PREFIX
from logwatch.plugins import BUILT_IN
from logwatch.telemetry import METRICS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

# Not ours to document: of click itself, of benchmarks, or set by other programs.
SILENT_OPTIONS = {"--help", "--debug"}
ELSEWHERE = {
    "LOGWATCHD_BENCH_DATA", "LOGWATCHD_CI", "LOGWATCHD_TEST_SYSTEMD",
    "LOGWATCHD_TEST_KAFKA", "LOGWATCHD_TEST_KAFKA_IMAGE",
}  # fmt: skip


@pytest.fixture(scope="module")
def docs() -> str:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if "logwatchd tail" not in text:
        pytest.skip("README.md is not written yet")
    linked = re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", text)
    files = {(ROOT / link).resolve() for link in linked}
    assert all(file.exists() for file in files), f"README.md links what is not there: {linked}"
    return "\n".join([text, *(file.read_text(encoding="utf-8") for file in sorted(files))])


def command(verb: str) -> click.Command:
    found = cli.get_command(click.Context(cli), verb)
    assert found is not None
    return found


def options(verb: str) -> set[str]:
    own = {name for parameter in command(verb).params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {name for name in own if name.startswith("--")} | {"--help"}


def words(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))


def test_every_verb_is_documented(docs: str) -> None:
    assert {verb for verb in VERBS if f"logwatchd {verb}" not in docs} == set()


def test_every_documented_verb_exists(docs: str) -> None:
    shown = words(r"(?:^|[`$|] ?)logwatchd ([a-z][a-z-]+)\b", docs)
    assert shown - set(VERBS) == set()


def test_every_option_is_documented(docs: str) -> None:
    every = {option for verb in VERBS for option in options(verb)} - SILENT_OPTIONS
    assert {option for option in every if not re.search(rf"(?<![\w-]){option}(?![\w-])", docs)} == set()


def test_every_documented_option_is_one_of_its_verb(docs: str) -> None:
    wrong = {}
    for line in docs.splitlines():
        for verb, rest in re.findall(r"logwatchd ([a-z-]+)((?: [^|`#;&]*)?)", line):
            unknown = words(r"(?<![\w-])--[a-z][a-z-]*", rest) - (options(verb) if verb in VERBS else {"--version"})
            if verb in VERBS and unknown:
                wrong[line] = unknown
    assert wrong == {}


def settings() -> set[str]:
    top = set(Settings.model_fields)
    tables = (Heatmap, History, SourceTable, SinkTable, DetectorTable, TemplateRule)
    return top | {name for table in tables for name in table.model_fields}


def test_every_setting_is_documented(docs: str) -> None:
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", docs, re.DOTALL))
    assert {name for name in settings() if not re.search(rf"\b{name}\b", code)} == set()


def test_every_documented_variable_is_a_setting(docs: str) -> None:
    variables = words(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", docs) - ELSEWHERE
    assert {
        name for name in variables if name[len(PREFIX) :].lower().split("__")[0] not in Settings.model_fields
    } == set()


def test_every_component_is_documented(docs: str) -> None:
    assert {name for _, name in BUILT_IN if not re.search(rf"`\"?{name}\"?`|kind = \"{name}\"", docs)} == set()


def test_every_metric_is_documented(docs: str) -> None:
    shown = words(r"\blogwatchd_[a-z_]+\b", docs)
    ours = {name for name in METRICS if not name.startswith("logwatchd_test_")}
    assert ours - shown == set()
    assert shown - ours == set()


def test_every_verb_and_option_has_a_help_text() -> None:
    for verb in VERBS:
        found = command(verb)
        assert found.help
        assert found.epilog, f"{verb} has no example"
        assert f"logwatchd {verb}" in found.epilog
        for parameter in found.params:
            if isinstance(parameter, click.Option):
                sentence = (parameter.help or "").partition("  [default")[0]
                assert re.search(r"[.\d]$|; (-|the) .*\.$", sentence), f"{verb} {parameter.name}: {parameter.help}"


def test_examples_in_help_texts_use_options_that_exist() -> None:
    for verb in VERBS:
        for name, rest in re.findall(r"logwatchd ([a-z-]+)([^|#&\n]*)", command(verb).epilog or ""):
            assert words(r"(?<![\w-])--[a-z-]+", rest) <= options(name)


def test_the_example_configuration_shows_every_top_level_setting() -> None:
    example = (ROOT / "systemd" / "logwatchd.toml").read_text(encoding="utf-8")
    top = set(Settings.model_fields) | set(History.model_fields)
    assert {name for name in top if not re.search(rf"^[#\[ ]*{name}\b", example, re.MULTILINE)} == set()
