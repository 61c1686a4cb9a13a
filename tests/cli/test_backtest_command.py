"""`logwatchd backtest` as people call it: figures, a page, and labels that do not match."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.cli.conftest import Call

START = datetime(2026, 1, 5, tzinfo=UTC)
LINES = 6000
FAULTS = range(3000, 6000, 600)
"""Numbers of the lines at which something new is said, a line a second."""


def lines() -> Iterator[str]:
    """Requests of a service, in order; every tenth minute of the second half something is said that never was."""
    rng = random.Random(0)
    steps = ["accepted from 10.0.0.{}", "looked up {} rows", "replied 200 in {} ms"]
    for number in range(LINES):
        time = (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        text = steps[number % 3].format(rng.randrange(200))
        if number in FAULTS:
            text = "FATAL " + " ".join(
                f"{'abcdefghij'[number // 600]}{word}" for word in ("reactor", "core", "breached")
            )
        yield f"{time} INFO request_id=r{number // 3} {text}"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "app.log"
    path.write_text("\n".join(lines()) + "\n")
    return path


@pytest.fixture
def call(call: Call) -> Call:
    """The same, of `backtest`."""
    return partial(call, "backtest")


def labelled(folder: Path, head: str, rows: Iterator[str] | list[str], name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def voices(out: str, part: str = "labels") -> dict[str, dict[str, object]]:
    return {one["voice"]: one for one in json.loads(out)[part]["voices"]}


def stamp(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat()


def test_faults_by_time_are_found_and_a_page_is_written(call: Call, log: Path, tmp_path: Path) -> None:
    rows = [f"app,{stamp(number)},{stamp(number + 30)},breach" for number in FAULTS]
    labels = labelled(tmp_path, "source,start,end,kind", rows)
    page = tmp_path / "report.html"
    code, out, _ = call(log, "--labels", labels, "--budget", "5/hour", "-o", page, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["lines"] == LINES
    assert (told["labels"]["matched"], told["labels"]["evaluated"]) == (len(FAULTS), len(FAULTS))
    found = voices(out)
    assert found["whole"]["found"] == len(FAULTS)
    assert found["new"]["found"] == len(FAULTS)
    assert found["all"]["precision"]["value"] < 0.3
    assert all(one["delay"] < 2 for one in told["labels"]["anomalies"])
    assert "FATAL freactor" in page.read_text()
    assert "FATAL" not in "".join(line for line in page.read_text().splitlines() if "<title>Backtest" in line)[:300]


def test_lines_with_labels_are_found_one_by_one(call: Call, log: Path, tmp_path: Path) -> None:
    rows = [f"app,{number + 1},{int(number in FAULTS)}" for number in range(LINES)]
    labels = labelled(tmp_path, "source,line,label", rows)
    code, out, _ = call(log, "--labels", labels, "--budget", "0.2%", "--json")
    told = json.loads(out)["labels"]
    assert code == 0
    assert (told["matched"], told["positive"]) == (LINES, len(FAULTS))
    assert told["evaluated"] == pytest.approx(0.9 * LINES, abs=20)
    assert voices(out)["whole"]["average_precision"]["value"] > 0.9
    assert voices(out)["whole"]["found"] == len(FAULTS)
    assert voices(out)["all"]["average_precision"]["value"] == pytest.approx(len(FAULTS) / told["evaluated"])


def test_entities_and_a_random_split_beside_the_order_of_time(call: Call, log: Path, tmp_path: Path) -> None:
    bad = {number // 3 for number in FAULTS}
    labels = labelled(tmp_path, "source,entity,label", [f"app,r{one},{int(one in bad)}" for one in range(LINES // 3)])
    entity = r"request_id=(\w+)"
    code, out, _ = call(log, "--labels", labels, "--entity", entity, "--budget", "1%", "--random-split", "--json")
    assert code == 0
    for part in ("labels", "random_split"):
        whole = voices(out, part)["whole"]
        assert whole["average_precision"]["value"] > 0.9
        assert whole["precision"]["value"] >= 0.5
        assert whole["found"] >= len(bad) // 2
    told = json.loads(out)
    assert told["random_split"]["evaluated"] == LINES // 3 - round(0.1 * (LINES // 3 - len(bad)))


def test_a_text_for_people_names_every_detector_and_the_share_that_matches(
    call: Call, log: Path, tmp_path: Path
) -> None:
    rows = [f"app,{stamp(number)},{stamp(number + 30)}" for number in FAULTS] + [
        "other,2026-01-05T00:00:00Z,2026-01-06T00:00:00Z"
    ]
    labels = labelled(tmp_path, "source,start,end", rows)
    code, out, err = call(log, "--labels", labels, "--budget", "5/hour")
    assert code == 0
    assert "83% match" in out + err
    for name in ("logwatchd", "without the LSTM", "markov", "at random", "an alarm all the time"):
        assert name in out + err


def test_without_labels_it_says_what_would_have_alerted(call: Call, log: Path) -> None:
    code, out, _ = call(log, "--json", "--budget", "5/hour")
    told = json.loads(out)
    assert code == 0
    assert told["labels"] is None
    assert {"whole", "without", "lstm", "new"} <= {one["voice"] for one in told["alone"]}
    assert {one["voice"]: one["incidents"] for one in told["alone"]}["new"] == len(FAULTS)
    assert 0 < told["incidents"] <= len(FAULTS)
    assert told["calibration"][0]["kind"] == "event"
    hours = told["sources"][0]["days"] * 24
    assert told["sources"][0]["achieved_over_asked"] == pytest.approx(told["incidents"] / hours / 5)


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("source,start,end", "web,2026-01-05T00:00:00Z,2026-01-05T01:00:00Z", "no source is called 'web'"),
        ("source,start,end", "app,2020-01-05T00:00:00Z,2020-01-05T01:00:00Z", "lie outside"),
        ("source,line,label", "app,9999999,1", "physical lines"),
    ],
)
def test_labels_of_something_else_are_refused_with_what_to_do(
    call: Call, log: Path, tmp_path: Path, head: str, row: str, said: str
) -> None:
    code, _, err = call(log, "--labels", labelled(tmp_path, head, [row]))
    assert code == 65
    assert "0% of the 1 labels match" in err
    assert said in err


def test_labels_of_entities_need_an_entity(call: Call, log: Path, tmp_path: Path) -> None:
    labels = labelled(tmp_path, "source,entity,label", ["app,r1,1"])
    code, _, err = call(log, "--labels", labels)
    assert code == 64
    assert "--entity" in err


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--warm", "95%"], 64), (["-o", "x.pdf"], 64), (["--random-split"], 64)]
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    call: Call, log: Path, arguments: list[str], code: int
) -> None:
    assert call(log, *arguments)[0] == code


def test_nothing_to_read_is_no_input(call: Call, tmp_path: Path) -> None:
    assert call(tmp_path / "none.log")[0] == 66
