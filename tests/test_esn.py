"""The echo-state transformer, regressor and classifier against what plain NumPy makes of their weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC

from reservoirs import EchoStateNetwork, ESNClassifier, ESNRegressor
from reservoirs.esn import _harvest
from reservoirs.topology import spectral_radius

SEEDED = {"n_units": 20, "random_state": 0, "n_jobs": 1}
ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "identity": lambda x: x,
}


def dense(W):
    return W.toarray() if sparse.issparse(W) else W


def numpy_states(esn, inputs, feedback=None):
    """Step one layer in NumPy."""
    W, x, states = dense(esn.W_), np.zeros(len(esn.W_in_)), []
    for t, u in enumerate(inputs):
        drive = W @ x + esn.W_in_ @ u + esn.bias_
        if feedback is not None and t:
            drive += esn.W_fb_ @ feedback[t - 1]
        x = (1 - esn.leak_rate_) * x + esn.leak_rate_ * ACTIVATIONS[esn.activation](drive)
        states.append(x)
    return np.array(states)


@pytest.fixture
def u(rng):
    return rng.uniform(-1, 1, (60, 2))


@pytest.fixture
def ragged(rng):
    return [rng.uniform(-1, 1, (n, 2)) for n in (30, 12, 45, 30)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("leak_rate", [1.0, 0.3, np.linspace(0.1, 1, 20)], ids=["none", "one", "per unit"])
def test_states_follow_the_equation(u, activation, leak_rate):
    esn = EchoStateNetwork(activation=activation, leak_rate=leak_rate, **SEEDED).fit(u)
    np.testing.assert_array_equal(esn.leak_rate_, np.broadcast_to(leak_rate, 20))
    np.testing.assert_allclose(esn.transform(u), numpy_states(esn, u), atol=1e-12)


def test_each_sequence_starts_from_zero(u, ragged):
    esn = EchoStateNetwork(**SEEDED).fit(u)
    for one, many in zip(ragged, esn.transform(ragged), strict=True):
        np.testing.assert_array_equal(many, esn.transform(one))
    stack = np.stack([ragged[0], ragged[3]])
    np.testing.assert_array_equal(esn.transform(stack), np.stack([esn.transform(x) for x in stack]))
    assert [x.shape for x in esn.transform([u])] == [(60, 20)]


def test_fit_sees_only_the_width(u, ragged):
    one, other = EchoStateNetwork(**SEEDED).fit(u), EchoStateNetwork(**SEEDED).fit(ragged)
    np.testing.assert_array_equal(one.transform(u), other.transform(u))
    np.testing.assert_array_equal(one.transform(u), EchoStateNetwork(**SEEDED).fit_transform(u))


def test_washout_drops_the_first_rows(u, ragged):
    whole, short = EchoStateNetwork(**SEEDED).fit(u), EchoStateNetwork(washout=7, **SEEDED).fit(u)
    np.testing.assert_array_equal(short.transform(u), whole.transform(u)[7:])
    for a, b in zip(short.transform(ragged), whole.transform(ragged), strict=True):
        np.testing.assert_array_equal(a, b[7:])
    assert [len(x) for x in EchoStateNetwork(washout=20, **SEEDED).fit_transform(ragged)] == [10, 0, 25, 10]


def test_auto_washout_is_learned_by_the_fit(u, ragged):
    esn = EchoStateNetwork(washout="auto", **SEEDED).fit(u)
    assert esn.washout_ == 6
    assert [len(x) for x in esn.transform(ragged)] == [24, 6, 39, 24]
    assert EchoStateNetwork(washout="auto", **SEEDED).fit(np.zeros((5000, 1))).washout_ == 100
    assert EchoStateNetwork(washout="auto", **SEEDED).fit(ragged).washout_ == 1


def test_stretches_of_time_leave_no_seam(u, ragged, monkeypatch):
    esn = EchoStateNetwork(features="states+input+squares", washout=3, state_noise=0.1, **SEEDED)
    model = ESNRegressor(washout=3, **SEEDED).fit(ragged, [x[:, 0] for x in ragged])
    expected, predicted = esn.fit_transform(ragged), model.predict(ragged)
    monkeypatch.setattr(_harvest, "_WORK_A_CALL", 9 * esn._network_.work)
    monkeypatch.setattr(_harvest, "_ROWS_A_BLOCK", 5)
    monkeypatch.setattr(_harvest, "_SEQUENCES_TOGETHER", 3)
    for a, b in zip(esn.fit_transform(ragged), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.predict(ragged), predicted, strict=True):
        np.testing.assert_array_equal(a, b)
    cut = ESNRegressor(washout=3, **SEEDED).fit(ragged, [x[:, 0] for x in ragged])
    np.testing.assert_allclose(cut.predict(u), model.predict(u), atol=1e-8)


def test_sequences_go_side_by_side_however_large_their_steps(monkeypatch):
    # One by one, each step of each sequence would read all weights from memory again.
    X = np.random.default_rng(0).uniform(-1, 1, (64, 5, 1))
    esn = EchoStateNetwork(**SEEDED).fit(X)
    expected, widths = esn.transform(X), []
    harvest = _harvest._Window.harvest
    monkeypatch.setattr(_harvest, "_WORK_A_CALL", 1)
    monkeypatch.setattr(
        _harvest._Window, "harvest", lambda self, *args: widths.append(len(self.runs)) or harvest(self, *args)
    )
    np.testing.assert_array_equal(esn.transform(X), expected)
    assert widths == [64] * 5


def test_features_come_in_the_documented_order(u):
    def features(names):
        return EchoStateNetwork(features=names, **SEEDED).fit_transform(u)

    x = features("states")
    np.testing.assert_array_equal(features("states+input"), np.hstack([x, u]))
    np.testing.assert_array_equal(features("states+squares"), np.hstack([x, x**2]))
    np.testing.assert_array_equal(features("states+input+squares"), np.hstack([x, u, x**2]))


def test_inputs_have_scales_of_their_own(u):
    one, two = (EchoStateNetwork(input_scaling=scale, **SEEDED).fit(u) for scale in (1.0, [0.5, 3.0]))
    np.testing.assert_allclose(two.W_in_, one.W_in_ * [0.5, 3.0], rtol=1e-15)
    assert 0.8 < np.abs(one.W_in_).max() <= 1
    assert (EchoStateNetwork(input_scaling=0.0, **SEEDED).fit(u).W_in_ == 0).all()
    assert 0.3 < np.abs(EchoStateNetwork(bias_scaling=0.5, **SEEDED).fit(u).bias_).max() <= 0.5


@pytest.mark.parametrize("connectivity", [1, 4, 0.25, 1.0])
def test_links(u, connectivity):
    esn = EchoStateNetwork(connectivity=connectivity, spectral_radius=0.7, **SEEDED).fit(u)
    links = connectivity if isinstance(connectivity, int) else round(connectivity * 20)
    assert ((dense(esn.W_) != 0).sum(axis=1) == links).all()
    assert spectral_radius(esn.W_) == pytest.approx(0.7, rel=1e-6)


def test_radius_may_be_left_alone(u):
    drawn = EchoStateNetwork(spectral_radius=None, **SEEDED).fit(u).W_
    scaled = EchoStateNetwork(spectral_radius=0.5, **SEEDED).fit(u).W_
    assert 0.9 < np.abs(drawn.data).max() <= 1
    np.testing.assert_allclose(scaled.data, drawn.data * 0.5 / spectral_radius(drawn), rtol=1e-7)


@pytest.mark.parametrize("name", ["cycle", "delay_line"])
def test_simple_topologies(u, name):
    esn = EchoStateNetwork(topology=name, spectral_radius=0.8, input_scaling=[0.3, 2.0], **SEEDED).fit(u)
    expected = 0.8 * np.eye(20, k=-1)
    expected[0, -1] = 0.8 * (name == "cycle")
    np.testing.assert_array_equal(esn.W_.toarray(), expected)
    np.testing.assert_array_equal(np.abs(esn.W_in_), np.tile([0.3, 2.0], (20, 1)))
    np.testing.assert_allclose(esn.transform(u), numpy_states(esn, u), atol=1e-12)
    assert EchoStateNetwork(topology=name, spectral_radius=None, **SEEDED).fit(u).W_.max() == 1


@pytest.mark.parametrize(
    "form", [np.asarray, np.asfortranarray, np.ndarray.tolist, sparse.csr_matrix, sparse.coo_array]
)
def test_a_given_matrix(u, rng, form):
    W = rng.standard_normal((7, 7)) * (rng.random((7, 7)) < 0.4)
    esn = EchoStateNetwork(topology=form(W), spectral_radius=None, random_state=0).fit(u)
    np.testing.assert_array_equal(dense(esn.W_), W)
    np.testing.assert_allclose(esn.transform(u), numpy_states(esn, u), atol=1e-12)
    scaled = EchoStateNetwork(topology=form(W), spectral_radius=0.3, random_state=0).fit(u)
    assert spectral_radius(scaled.W_) == pytest.approx(0.3, rel=1e-6)
    np.testing.assert_array_equal(clone(scaled).fit_transform(u), scaled.transform(u))


@pytest.mark.parametrize("connectivity", [3, 0.5])
def test_layers_read_the_layer_below(u, connectivity):
    esn = EchoStateNetwork(n_layers=3, connectivity=connectivity, leak_rate=0.6, **SEEDED).fit(u)
    W = dense(esn.W_).reshape(3, 20, 3, 20).swapaxes(1, 2)
    assert esn.transform(u).shape == (60, 60)
    below, inputs = u, esn.W_in_
    for layer in range(3):
        x, states = np.zeros(20), []
        bias = esn.bias_[20 * layer : 20 * (layer + 1)]
        for row in below:
            x = 0.4 * x + 0.6 * np.tanh(W[layer, layer] @ x + inputs @ row + bias)
            states.append(x)
        np.testing.assert_allclose(esn.transform(u)[:, 20 * layer : 20 * (layer + 1)], states, atol=1e-12)
        if layer < 2:
            below, inputs = np.array(states), W[layer + 1, layer]
            assert ((inputs != 0).sum(axis=1) == (3 if connectivity == 3 else 10)).all()
    for i, j in [(0, 1), (0, 2), (1, 2), (2, 0)]:
        assert (W[i, j] == 0).all()


def test_feedback_is_the_output_of_the_step_before(u, rng, ragged):
    y = rng.standard_normal((60, 3))
    esn = EchoStateNetwork(feedback_scaling=0.5, **SEEDED).fit(u, y)
    assert esn.W_fb_.shape == (20, 3)
    assert 0.3 < np.abs(esn.W_fb_).max() <= 0.5
    np.testing.assert_allclose(esn.transform(u, y), numpy_states(esn, u, y), atol=1e-12)
    targets = [rng.standard_normal((len(x), 3)) for x in ragged]
    for x, target, states in zip(ragged, targets, esn.transform(ragged, targets), strict=True):
        np.testing.assert_allclose(states, numpy_states(esn, x, target), atol=1e-12)
    assert not hasattr(EchoStateNetwork(**SEEDED).fit(u, y), "W_fb_")


def test_state_noise_is_for_fits_only(u):
    quiet, noisy = EchoStateNetwork(**SEEDED), EchoStateNetwork(state_noise=0.1, **SEEDED)
    expected = quiet.fit_transform(u)
    assert 0.05 < np.std(noisy.fit_transform(u)[0] - expected[0]) < 0.2
    np.testing.assert_array_equal(noisy.transform(u), expected)
    np.testing.assert_array_equal(noisy.fit_transform(u), clone(noisy).fit_transform(u))


@pytest.mark.parametrize("given", ["float32", "float64"])
@pytest.mark.parametrize("asked", [None, "float32", np.float64, np.dtype("float32")])
def test_precision(u, given, asked):
    X, expected = u.astype(given), np.dtype(given if asked is None else asked)
    esn = EchoStateNetwork(dtype=asked, **SEEDED).fit(X)
    assert esn.transform(X).dtype == esn.W_.dtype == esn.W_in_.dtype == expected
    model = ESNRegressor(dtype=asked, **SEEDED).fit(X, X[:, 0])
    assert model.predict(X).dtype == expected
    assert model.coef_.dtype == np.float64
    assert model.predict(u).dtype == model.predict(u.astype(np.float32)).dtype == expected


def test_streams_give_the_bits_of_the_batch(u, rng):
    y = rng.standard_normal((60, 2))
    esn = EchoStateNetwork(features="states+input+squares", n_layers=2, **SEEDED).fit(u)
    free = ESNRegressor(feedback_scaling=0.3, **SEEDED).fit(u, y)
    for stream, expected in [
        (esn.stream(), esn.transform(u)),
        (free.stream(), free.predict(u)),
        (ESNRegressor(**SEEDED).fit(u, y).stream(), ESNRegressor(**SEEDED).fit(u, y).predict(u)),
    ]:
        np.testing.assert_array_equal([stream.step(row) for row in u], expected)
        stream.reset()
        np.testing.assert_array_equal([stream.step(row) for row in u[:9]], expected[:9])
    stream = esn.stream()
    stream.state = esn.transform(u)[29, :40]
    np.testing.assert_array_equal(stream.step(u[30]), esn.transform(u)[30])
    np.testing.assert_array_equal(stream.state, esn.transform(u)[30, :40])


# Regression


def ridge(features, y, alpha):
    model = Ridge(alpha, solver="cholesky").fit(features, y)
    return model.coef_, model.intercept_


@pytest.mark.parametrize("washout", [0, 9])
def test_regression_is_ridge_on_the_states(u, rng, washout):
    y = rng.standard_normal((60, 3))
    model = ESNRegressor(alpha=0.1, washout=washout, features="states+input", **SEEDED).fit(u, y)
    features = np.hstack([numpy_states(model, u), u])
    coef, intercept = ridge(features[washout:], y[washout:], 0.1)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-9)
    np.testing.assert_allclose(model.predict(u), features @ coef.T + intercept, atol=1e-9)


def test_alpha_is_one_of_those_given(u):
    model = ESNRegressor(alpha=[1e-3, 1e5], **SEEDED).fit(u, u[:, 0])
    assert model.alpha_ == 1e-3
    alone = ESNRegressor(alpha=1e-3, **SEEDED).fit(u, u[:, 0])
    np.testing.assert_allclose(alone.predict(u), model.predict(u), atol=1e-8)


def test_predictions_have_the_form_of_the_input(u, ragged):
    flat, tall = ESNRegressor(**SEEDED).fit(u, u[:, 0]), ESNRegressor(**SEEDED).fit(u, u[:, :1])
    assert flat.predict(u).shape == (60,)
    assert tall.predict(u).shape == (60, 1)
    assert [p.shape for p in flat.predict(ragged)] == [(30,), (12,), (45,), (30,)]
    stack = np.stack([u, u, u])
    assert flat.predict(stack).shape == (3, 60)
    assert tall.predict(stack).shape == (3, 60, 1)
    for x, p in zip(ragged, tall.predict(ragged), strict=True):
        np.testing.assert_array_equal(tall.predict(x), p)


def test_fed_back_predictions_close_the_loop(u, rng, ragged):
    y = np.cumsum(rng.standard_normal((60, 2)), axis=0) / 10
    settings = {"feedback_scaling": 0.4, "alpha": 0.1, "features": "states+input+squares", "washout": 5} | SEEDED
    model = ESNRegressor(**settings).fit(u, y)

    before = np.vstack([np.zeros(2), y[:-1]])
    states = numpy_states(model, u, y)
    coef, _ = ridge(np.hstack([states, u, before, states**2])[5:], y[5:], 0.1)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-8)

    def free_run(inputs):
        W, x, out, rows = dense(model.W_), np.zeros(20), np.zeros(2), []
        for row in inputs:
            drive = W @ x + model.W_in_ @ row + model.W_fb_ @ out + model.bias_
            x = (1 - model.leak_rate_) * x + model.leak_rate_ * np.tanh(drive)
            out = model.coef_ @ np.concatenate([x, row, out, x**2]) + model.intercept_
            rows.append(out)
        return np.array(rows)

    np.testing.assert_allclose(model.predict(u), free_run(u), atol=1e-9)
    for x, predicted in zip(ragged, model.predict(ragged), strict=True):
        np.testing.assert_allclose(predicted, free_run(x), atol=1e-9)
    through_python = ESNRegressor(readout=Ridge(0.1, solver="cholesky"), **settings).fit(u, y)
    for a, b in zip(through_python.predict(ragged), model.predict(ragged), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


@pytest.mark.parametrize(
    "readout", [Ridge(0.1), Lasso(0.01), RandomForestRegressor(3, random_state=0), KNeighborsRegressor(2)]
)
def test_any_regressor_reads_out(u, readout):
    esn = EchoStateNetwork(features="states+input", **SEEDED).fit(u)
    for y in (u[:, 0], u if not isinstance(readout, Lasso) else u[:, 1]):
        model = ESNRegressor(readout=readout, washout=4, features="states+input", **SEEDED).fit(u, y)
        expected = clone(readout).fit(esn.transform(u)[4:], y[4:]).predict(esn.transform(u))
        np.testing.assert_allclose(model.predict(u), expected, atol=1e-12)
        assert not hasattr(model, "coef_")
        assert not hasattr(readout, "n_features_in_")  # a clone was fitted


@pytest.mark.parametrize("settings", [{}, {"state_noise": 0.05}, {"feedback_scaling": 0.2}])
def test_parts_equal_the_whole(ragged, rng, settings):
    y = [rng.standard_normal(len(x)) for x in ragged]
    settings = {"washout": 2, "alpha": 0.1} | SEEDED | settings
    whole = ESNRegressor(**settings).fit(ragged, y)
    parts = ESNRegressor(**settings)
    for i in range(4):
        parts.partial_fit(ragged[i], y[i])
    after_fit = ESNRegressor(**settings).fit(ragged[:2], y[:2]).partial_fit(ragged[2:], y[2:])
    for other in (parts, after_fit):
        np.testing.assert_allclose(other.coef_, whole.coef_, atol=1e-8)
        np.testing.assert_allclose(other.intercept_, whole.intercept_, atol=1e-8)


def test_a_fit_forgets_earlier_ones(u):
    model = ESNRegressor(**SEEDED).partial_fit(u, -u[:, 0]).fit(u, u[:, 0])
    np.testing.assert_array_equal(model.coef_, ESNRegressor(**SEEDED).fit(u, u[:, 0]).coef_)
    assert not hasattr(ESNRegressor(readout=Ridge(), **SEEDED).fit(u, u).set_params(readout=None).fit(u, u), "readout_")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_failing_fit_changes_nothing(u, method):
    model = ESNRegressor(**SEEDED)
    huge = np.where(np.arange(60) < 59, u[:, 0], 1e200)  # refused by the sums at the last row only
    for bad in (huge, [np.nan] * 60, u[:3, 0]):
        with pytest.raises(ValueError, match=r"y|targets"):
            getattr(model, method)(u, bad)
        assert vars(model).keys() == model.get_params().keys()
    model.partial_fit(u, u[:, 0])
    before, expected = dict(vars(model)), model.predict(u)
    n_samples = model._gram_.n_samples
    for bad in (huge, [np.nan] * 60, u[:3, 0]):
        with pytest.raises(ValueError, match=r"y|targets"):
            getattr(model, method)(u, bad)
        assert all(vars(model)[name] is value for name, value in before.items())
        np.testing.assert_array_equal(model.predict(u), expected)
        assert model._gram_.n_samples == n_samples


def test_diverging_networks_are_told(rng):
    X = rng.uniform(0.5, 1, (2000, 1))
    wild = {"activation": "identity", "spectral_radius": 2.0} | SEEDED
    with pytest.warns(RuntimeWarning, match=r"the reservoir diverged: not finite from row \d+ on"):
        EchoStateNetwork(**wild).fit(X).transform(X)
    with pytest.warns(RuntimeWarning, match="the reservoir diverged"):
        EchoStateNetwork(features="states+squares", **wild).fit_transform(X)
    for readout in (None, Ridge()):
        with pytest.raises(ValueError, match="the reservoir diverged"):
            ESNRegressor(readout=readout, **wild).fit(X, X)
        model = ESNRegressor(readout=readout, **wild).fit(X[:12], X[:12])
        with pytest.warns(RuntimeWarning, match=r"the prediction diverged: not finite from row \d+ on"):
            model.predict(X)
    for readout in (None, LogisticRegression()):
        with pytest.raises(ValueError, match="the reservoir diverged"):
            ESNClassifier(readout=readout, **wild).fit([X, -X], [0, 1])
    model = ESNClassifier(**wild).fit([X[:20], -X[:20]], [0, 1])
    with pytest.warns(RuntimeWarning, match="the reservoir diverged"):
        model.predict([X])


# Classification


@pytest.fixture
def labelled(rng):
    lengths = rng.integers(20, 40, 24)
    periods = np.tile([5, 9, 20], 8)
    X = [
        np.sin(2 * np.pi * np.arange(n) / p + rng.uniform(0, 6))[:, None] for n, p in zip(lengths, periods, strict=True)
    ]
    return X, np.array(["fast", "medium", "slow"])[np.tile([0, 1, 2], 8)]


@pytest.mark.parametrize("pooling", ["mean", "last", "both"])
@pytest.mark.parametrize("washout", [0, 4])
def test_classifier_reads_pooled_states(labelled, pooling, washout):
    X, y = labelled
    model = ESNClassifier(pooling=pooling, washout=washout, alpha=1e-2, **SEEDED).fit(X, y)
    states = [numpy_states(model, x)[washout:] for x in X]
    mean, last = (np.array([s.mean(axis=0) for s in states]), np.array([s[-1] for s in states]))
    pooled = {"mean": mean, "last": last, "both": np.hstack([mean, last])}[pooling]
    coef, intercept = ridge(pooled, 2.0 * (y[:, None] == model.classes_) - 1, 1e-2)
    np.testing.assert_allclose(model.decision_function(X), pooled @ coef.T + intercept, atol=1e-7)
    np.testing.assert_array_equal(model.predict(X), model.classes_[model.decision_function(X).argmax(axis=1)])


def test_two_classes_have_one_output(labelled):
    X, y = labelled
    model = ESNClassifier(**SEEDED).fit(X, y == "slow")
    assert model.classes_.tolist() == [False, True]
    assert model.decision_function(X).shape == (24,)
    assert model.coef_.shape == (1, 20)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X) > 0)


def test_forms_of_labelled_sequences(labelled):
    X, y = labelled
    table = np.stack([x[:20, 0] for x in X])
    models = [ESNClassifier(**SEEDED).fit(form, y) for form in (table, table[:, :, None], [x[:20] for x in X])]
    for model in models:
        np.testing.assert_array_equal(
            model.decision_function(list(table[:, :, None])), models[0].decision_function(table)
        )
    assert [model.n_features_in_ for model in models] == [20, 1, 1]
    one_by_one = [model.decision_function([x[:20]])[0] for x in X]
    np.testing.assert_array_equal(one_by_one, model.decision_function([x[:20] for x in X]))


def test_any_classifier_reads_out(labelled):
    X, y = labelled
    logistic = ESNClassifier(readout=LogisticRegression(C=100), **SEEDED).fit(X, y)
    assert logistic.predict_proba(X).shape == (24, 3)
    np.testing.assert_allclose(logistic.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_array_equal(logistic.predict(X), logistic.classes_[logistic.predict_proba(X).argmax(axis=1)])
    assert not hasattr(ESNClassifier(), "predict_proba")
    assert not hasattr(ESNClassifier(readout=LinearSVC()), "predict_proba")
    assert hasattr(ESNClassifier(readout=LinearSVC()), "decision_function")
    assert not hasattr(ESNClassifier(readout=KNeighborsRegressor()), "decision_function")


def test_auto_washout_of_a_classifier_does_not_depend_on_the_batch(labelled):
    X, y = labelled
    model = ESNClassifier(washout="auto", **SEEDED).fit(X, y)
    assert model.washout_ == min(len(x) for x in X) // 10
    longer = [np.vstack([X[0]] * 9), X[1]]
    np.testing.assert_array_equal(model.decision_function(longer)[0], model.decision_function(longer[:1])[0])
