"""Decoders, hooks and failing plugins in the daemon: configuration, pipeline, alert, restart."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from logwatch.app import run
from logwatch.app.plugins_run import Trips, decoded
from logwatch.cli import run as command_line
from logwatch.config import ConfigProblems
from logwatch.plugins import configure
from logwatch.plugins.guarded import NATS_MOST
from logwatch.requests import RunRequest
from logwatch.sinks.schema import from_json, to_json
from logwatch.testing import ListSource, ManualClock

PIPES = """
from logwatch.api import PluginConfig, plugin

class Config(PluginConfig):
    separator: str = "|"

@plugin(kind="decoder", name="pipes", api=(1, 0), config=Config)
class Pipes:
    def __init__(self, config):
        self.separator = config.separator
    def decode(self, lines):
        out = []
        for line in lines:
            parts = line.decode(errors="replace").split(self.separator)
            out.append({"time": parts[1], "level": parts[0], "message": parts[2]} if len(parts) == 3 else None)
        return out
"""

TEAM = """
from dataclasses import replace
from logwatch.api import PluginConfig, plugin

class Config(PluginConfig):
    team: str

@plugin(kind="hook", name="team", api=(1, 0), config=Config)
class Team:
    def __init__(self, config):
        self.team = config.team
    def annotate(self, alert):
        return replace(alert, id="forged", severity="info", detail=f"for {self.team}")
"""

BROKEN = """
from logwatch.api import plugin

@plugin(kind="detector", name="broken", api=(1, 0))
class Broken:
    name = "broken"
    def __init__(self, config):
        pass
    def score(self, events):
        raise RuntimeError("no such table")
    def learn(self, chunk, nats):
        pass
    def changes(self):
        return ()
    def restore(self, cells):
        pass
"""

ABSURD = """
import numpy as np
from logwatch.api import plugin

