"""Plasticity in the estimators; tests/test_stdp_core.py has the equations."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor
from reservoirs.encoding import DeltaEncoder, RateEncoder
from reservoirs.lsm import STDP, AstrocyteSTDP, ExponentialSynapse, TsodyksMarkram
from reservoirs.topology import Column

DIGITS = load_digits()
SMALL = {"topology": Column((4, 4, 4)), "input_density": 0.3, "random_state": 0}
FEW = {"n_snapshots": 30}


def liquid(plasticity, **settings):
    return LiquidStateMachine(plasticity=plasticity, encoder=RateEncoder(duration=50.0), **{**SMALL, **settings}).fit(
        DIGITS.data[:20]
    )


def test_all_weights_begin_with_the_bound_and_then_learn():
    before = liquid(AstrocyteSTDP(n_snapshots=0))
    assert set(abs(before.W_.data)) == set(abs(before.W_in_.data)) == {3.0}
    after = liquid(AstrocyteSTDP(**FEW))
    assert len(set(after.W_.data)) > 10
    assert len(set(after.W_in_.data)) > 10
    np.testing.assert_array_equal(after.W_.indices, before.W_.indices)


def test_dales_law_and_bounds_hold_after_learning():
    model = liquid(STDP(a_plus=1.0, a_minus=1.2, w_max=2.0, **FEW), weight=1.0)
    W = sparse.csc_array(model.W_).toarray()
    assert (W[:, model.excitatory_] >= 0).all()
    assert (W[:, ~model.excitatory_] <= 0).all()
    assert abs(W).max() <= 2
    assert abs(model.W_in_.data).max() <= 2


def test_same_seed_same_weights_whatever_the_threads():
    a, b = (liquid(AstrocyteSTDP(**FEW), n_jobs=n) for n in (1, 3))
    np.testing.assert_array_equal(a.W_.data, b.W_.data)
    np.testing.assert_array_equal(a.W_in_.data, b.W_in_.data)
    assert (liquid(AstrocyteSTDP(**FEW), random_state=1).W_.data != a.W_.data[:1]).any()


def test_more_snapshots_than_samples_begin_again():
    assert (liquid(STDP(n_snapshots=45)).W_.data != liquid(STDP(n_snapshots=20)).W_.data).any()


@pytest.mark.parametrize("in_samples", [False, True])
def test_features_depend_on_the_sample_alone(in_samples):
    model = liquid(AstrocyteSTDP(in_samples=in_samples, **FEW), n_jobs=2)
    counts = model.transform(DIGITS.data[:20])
    assert counts.sum() > 0
    np.testing.assert_array_equal(model.transform(DIGITS.data[19::-1]), counts[::-1])
    np.testing.assert_array_equal(model.transform(DIGITS.data[7:8]), counts[7:8])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(DIGITS.data[:20]), counts)
    np.testing.assert_array_equal([r.counts for r in model.simulate(DIGITS.data[:20])], counts)


def test_weights_of_samples_are_forgotten():
    model = liquid(STDP(in_samples=True, **FEW))
    weights = model.W_.data.copy()
    model.transform(DIGITS.data[:20])
    np.testing.assert_array_equal(model.W_.data, weights)
    assert (model.transform(DIGITS.data[:20]) != liquid(STDP(**FEW)).transform(DIGITS.data[:20])).any()


def test_the_astrocyte_brings_the_liquid_to_the_activity_of_its_input():
    def imbalance(plasticity):
        model = liquid(plasticity)
        spikes_in = sum(len(events) for events in model.encoder_.transform(DIGITS.data[:20]))
        return abs(model.transform(DIGITS.data[:20]).sum() / spikes_in - 1)

    assert imbalance(AstrocyteSTDP(w_astro=0.2, n_snapshots=300)) < 0.6 * imbalance(STDP(n_snapshots=300))


def test_sequences_of_numbers_and_of_events_are_learned_from_as_well():
    rng = np.random.default_rng(0)
    series = [rng.uniform(0, 30, (n, 2)).cumsum(axis=0) % 40 for n in (3, 30, 60)]
    for encoder in (None, DeltaEncoder(threshold=5.0)):
        model = LSMRegressor(plasticity=STDP(**FEW), encoder=encoder, features="traces", **SMALL)
        model.fit(series, [0.0, 1.0, 2.0])
        assert np.isfinite(model.predict(series)).all()


def test_classifier_and_nested_parameters():
    model = LSMClassifier(plasticity=AstrocyteSTDP(**FEW), encoder=RateEncoder(duration=50.0), **SMALL)
    model = clone(model).set_params(plasticity__w_astro=0.1, plasticity__normalization="mean", plasticity__sensing=0.5)
    assert model.fit(DIGITS.data[:100], DIGITS.target[:100]).score(DIGITS.data[:100], DIGITS.target[:100]) > 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"plasticity": "stdp"}, "plasticity='stdp' must be None or a rule"),
        ({"plasticity": STDP(a_plus=-1.0)}, "a_plus=-1.0"),
        ({"plasticity": STDP(a_minus=-1.0)}, "a_minus=-1.0"),
        ({"plasticity": STDP(w_max=0.0)}, "w_max=0.0"),
        ({"plasticity": STDP(tau_trace=0.0)}, "tau_trace=0.0"),
        ({"plasticity": STDP(trace_step=-1.0)}, "trace_step=-1.0"),
        ({"plasticity": STDP(sample_decay=1.5)}, "sample_decay=1.5"),
        ({"plasticity": STDP(n_snapshots=1.5)}, "n_snapshots=1.5"),
        ({"plasticity": STDP(snapshot_duration=0.1)}, "snapshot_duration=0.1 is less than 1 step"),
        ({"plasticity": AstrocyteSTDP(w_astro=np.nan)}, "w_astro=nan"),
        ({"plasticity": AstrocyteSTDP(tau_astro=0.5)}, "tau_astro=0.5"),
        ({"plasticity": AstrocyteSTDP(sensing=0.0)}, "sensing=0.0"),
        ({"plasticity": AstrocyteSTDP(normalization="sum")}, "normalization='sum'"),
        ({"plasticity": STDP(), "weight_dtype": "int8"}, "plasticity needs short_term=False and weight_dtype=None"),
        (
            {"plasticity": STDP(), "short_term": TsodyksMarkram(), "synapse": ExponentialSynapse()},
            "plasticity needs short_term=False",
        ),
        ({"plasticity": STDP(), "weight_sign": "random"}, "plasticity needs weight_sign='dale'"),
    ],
)
def test_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        liquid(**settings)


def test_an_astrocyte_out_of_range_poisons_nothing():
    model = liquid(AstrocyteSTDP(w_astro=1e30, in_samples=True, **FEW))
    assert np.isfinite(model.W_.data).all()
    assert np.isfinite(model.transform(DIGITS.data[:5])).all()
