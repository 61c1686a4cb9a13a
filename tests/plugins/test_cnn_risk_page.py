"""The page of a training: what stands in its tables and drawings."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from logwatch.api import FitReport
from logwatch.cli.train_page import page

FIGURES = {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "caught": 0.25, "lead": 7.4, "brier": 0.1}
REPORT = FitReport(
    "cnn",
    {
        "cnn": FIGURES | {"fault/leak": 0.3, "fault/storm": 0.9},
        "rule": FIGURES | {"auc": math.nan, "fault/leak": 0.6, "fault/storm": math.nan},
    },
    {"cnn": {"roc": ((0.0, 0.0), (1.0, 1.0)), "lead": ((63.0, 0.1), (5.0, 0.4))}, "rule": {}},
    ("a <note>",),
)


def rows(html: str) -> dict[str, list[str]]:
    """Cells of each row of tables as plain text, by the first of them."""
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr class=.*?</tr>", html)]
    return {one[0]: [re.sub(r"<[^>]+>", "", cell) for cell in one[1:]] for one in cells}


def test_each_model_has_its_figures_and_the_one_that_serves_stands_out() -> None:
    html = page(REPORT)
    assert rows(html)["cnn"][1:] == ["0.800", "0.700", "0.900", "25%", "7 s", "0.100"]
    assert rows(html)["rule"][1] == "-"
    assert html.count('class="serves"') == 1
    assert '<tr class="serves"><td>cnn</td>' in html


def test_kinds_of_faults_are_summed_up_and_those_that_chance_does_as_well_are_grey() -> None:
    html = page(REPORT)
    assert rows(html)["leak"] == ["0.300", "0.600"]
    assert rows(html)["storm"] == ["0.900", "-"]
    assert rows(html)["mean"] == ["0.600", "0.600"]
    assert rows(html)["above chance"] == ["1 of 2", "1 of 1"]
    assert html.count('class="poor"') == 1
    assert '<span class="poor">0.300</span>' in html


@pytest.mark.parametrize(("most", "ticks"), [(63.0, "80"), (4.0, "4"), (0.0, "1"), (3601.0, "4000")])
def test_the_axis_of_lead_times_ends_at_a_round_number(most: float, ticks: str) -> None:
    curves = {"cnn": {"lead": ((most, 0.1),)}}
    drawn = page(replace(REPORT, curves=curves)).split("Lead time")[1]
    assert f'text-anchor="middle">{ticks}</text>' in drawn


def test_names_and_notes_cannot_become_markup() -> None:
    html = page(FitReport("<b>", {"<b>": FIGURES | {"fault/<i>": 0.7}}, {}, REPORT.notes))
    assert "a &lt;note&gt;" in html
    for markup in ("<note>", "<b>", "<i>"):
        assert markup not in html
