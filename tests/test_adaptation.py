"""What all rules of adaptation share: when they run, on what, what they may change, and where what they learn stays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from reservoirs import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, load, save
from reservoirs.adaptation import Adaptation, EIBalance

SEEDED = {"n_units": 20, "random_state": 0, "n_jobs": 1}


class Shift(Adaptation):
    """Adds to all biases, and notes what it has seen."""

    def __init__(self, by=0.1):
        self.by = by

    def adapt(self, network):
        network.bias = network.bias + self.by
        self.seen_ = network.inputs.values.copy()
        self.drawn_ = network.rng.random()
        self.mean_ = network.mean_states()


class Change(Adaptation):
    """Calls a function, which clones share."""

    def __init__(self, how):
        self.how = how

    def adapt(self, network):
        self.how(network)


@pytest.fixture
def u(rng):
    return rng.uniform(-1, 1, (150, 2))


def dense(W):
    return W.toarray() if sparse.issparse(W) else W


def adapted(u, how, **parameters):
    return EchoStateNetwork(adaptation=Change(how), **SEEDED, **parameters).fit(u)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_rule_runs_after_drawing_on_the_training_input(u, dtype):
    plain = EchoStateNetwork(dtype=dtype, **SEEDED).fit(u)
    esn = EchoStateNetwork(adaptation=Shift(0.5), dtype=dtype, **SEEDED).fit(u)
    np.testing.assert_array_equal(esn.W_.toarray(), plain.W_.toarray())
    np.testing.assert_array_equal(esn.bias_, (plain.bias_.astype(float) + 0.5).astype(dtype))
    assert esn.bias_.dtype == dtype
    np.testing.assert_array_equal(esn.adaptation_.seen_, u.astype(dtype))
    np.testing.assert_allclose(esn.adaptation_.mean_, esn.transform(u).mean(axis=0, dtype=float), rtol=1e-6)
    assert not hasattr(esn.adaptation, "mean_")
    np.testing.assert_array_equal(esn.fit_transform(u), esn.transform(u))


def test_rules_run_in_order_with_streams_of_their_own(u):
    esn = EchoStateNetwork(adaptation=[Shift(0.1), Shift(0.2)], **SEEDED).fit(u)
    first, second = esn.adaptation_
    plain = EchoStateNetwork(**SEEDED).fit(u)
    np.testing.assert_array_equal(esn.bias_, plain.bias_ + 0.1 + 0.2)
    assert first.drawn_ != second.drawn_
    assert first.drawn_ == EchoStateNetwork(adaptation=Shift(), **SEEDED).fit(u).adaptation_.drawn_
    assert not np.array_equal(first.mean_, second.mean_)


def test_every_estimator_adapts_before_its_readout(u):
    y, rule = u @ [1.0, -1.0], Shift(0.3)
    regressor = ESNRegressor(adaptation=rule, feedback_scaling=0.1, **SEEDED).fit(u, y)
    np.testing.assert_array_equal(regressor.adaptation_.seen_, np.column_stack([u, np.append(0, y[:-1])]))
    forecaster = ESNForecaster(adaptation=rule, **SEEDED).fit(y)
    standardised = (y - y.mean()) / y.std()
    np.testing.assert_allclose(forecaster.adaptation_.seen_[1:, 0], standardised[:-1])
    classifier = ESNClassifier(adaptation=rule, **SEEDED).fit([u[:50], u[50:90], u[90:]], [0, 1, 0])
    np.testing.assert_array_equal(classifier.adaptation_.seen_, u)
    for model, data in (
        (regressor, (u, y)),
        (forecaster, (y,)),
        (classifier, ([u[:50], u[50:90], u[90:]], [0, 1, 0])),
    ):
        plain = clone(model).set_params(adaptation=None).fit(*data)
        np.testing.assert_allclose(model.bias_, plain.bias_ + 0.3)
        assert not np.array_equal(model.coef_, plain.coef_)


def test_feedback_weights_adapt_too(u):
    def double(network):
        assert network.W_in.shape == (20, 3)
        network.W_in = network.W_in * [1, 1, 2]

    model = ESNRegressor(feedback_scaling=0.1, **SEEDED)
    plain, esn = model.fit(u, u[:, 0]), clone(model).set_params(adaptation=Change(double)).fit(u, u[:, 0])
    np.testing.assert_array_equal(esn.W_in_, plain.W_in_)
    np.testing.assert_array_equal(esn.W_fb_, 2 * plain.W_fb_)


def test_only_the_first_part_adapts(u):
    y = u[:, 0]
    model = ESNRegressor(adaptation=Shift(), washout=0, **SEEDED).partial_fit(u[:100], y[:100])
    bias = model.bias_
    model.partial_fit(u[100:], y[100:])
    np.testing.assert_array_equal(model.bias_, bias)
    np.testing.assert_array_equal(model.adaptation_.seen_, u[:100])


def test_changes_act_from_the_next_run_on(u):
    seen = []

    def climb(network):
        for states, inputs in network.stretches(40):
            seen.append((states, inputs))
            network.bias = network.bias + 1

    two = [u[:70], u[70:]]
    esn = EchoStateNetwork(adaptation=Change(climb), **SEEDED).fit(two)
    assert [len(states) for states, _ in seen] == [40, 30, 40, 40]
    np.testing.assert_array_equal(np.concatenate([inputs for _, inputs in seen]), u)
    plain = EchoStateNetwork(**SEEDED).fit(u)
    np.testing.assert_array_equal(seen[0][0], plain.transform(u[:40]))
    x = seen[0][0][-1]
    expected = np.tanh(plain.W_ @ x + plain.W_in_ @ u[40] + plain.bias_ + 1)
    np.testing.assert_allclose(seen[1][0][0], expected, atol=1e-14)
    np.testing.assert_array_equal(esn.bias_, plain.bias_ + 1 + 1 + 1 + 1)


def test_a_network_runs_on_where_it_stopped(u):
    def check(network):
        whole, end = network.run(u)
        first, middle = network.run(u[:30])
        second, last = network.run(u[30:], middle)
        np.testing.assert_array_equal(np.concatenate([first, second]), whole)
        np.testing.assert_array_equal(last, end)

    adapted(u, check, n_layers=2)


def test_blocks_leave_the_washout_out(u):
    def check(network):
        rows = [(states.copy(), inputs) for states, inputs in network.blocks()]
        seen = np.concatenate([inputs for _, inputs in rows])
        np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(np.concatenate([u[10:50], u[60:]]), axis=0))
        assert [states.shape for states, _ in rows] == [(130, 20)]

    EchoStateNetwork(adaptation=Change(check), washout=10, features="states+input", **SEEDED).fit([u[:50], u[50:]])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_links_keep_their_signs(u, rng, form):
    signs = np.where(np.arange(20) < 15, 1.0, -1.0)
    drawn = (rng.random((20, 20)) < 0.3) * rng.uniform(0.5, 1, (20, 20)) * signs
    drawn += np.diag(0.1 * signs)  # a source without links has no sign

    def turn_over(network):
        W = network.W.toarray()
        network.W = -W
        assert not network.W.data.any()
        network.W = 2 * W  # a weight that was 0 for a while may grow again
        np.testing.assert_array_equal(network.W.toarray(), 2 * W)
        network.W = network.W.toarray() + rng.standard_normal((20, 20))
        with pytest.raises(ValueError, match="read-only"):
            network.W.data *= -1

    esn = adapted(u, turn_over, topology=form(drawn), spectral_radius=None)
    W = dense(esn.W_)
    assert (W * signs >= 0).all()
    assert np.count_nonzero(W[drawn == 0]) > 50
    assert type(esn.W_) is type(form(drawn))
    np.testing.assert_array_equal(dense(esn.W_exc_) - dense(esn.W_inh_), W)
    assert dense(esn.W_exc_).min() >= 0
    assert dense(esn.W_inh_).min() >= 0


def test_new_links_of_sources_with_both_signs_are_free(u):
    esn = adapted(u, lambda network: setattr(network, "W", network.W.toarray() - 10.0))
    drawn = EchoStateNetwork(**SEEDED).fit(u).W_.toarray()
    np.testing.assert_array_equal(esn.W_.toarray()[drawn < 0], drawn[drawn < 0] - 10)
    assert not esn.W_.toarray()[drawn > 0].any()
    mixed = (drawn > 0).any(axis=0) & (drawn < 0).any(axis=0)
    assert (esn.W_.toarray()[:, mixed][drawn[:, mixed] == 0] == -10).all()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda n: setattr(n, "bias", n.bias[1:]), r"gave bias the shape \(19,\); expected \(20,\)"),
        (lambda n: setattr(n, "W_in", n.W_in.T), r"gave W_in the shape \(2, 20\); expected \(20, 2\)"),
        (lambda n: setattr(n, "W", np.eye(3)), r"gave W the shape \(3, 3\); expected \(20, 20\)"),
        (lambda n: setattr(n, "W", n.W * np.inf), "W is no longer finite: the adaptation diverged"),
        (lambda n: setattr(n, "leak_rate", n.leak_rate * np.nan), "leak_rate is no longer finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_what_a_rule_cannot_mean(u, how, message):
    esn = EchoStateNetwork(**SEEDED).fit(u)
    before = vars(esn).copy()
    with pytest.raises(ValueError, match=message):
        esn.set_params(adaptation=Change(how)).fit(u)
    assert {**vars(esn), "adaptation": None} == before


@pytest.mark.parametrize("adaptation", ["balance", Shift, [Shift(), None], 3])
def test_what_is_no_rule(u, adaptation):
    with pytest.raises(ValueError, match=r"must be None, a rule of reservoirs\.adaptation, or a list"):
        EchoStateNetwork(adaptation=adaptation, **SEEDED).fit(u)


def test_parameters_of_rules_are_reached(u):
    one = ESNRegressor(adaptation=Shift(), **SEEDED)
    assert clone(one.set_params(adaptation__by=0.7)).adaptation.by == 0.7
    many = ESNRegressor(adaptation=[Shift(), Shift()], **SEEDED)
    assert many.get_params()["adaptation__1__by"] == 0.1
    assert "adaptation__1__by" not in many.get_params(deep=False)
    copy = clone(many).set_params(adaptation__1__by=0.9, n_units=30)
    assert [rule.by for rule in copy.adaptation] == [0.1, 0.9]
    assert [rule.by for rule in many.adaptation] == [0.1, 0.1]
    with pytest.raises(ValueError, match="has no rule 2"):
        many.set_params(adaptation__2__by=0)
    with pytest.raises(ValueError, match="Invalid parameter 'rate'"):
        many.set_params(adaptation__0__rate=0)
    search = GridSearchCV(many, {"adaptation__0__by": [0.0, 5.0]}, cv=TimeSeriesSplit(2)).fit(u, np.roll(u[:, 0], 1))
    assert search.best_params_ == {"adaptation__0__by": 0.0}
    pipeline = make_pipeline(EchoStateNetwork(adaptation=[Shift()], **SEEDED), Ridge())
    assert (
        pipeline.set_params(echostatenetwork__adaptation__0__by=3).get_params()["echostatenetwork__adaptation__0__by"]
        == 3
    )


def test_copies_files_and_export(u, tmp_path):
    signed = np.where(np.arange(20) < 16, 0.25, -1.0) * np.ones((20, 1))
    model = ESNRegressor(
        topology=signed, spectral_radius=None, activation="sigmoid", adaptation=[EIBalance(0.4)], random_state=0
    ).fit(u, u[:, 0])
    save(model, tmp_path / "model.npz")
    for other in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.npz")):
        np.testing.assert_array_equal(other.predict(u), model.predict(u))
        np.testing.assert_array_equal(other.adaptation_[0].local_balance_, model.adaptation_[0].local_balance_)
        assert other.adaptation[0].target_rate == 0.4
