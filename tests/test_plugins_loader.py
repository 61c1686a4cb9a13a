"""Components are found by name, checked before anything is opened, and refused with a clear reason."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from logwatch.api import API_VERSION, Kind, declared
from logwatch.config import ConfigProblems, DetectorTable, SinkTable, load
from logwatch.errors import ConfigError
from logwatch.plugins import BUILT_IN, CONFIG, Part, Plugins, check, configure, is_builtin, parts
from logwatch.testing import sample_alert

PAGER = """
from logwatch.api import Alert, PluginConfig, plugin

class Config(PluginConfig):
    number: str
    retries: int = 3

@plugin(kind="sink", name="{name}", api={api}, config=Config)
class Pager:
    def __init__(self, config, clock=None):
        self.config, self.clock, self.calls = config, clock, []
    def deliver(self, alerts):
        self.calls.append(len(alerts))
    def close(self):
        pass
"""


pytestmark = pytest.mark.usefixtures("own_declarations")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    return folder


def drop(folder: Path, name: str = "pager", text: str = PAGER, api: object = (1, 0)) -> Path:
    file = folder / f"{name}.py"
    file.write_text(text.replace("{name}", name).replace("{api}", repr(api)))
    file.chmod(0o644)
    return file


def table(**options: object) -> SinkTable:
    return SinkTable.model_validate({"kind": "pager", "number": "112", **options})


@pytest.mark.parametrize(("kind", "name"), sorted(BUILT_IN))
def test_every_built_in_is_declared_where_the_table_says(kind: Any, name: str) -> None:
    component = Plugins().find(kind, name)
    assert (component.kind, component.name) == (kind, name)
    assert is_builtin(component)


def test_a_dropped_in_file_is_found_by_its_name(folder: Path) -> None:
    drop(folder)
    plugins = Plugins(folder)
    sink = plugins.build("sink", table(), clock="the clock", unknown_extra=1)
    sink.deliver([sample_alert()])
    assert sink._inner.config.number == "112"
    assert sink._inner.clock == "the clock"
    assert sink._inner.calls == [1]
    assert "pager" in plugins.names("sink")


def test_nothing_runs_unless_it_is_named(folder: Path) -> None:
    drop(folder, "broken", "raise RuntimeError('ran')")
    drop(folder)
    Plugins(folder).build("sink", table())
    assert Plugins(folder).names("sink")


def test_an_installed_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pager_plugin.py").write_text(PAGER.replace("{name}", "pager").replace("{api}", "(1, 0)"))
    info = tmp_path / "pager_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pager-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[logwatch.plugins]\npager = pager_plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Plugins().find("sink", "pager").name == "pager"
    sys.modules.pop("pager_plugin")


def test_a_plugin_cannot_take_the_place_of_a_built_in_component(folder: Path) -> None:
    module = importlib.import_module("logwatch.sinks.file")
    ours: Any = Plugins().find("sink", "file")
    drop(folder, text=PAGER + PAGER.replace("{name}", "file").replace("class Pager", "class Other"))
    plugins = Plugins(folder)
    plugins.find("sink", "pager")
    try:
        with pytest.raises(ConfigError, match='declares the sink "file", which is built in'):
            plugins.find("sink", "file")
    finally:
        known: Any = declared()
        known["sink", "file"] = ours
    assert ours.build.__module__ == module.__name__


def test_an_unknown_name_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r'unknown sink "stdot"; did you mean "stdout"\?'):
        Plugins(folder).find("sink", "stdot")


@pytest.mark.parametrize("api", [(API_VERSION[0] + 1, 0), (API_VERSION[0], API_VERSION[1] + 1)])
def test_a_plugin_for_another_api_is_refused(folder: Path, api: tuple[int, int]) -> None:
    drop(folder, api=api)
    with pytest.raises(ConfigError, match=rf"written for plugin API {api[0]}\.{api[1]}"):
        Plugins(folder).find("sink", "pager")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module_of_mine", "no_such_module_of_mine"),
        ("raise RuntimeError('no licence')", "no licence"),
        ("x = 1", "declares no such sink"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_named_plugin_that_does_not_load_stops_the_start(folder: Path, text: str, reason: str) -> None:
    drop(folder, text=text)
    with pytest.raises(ConfigProblems, match=reason):
        Plugins(folder).build("sink", table())


def test_an_optional_one_is_left_out_and_said(folder: Path) -> None:
    drop(folder, text="import no_such_module_of_mine")
    plugins = Plugins(folder)
    assert plugins.build("sink", table(optional=True)) is None
    assert "no_such_module_of_mine" in plugins.left_out[0].message


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_a_directory_that_others_can_write_is_refused(folder: Path, mode: int) -> None:
    drop(folder)
    folder.chmod(mode)
    with pytest.raises(ConfigError, match="others can write"):
        Plugins(folder).find("sink", "pager")


def test_a_file_that_others_can_write_is_refused(folder: Path) -> None:
    drop(folder).chmod(0o666)
    with pytest.raises(ConfigError, match=r"others can write .*pager\.py \(mode 0666\)\n  chmod go-w"):
        Plugins(folder).find("sink", "pager")


def test_a_link_is_judged_by_where_it_leads(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "shared"
    elsewhere.mkdir()
    drop(elsewhere)
    elsewhere.chmod(0o777)
    (folder / "pager.py").symlink_to(elsewhere / "pager.py")
    with pytest.raises(ConfigError, match="others can write"):
        Plugins(folder).find("sink", "pager")


def test_compiled_files_beside_a_plugin_are_not_run(folder: Path) -> None:
    drop(folder)
    Plugins(folder).find("sink", "pager")
    assert not (folder / "__pycache__").exists()


def test_a_wrong_table_is_refused_with_every_error(folder: Path) -> None:
    drop(folder)
    with pytest.raises(ConfigProblems) as caught:
        Plugins(folder).build("sink", SinkTable.model_validate({"kind": "pager", "numbr": "1", "retries": "many"}))
    messages = [str(problem) for problem in caught.value.problems]
    assert len(messages) == 3
    assert any('unknown key "numbr"; did you mean "number"?' in message for message in messages)
    assert any(message.startswith("number: missing") for message in messages)
    assert any(message.startswith("retries: must be a valid integer") for message in messages)


def test_generic_keys_are_suggested_too() -> None:
    with pytest.raises(ConfigProblems, match='unknown key "optionl"; did you mean "optional"'):
        Plugins().build("sink", SinkTable.model_validate({"kind": "stdout", "optionl": True}))


def test_all_errors_of_settings_and_components_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_text(
        'budgt = 1\n[[sink]]\nkind = "stdout"\nformat = "txt"\n[[sink]]\nkind = "stdout"\n[detectors.markoff]\n'
    )
    with pytest.raises(ConfigProblems) as caught:
        configure(file, {})
    assert [problem.where for problem in caught.value.problems] == [f"{file}:{line}" for line in (1, 4, 5, 7)]


def test_top_level_settings_are_the_defaults_of_components(tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_text(
        'warmup = "1MiB"\nseed = 7\n[[source]]\nkind = "file"\npaths = ["x"]\n'
        '[[source]]\nkind = "file"\npaths = ["y"]\nwarmup = "2MiB"\n'
    )
    resolved = {one.part.id: one for one in configure(file, {}).resolved}
    assert resolved["file"].config.warmup == 2**20
    assert resolved["file#2"].config.warmup == 2 * 2**20
    assert resolved["lstm"].config.seed == 7


def test_detectors_run_unless_they_are_switched_off() -> None:
    built_in = {name for kind, name in BUILT_IN if kind == "detector"}
    ruled = load(None, {"LOGWATCHD_RULE": '[{"name": "a", "pattern": "x"}]'})
    assert {part.name for part in parts(ruled) if part.kind == "detector"} == built_in
    built_in -= {"rule"}  # without rules there is nothing to look for
    assert {part.name for part in parts(load(None, {})) if part.kind == "detector"} == built_in
    off = load(None, {"LOGWATCHD_DETECTORS__GAP__ENABLED": "false"})
    assert {part.name for part in parts(off)} == built_in - {"gap"}


def test_only_what_is_written_is_checked(tmp_path: Path) -> None:
    """What nobody wrote about needs no check: the defaults are right."""
    file = tmp_path / "logwatchd.toml"
    file.write_text("[detectors.gap]\nleast = 16\n")
    configured = check(file, {})
    assert [one.part.name for one in configured.resolved] == ["gap"]


@pytest.mark.parametrize(("kind", "name"), sorted(CONFIG))
def test_a_configuration_is_checked_against_the_config_that_the_component_declares(kind: Kind, name: str) -> None:
    module, _, model = CONFIG[kind, name].partition(":")
    assert getattr(importlib.import_module(module), model) is Plugins().find(kind, name).config


def test_a_component_without_options_needs_none() -> None:
    resolved = Plugins().resolve(Part("detector", "gap", "gap", DetectorTable()))
    assert resolved is not None
    assert resolved.config == resolved.component.config()
