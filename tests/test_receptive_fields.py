from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from reservoirs import LiquidStateMachine
from reservoirs.encoding import Events, RateEncoder
from reservoirs.topology import ErdosRenyi, ReceptiveFields


def drawn(fields, examples, n_units, seed=0):
    return fields.synapses(examples, n_units, np.random.default_rng(seed)).toarray()


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(2, 9), st.integers(2, 9)),
    sizes=st.tuples(st.integers(1, 5), st.integers(0, 6)),
    weights=st.sampled_from(["samples", "normal"]),
    seed=st.integers(0, 99),
)
def test_fields_are_rectangles_of_samples_less_their_mean(shape, sizes, weights, seed):
    size = (sizes[0], sum(sizes))
    examples = np.random.default_rng(seed).uniform(0.5, 1, (7, np.prod(shape)))
    for i, row in enumerate(drawn(ReceptiveFields(shape, size, weights), examples, 12, seed)):
        field = row.reshape(shape)
        inside = field.any(axis=0)
        if not inside.any():  # a single pixel has no contrast
            assert (shape[0], size[0]) == (1, 1)
            continue
        lengths = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
        box = np.ix_(*(np.arange(each[0], each[-1] + 1) for each in lengths))
        assert inside[box].all()
        assert inside.sum() == inside[box].size
        for length, most in zip(inside[box].shape, shape[1:], strict=True):
            assert min(size[0], most) <= length <= size[1]
        assert_allclose(row.sum(), 0, atol=1e-12)
        assert_allclose((row**2).sum(), 1)
        if weights == "samples":
            piece = examples[i % 7].reshape(shape)[:, *box]
            piece = piece - piece.mean()
            assert_allclose(field[:, *box], piece / np.linalg.norm(piece), atol=1e-12)


def test_fields_hold_an_active_input():
    examples = np.zeros((3, 100))
    examples[:, 37] = 5.0
    assert (drawn(ReceptiveFields((10, 10), (2, 5)), examples, 50)[:, 37] > 0).all()


def test_samples_without_contrast_give_no_weights():
    for value in (0.0, 0.3):
        assert_array_equal(drawn(ReceptiveFields((4, 4), (2, 3)), np.full((2, 16), value), 5), 0)


def test_normal_weights_do_not_depend_on_samples():
    fields = ReceptiveFields((4, 4), (2, 3), "normal")
    assert_array_equal(drawn(fields, np.zeros((2, 16)), 5), drawn(fields, np.ones((3, 16)), 5))


def test_liquids_read_all_kinds_of_input(rng):
    X = rng.uniform(0, 1, (6, 36))
    recordings = [
        Events.from_arrays(np.sort(rng.integers(0, 9000, 40)), rng.integers(36, size=40), shape=(6, 6), duration=10_000)
        for _ in range(6)
    ]
    for encoder, data in ((RateEncoder(20.0), X), (None, X[:, None]), (None, recordings)):
        liquid = LiquidStateMachine(
            topology=ErdosRenyi(20, 0.1),
            encoder=encoder,
            input_topology=ReceptiveFields((6, 6), (2, 4)),
            input_weight={"exc": 5.0, "inh": 3.0},
            random_state=0,
        ).fit(data)
        norms = np.sqrt((liquid.W_in_.toarray() ** 2).sum(axis=1))
        assert_allclose(norms, [5.0] * 16 + [3.0] * 4, rtol=1e-6)


def test_the_preset_reads_images():
    X = np.random.default_rng(0).uniform(0, 1, (3, 1, 784))
    liquid = LiquidStateMachine("receptive-fields-8000", row_duration=20.0, random_state=0)
    counts = liquid.fit_transform(X)
    assert counts.shape == (3, 8000)
    assert 0.2 < (counts > 0).mean() < 0.8
    # False takes the wiring of the preset away: 15 % of all pairs.
    assert liquid.set_params(input_topology=False).fit(X).W_in_.nnz == int(0.15 * 784 * 8000)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (ReceptiveFields((4, 5)), r"shape=\(4, 5\) must be .* of 16 inputs in all"),
        (ReceptiveFields(16), "shape=16 must be"),
        (ReceptiveFields((4, 4, 0)), "shape=.* must be"),
        (ReceptiveFields((4, 4), (5, 4)), r"size=\(5, 4\) must be two integers"),
        (ReceptiveFields((4, 4), 3), "size=3 must be two integers"),
        (ReceptiveFields((4, 4), (0, 3)), r"size=\(0, 3\) must be two integers"),
        (ReceptiveFields((4, 4), weights="all"), "weights='all' is not one of"),
    ],
)
def test_errors(fields, message):
    with pytest.raises(ValueError, match=message):
        drawn(fields, np.ones((2, 16)), 3)
