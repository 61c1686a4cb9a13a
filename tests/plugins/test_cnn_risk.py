"""The risk plugin: what it learns, what drives its answers, and what it answers where the weights do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from logwatch.api import FitReport, LabelledWindow, MetricWindow, Risk
from logwatch.testing import conforms
from logwatch_cnn_risk.election import CNN, ROWS, Recipe
from logwatch_cnn_risk.frames import frames
from logwatch_cnn_risk.models import LOGISTIC, NAMES, RULE
from logwatch_cnn_risk.networks import Schooling
from logwatch_cnn_risk.plugin import CnnRisk, Config
from logwatch_cnn_risk.train import fit
from logwatch_cnn_risk.weights import SHIPPED, load, save, shipped_names
from tests.plugins import deployments_made as made

SHORT = Schooling(epochs=6, rate=5e-3)
QUICK = Recipe(4, SHORT, replace(SHORT, rows=0.2), replace(SHORT, epochs=12, batch=32), {CNN: 1, ROWS: 1})


def quiet(share: float, what: str) -> None:
    assert 0 <= share <= 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FitReport]:
    out = tmp_path_factory.mktemp("weights") / "risk.safetensors"
    return out, fit(made.windows(), out, made.HORIZON, 0, quiet, QUICK)


@pytest.fixture
def weights(trained: tuple[Path, FitReport]) -> Path:
    return trained[0]


@pytest.fixture
def bad() -> MetricWindow:
    return next(one.window for one in reversed(made.windows()) if one.failing)


@pytest.fixture
def good() -> MetricWindow:
    return next(one.window for one in made.windows() if one.deployment == "d3")


def asked(weights: Path | None, window: MetricWindow, model: str = "best") -> Risk:
    found = CnnRisk(Config.model_validate({"weights": weights, "model": model})).assess(window)
    assert found is not None
    return found


def test_every_model_is_judged_on_deployments_that_it_has_not_seen(trained: tuple[Path, FitReport]) -> None:
    _, report = trained
    assert tuple(report.models) == NAMES
    assert report.models[report.serves]["auc"] > 0.9
    assert {f"fault/{fault}" for fault in made.FAULTS} <= set(report.models[CNN])
    assert set(report.curves[report.serves]) == {"roc", "pr", "calibration", "lead"}


def test_training_is_the_same_again(trained: tuple[Path, FitReport], tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    report = fit(made.windows(), again, made.HORIZON, 0, quiet, QUICK)
    assert repr(report) == repr(trained[1])
    assert again.read_bytes() == trained[0].read_bytes()


@pytest.mark.parametrize("model", NAMES)
def test_every_model_tells_a_leak_from_calm_and_names_the_metric(
    weights: Path, bad: MetricWindow, good: MetricWindow, model: str
) -> None:
    found = asked(weights, bad, model)
    assert found.probability > asked(weights, good, model).probability
    assert found.horizon == made.HORIZON
    assert found.drivers[0][0] == "memory"
    assert model in found.detail


@pytest.mark.parametrize("model", NAMES)
def test_heat_stands_where_the_metric_that_drove_it_stands(weights: Path, bad: MetricWindow, model: str) -> None:
    heat = asked(weights, bad, model).heat
    assert heat is not None
    assert heat.shape == bad.values.shape
    assert heat.max() <= 1
    assert heat.min() >= 0
    assert int(heat.sum(axis=1).argmax()) == bad.metrics.index("memory")


@pytest.mark.parametrize("model", [CNN, ROWS, LOGISTIC])
def test_rows_in_another_order_say_the_same(weights: Path, bad: MetricWindow, model: str) -> None:
    order = [2, 0, 3, 1]
    assert bad.past is not None
    metrics = tuple(bad.metrics[at] for at in order)
    other = replace(bad, metrics=metrics, values=bad.values[order], past=bad.past[order])
    first, second = asked(weights, bad, model), asked(weights, other, model)
    assert first.probability == pytest.approx(second.probability, abs=1e-6)
    assert [name for name, _ in first.drivers] == [name for name, _ in second.drivers]
    assert first.heat is not None
    assert second.heat is not None
    np.testing.assert_allclose(first.heat[order], second.heat, atol=1e-5)


def test_some_metrics_of_training_may_be_missing_and_others_may_be_there(weights: Path, bad: MetricWindow) -> None:
    metrics = ("disk", "memory", "waiting", "written")
    found = asked(weights, replace(bad, metrics=metrics), CNN)
    assert "1 of its 4 metrics are missing" in found.detail
    assert "by the model cnn" in found.detail


def test_other_metrics_are_judged_by_the_rule_which_says_so(weights: Path, bad: MetricWindow) -> None:
    found = asked(weights, replace(bad, metrics=("a", "b", "c", "memory")), CNN)
    assert "by the rule" in found.detail
    assert "1 of the 4 metrics of training are there" in found.detail
    assert found.drivers[0][0] == "b"  # where memory stood


def test_of_metrics_that_it_has_not_seen_the_row_shared_network_speaks_beside_the_rule(weights: Path) -> None:
    models = load(weights).models
    names = ("a", "b", "c", "d")
    other = frames([replace(one.window, metrics=names) for one in made.windows()], names, models.columns)
    unknown = models.unscaled(names)
    p, scores = unknown.probabilities(other, (ROWS,)), unknown.scores(other, (ROWS, RULE))
    each = [unknown.platt[name].logit(scores[name]) for name in (ROWS, RULE)]
    np.testing.assert_allclose(np.log(p[ROWS] / (1 - p[ROWS])), (each[0] + each[1]) / 2, atol=1e-3)
    assert tuple(p) == (ROWS,)


def test_windows_of_another_length_are_judged_by_the_rule_which_says_so(weights: Path, bad: MetricWindow) -> None:
    found = asked(weights, replace(bad, step=60 * made.SECOND), CNN)
    assert "training had windows of 16 s, this one has 960 s" in found.detail


def test_without_weights_the_rule_answers(bad: MetricWindow, good: MetricWindow) -> None:
    found = asked(None, bad)
    assert "no weights were given" in found.detail
    assert found.probability > asked(None, good).probability
    with pytest.raises(ValueError, match="needs weights"):
        CnnRisk(Config(model="cnn"))


def test_shipped_weights_stand_in_where_their_metrics_are_there(bad: MetricWindow) -> None:
    names = tuple(sorted(shipped_names()))
    assert len(names) > 40
    rng = np.random.default_rng(0)
    own = MetricWindow("shop", names, made.START, made.SECOND // 2, rng.random((len(names), 120)).astype(np.float32))
    first = asked(None, own)
    assert "by the model" in first.detail
    assert first.horizon == 60
    other = CnnRisk(Config())
    for window in (own, bad):  # an answer depends on its window alone
        assert other.assess(window) == asked(None, window)
    assert "by the rule" in asked(None, own, "rule").detail


def test_shipped_weights_say_what_they_are() -> None:
    with safe_open(SHIPPED, "np") as file:
        assert "152 deployments" in json.loads(file.metadata()["head"])["card"]
    card = SHIPPED.with_suffix(".md").read_text()
    for said in ("Data", "Split", "Figures", "Limits"):
        assert f"## {said}" in card


def test_shipped_weights_are_the_bytes_that_training_writes_today(tmp_path: Path) -> None:
    with safe_open(SHIPPED, "np") as file:
        said = json.loads(file.metadata()["head"])["card"]
    save(load(SHIPPED), tmp_path / "again.safetensors", said)
    assert (tmp_path / "again.safetensors").read_bytes() == SHIPPED.read_bytes()


def test_weights_are_for_whoever_may_read_other_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    save(load(SHIPPED), tmp_path / "risk.safetensors")
    assert (tmp_path / "risk.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_too_few_samples_and_no_metrics_have_no_answer(weights: Path, bad: MetricWindow) -> None:
    values = bad.values.copy()
    values[:, :4] = np.nan
    nothing = replace(bad, metrics=(), values=np.zeros((0, made.STEPS), np.float32))
    for one in (replace(bad, values=values), nothing):
        assert CnnRisk(Config(weights=weights)).assess(one) is None


@pytest.mark.parametrize("model", NAMES)
def test_it_keeps_the_contract(weights: Path, model: str) -> None:
    some = [one.window for one in made.windows()[:4]]
    conforms(CnnRisk, some, weights=weights, model=model)


def test_without_weights_it_keeps_the_contract() -> None:
    conforms(CnnRisk)


CNN_FIRST = "cnn.members.0.first"


def changed(weights: Path, out: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """Weights with another head, or other arrays."""
    with safe_open(weights, "pt") as file:
        head = json.loads(file.metadata()["head"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    change(head, tensors)
    save_file(tensors, out, {"head": json.dumps(head)})
    return out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head, tensors: tensors.update(scale=tensors["scale"][:3]), "do not fit together"),
        (
            lambda head, tensors: tensors.update({f"{CNN_FIRST}.weight": tensors[f"{CNN_FIRST}.weight"][:1]}),
            "do not fit",
        ),
        (lambda head, tensors: tensors.pop("row-shared.members.0.row.bias"), "do not fit together"),
        (lambda head, tensors: tensors.update(scale=tensors["scale"] * np.nan), "not finite"),
        (lambda head, tensors: tensors.update(trends=tensors["trends"][:, :2].contiguous()), "do not fit together"),
        (lambda head, tensors: head["builds"].update(cnn="oracle"), "do not fit together"),
        (lambda head, tensors: head["parts"].update(cnn=10**6), "do not fit together"),
        (lambda head, tensors: head.update(wide=10**9), "out of bounds"),
        (lambda head, tensors: head.update(metrics=["cpu"] * 4), "out of bounds"),
        (lambda head, tensors: head.update(serves="oracle"), "do not fit together"),
        (lambda head, tensors: head.update(horizon=-1), "do not fit together"),
        (lambda head, tensors: head.update(version="1"), "version 1"),
        (lambda head, tensors: head.update(format="other"), "no weights of the risk plugin"),
        (lambda head, tensors: head.pop("platt"), "do not fit together"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    weights: Path, tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None], said: str
) -> None:
    wrong = changed(weights, tmp_path / "wrong.safetensors", change)
    with pytest.raises(ValueError, match=said) as error:
        load(wrong)
    assert "wrong.safetensors" in str(error.value)


@pytest.mark.parametrize("kept", [0, 4, 100, -10])
def test_a_truncated_file_is_refused(weights: Path, tmp_path: Path, kept: int) -> None:
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ValueError, match="no safetensors file, or a damaged one"):
        load(torn)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    import torch

    trap = tmp_path / "trap.safetensors"
    torch.save({"scale": torch.zeros(3)}, trap)
    with pytest.raises(ValueError, match="no safetensors file"):
        load(trap)


def few(keep: Callable[[LabelledWindow], bool]) -> list[LabelledWindow]:
    return [one for one in made.windows() if keep(one)]


@pytest.mark.parametrize(
    ("some", "said"),
    [
        (few(lambda one: not one.fault), "0 deployments that failed"),
        (few(lambda one: bool(one.fault)), "and 0 that did not"),
        (few(lambda one: one.deployment in ("d0", "d1", "d2", "d3")), "training needs 5 and 5"),
        ([replace(one, group="all") for one in made.windows()], "none can be held out"),
        ([], "no window has enough samples"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(some: list[LabelledWindow], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        fit(some, tmp_path / "x.safetensors", made.HORIZON, 0, quiet, QUICK)
    assert not (tmp_path / "x.safetensors").exists()


def test_the_rule_serves_and_is_said_to_do_as_well_where_labels_are_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    some = [replace(one, failing=bool(one.fault) and bool(rng.random() < 0.5)) for one in made.windows()]
    calm = [
        replace(one, window=replace(one.window, values=rng.normal(size=(4, 16)).astype(np.float32))) for one in some
    ]
    report = fit(calm, tmp_path / "x.safetensors", made.HORIZON, 0, quiet, QUICK)
    assert any("the rule does as well" in note for note in report.notes)
    assert RULE in report.models
