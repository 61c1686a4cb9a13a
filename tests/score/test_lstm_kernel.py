"""The LSTM over ragged runs rounds alike whatever stands beside a run, and wherever it is split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from logwatch.score.lstm_kernel import Kernel, Weights, choose, fused, is_exact, padded, run, stepwise

INPUTS, HIDDEN = 32, 64


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def weights() -> Weights:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4 * HIDDEN, INPUTS), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,))
    drawn = [torch.randn(shape, generator=generator) * 0.2 for shape in shapes]
    return drawn[0], drawn[1], drawn[2], drawn[3]


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("kernel", [choose(INPUTS, HIDDEN), stepwise])
@settings(max_examples=15)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30), cut=st.integers(1, 39))
def test_a_run_gives_the_same_bits_alone_and_in_two_parts(kernel: Kernel, lengths: list[int], cut: int) -> None:
    w, sizes = weights(), np.array(lengths)
    x, h, c = draw(int(sizes.sum()), INPUTS), draw(len(sizes), HIDDEN), draw(len(sizes), HIDDEN)
    with torch.inference_mode():
        after, h_end, c_end = run(kernel, x, sizes, h, c, w)
        key = len(sizes) // 2
        start = int(sizes[:key].sum())
        own = x[start : start + lengths[key]]
        first = own[: min(cut, lengths[key])]
        out, h1, c1 = run(kernel, first, np.array([len(first)]), h[key : key + 1], c[key : key + 1], w)
        if cut < lengths[key]:
            rest, h1, c1 = run(kernel, own[cut:], np.array([lengths[key] - cut]), h1, c1, w)
            out = torch.cat([out, rest])
    assert torch.equal(out, after[start : start + lengths[key]])
    assert torch.equal(h1[0], h_end[key])
    assert torch.equal(c1[0], c_end[key])
    assert torch.equal(h_end[key], out[-1])


def test_both_kernels_compute_the_same_function() -> None:
    x, h, c, w = draw(50, INPUTS), draw(3, HIDDEN), draw(3, HIDDEN), weights()
    lengths = np.array([7, 30, 13])
    with torch.inference_mode():
        for one, other in zip(run(fused, x, lengths, h, c, w), run(stepwise, x, lengths, h, c, w), strict=True):
            assert torch.allclose(one, other, atol=1e-5)


def test_a_kernel_that_rounds_by_width_is_found_out() -> None:
    def careless(x: Tensor, h: Tensor, c: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
        out, hn, cn = stepwise(x, h, c, w)
        return out * (1.0 + 1e-7 * (h.shape[0] % 2)), hn, cn

    with torch.inference_mode():
        assert not is_exact(careless, INPUTS, HIDDEN)
        assert is_exact(stepwise, INPUTS, HIDDEN)


@settings(max_examples=30)
@given(rows=st.integers(1, 1100), columns=st.sampled_from([16, 48, 304]))
def test_products_and_their_softmax_round_alike_on_padded_rows(rows: int, columns: int) -> None:
    h, matrix, bias = draw(1104, HIDDEN), draw(HIDDEN, columns), draw(columns)
    with torch.inference_mode():
        whole = torch.log_softmax(torch.addmm(bias, h, matrix), dim=1)
        part = torch.log_softmax(torch.addmm(bias, h[: padded(rows)], matrix), dim=1)
    assert torch.equal(part, whole[: padded(rows)])


@settings(max_examples=30)
@given(size=st.integers(1, 300))
def test_exponentials_and_logarithms_round_alike_at_every_size(size: int) -> None:
    x = np.random.default_rng(0).normal(-5, 3, 300)
    assert (np.exp(x[:size]) == np.exp(x)[:size]).all()
    assert (np.log(np.exp(x[:size])) == np.log(np.exp(x))[:size]).all()