@plugin(kind="detector", name="absurd", api=(1, 0))
class Absurd:
    name = "absurd"
    def __init__(self, config):
        self.calls = 0
    def score(self, events):
        self.calls += 1
        if self.calls % 2:
            return np.full(len(events), [np.inf, -1.0][self.calls // 2 % 2])
        return np.array([1e300 if "fire" in text or "id=5 " in text else np.nan for text in events.text])
    def learn(self, chunk, nats):
        pass
    def changes(self):
        return ()
    def restore(self, cells):
        pass
"""


pytestmark = pytest.mark.usefixtures("own_declarations")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A log of the form `level|time|message`, with something new at its end, and the four plugins."""
    folder = tmp_path / "dropin"
    folder.mkdir()
    folder.chmod(0o755)
    for name, text in {"pipes": PIPES, "team": TEAM, "broken": BROKEN, "absurd": ABSURD}.items():
        (folder / f"{name}.py").write_text(text)
        (folder / f"{name}.py").chmod(0o644)
    stamps = [f"2026-03-01T12:{i // 60 % 60:02d}:{i % 60:02d}Z" for i in range(3000)]
    lines = [f"INFO|{at}|request id={i} done in {i % 7} ms" for i, at in enumerate(stamps)]
    lines.append("ERROR|2026-03-01T12:50:01Z|database on fire, worker 7 killed")
    (tmp_path / "app.log").write_text("".join(line + "\n" for line in lines))
    return tmp_path


def alerts(place: Path, config: str, source: str = "") -> list[dict[str, Any]]:
    """What a run to the log's end delivers."""
    out = place / "alerts.jsonl"
    file = place / "logwatchd.toml"
    file.write_text(
        f'state = "{place}/state"\nplugins_dir = "{place}/dropin"\n'
        f'[[source]]\nkind = "file"\nname = "app"\npaths = ["{place}/app.log"]\nstart = "beginning"\nonce = true\n'
        f'{source}\n[[sink]]\nkind = "file"\npath = "{out}"\n{config}\n'
    )
    run(RunRequest(configure(file, {})))
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_what_a_decoder_says_is_read_like_a_line_of_json(place: Path) -> None:
    found = alerts(place, "[detectors.lstm]\nenabled = false", 'decoder = "pipes"')
    fire = next(alert for alert in found if alert["state"] == "open")
    assert "on fire" in fire["lines"][0]["text"]
    assert not fire["lines"][0]["text"].startswith("ERROR|")
    assert fire["template"].startswith("database on fire")
    assert fire["first"] == "2026-03-01T12:50:01Z"
    log = (place / "app.log").read_bytes()
    assert fire["position"]["offset"] == log.index(b"ERROR|"), "positions are those of the file"


def test_a_decoder_has_options_of_its_own(place: Path) -> None:
    found = alerts(place, '[decoders.pipes]\nseparator = "%"\n[detectors.lstm]\nenabled = false', 'decoder = "pipes"')
    assert {alert["lines"][0]["text"][:6] for alert in found} == {"ERROR|"}, "nothing was of its format"


def test_a_hook_says_more_of_each_alert_and_forges_nothing(place: Path) -> None:
    found = alerts(place, '[hooks.team]\nteam = "storage"\n[detectors.lstm]\nenabled = false')
    assert found
    assert {(alert["severity"], alert["detail"]) for alert in found} == {("info", "for storage")}
    assert "forged" not in {alert["id"] for alert in found}


def test_a_plugin_that_is_switched_off_is_an_alert_and_the_others_go_on(place: Path) -> None:
    found = alerts(place, "[detectors.broken]\n[detectors.lstm]\nenabled = false")
    (trip,) = [alert for alert in found if alert["kind"] == "plugin"]
    assert trip["detail"] == 'detector "broken" is switched off for 1min: RuntimeError: no such table'
    assert (trip["source"], trip["instance"]) == ("logwatchd", 'detector "broken"')
    assert any("on fire" in alert["lines"][0]["text"] for alert in found if alert["lines"])


def test_absurd_nats_spoil_nothing(place: Path) -> None:
    found = alerts(place, "[detectors.absurd]\n[detectors.lstm]\nenabled = false")
    fire = next(alert for alert in found if alert["lines"] and "on fire" in alert["lines"][0]["text"])
    assert math.isfinite(fire["score"])
    assert 0 < max(one["nats"] for one in fire["fired"]) <= NATS_MOST


def test_switched_off_plugins_are_told_by_score_too(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGWATCHD_PLUGINS_DIR", str(place / "dropin"))
    monkeypatch.setenv("LOGWATCHD_DETECTORS__BROKEN__ENABLED", "true")
    monkeypatch.setenv("LOGWATCHD_DETECTORS__LSTM__ENABLED", "false")
    assert command_line(["score", str(place / "app.log")]) == 0
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds.count("plugin") == 1


@pytest.mark.parametrize(
    ("config", "source", "reason"),
    [
        ("", 'decoder = "pipse"', 'unknown decoder "pipse"; did you mean "pipes"'),
        ("[hooks.tean]", "", 'unknown hook "tean"; did you mean "team"'),
        ("[hooks.team]", "", "team: missing"),
        ("[hooks.pipes]", "", "declares no such hook"),
        ("[decoders.pipes]\nseperator = ','", "", 'did you mean "separator"'),
    ],
)
def test_what_is_wrong_stops_the_start_by_name(place: Path, config: str, source: str, reason: str) -> None:
    with pytest.raises(ConfigProblems, match=reason):
        alerts(place, config, source)


@pytest.mark.parametrize(
    ("name", "change", "mode", "reason"),
    [
        ("broken", ("api=(1, 0)", "api=(2, 0)"), 0o644, 'detector "broken" was written for plugin API 2.0'),
        ("broken", ("import plugin", "import plugin\nimport no_such_module_of_mine"), 0o644, "no_such_module_of_mine"),
        ("broken", ("", ""), 0o666, "broken.py (mode 0666)"),
    ],
    ids=["another API", "a missing module", "others can write"],
)
def test_one_that_must_not_be_loaded_stops_the_start_by_name(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, change: tuple[str, str], mode: int, reason: str
) -> None:
    plugin = place / "dropin" / f"{name}.py"
    plugin.write_text(plugin.read_text().replace(*change))
    plugin.chmod(mode)
    config = place / "logwatchd.toml"
    config.write_text(f'plugins_dir = "{place}/dropin"\nstate = "{place}/state"\n[detectors.{name}]\n')
    for verb in ("run", "check-config"):
        assert command_line([verb, "-c", str(config)]) == 78
        said = capsys.readouterr().err
        assert f"detectors.{name}: " in said
        assert reason in said
    assert not (place / "state").exists()


def test_positions_and_lines_that_are_of_no_format_stay(place: Path) -> None:
    class Some:
        def decode(self, lines: list[bytes]) -> list[dict[Any, Any] | None]:
            endless: dict[Any, Any] = {}
            endless["self"] = endless
            known = {b"one": {"message": "1", 2: object}, b"two": endless, b"three": {"message": "\ud800"}}
            return [known.get(line) for line in lines]

    source = ListSource([b"zero", b"one", b"two", b"three"])
    source.open({})
    records = source.poll(10)
    assert records is not None
    out = decoded(Some(), records)
    assert json.loads(out.lines[1])["message"] == "1"
    assert [out.lines[i] for i in (0, 2, 3)] == [b"zero", b"two", b"three"]
    assert out.end.tolist() == records.end.tolist()
    assert records.lines[1] == b"one"


def test_the_alert_of_a_plugin_is_written_and_read_back() -> None:
    trips = Trips(ManualClock())
    trips('sink "pager"', "OSError: gone", float("inf"))
    (alert,) = trips.take()
    assert trips.take() == []
    assert "until the next start" in alert.detail
    assert from_json(to_json(alert)) == alert
