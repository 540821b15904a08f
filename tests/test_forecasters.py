"""The forecasters against loops in plain NumPy over their learned arrays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from reservoirs import NVAR, ESNForecaster, nvar
from reservoirs.esn import _harvest

SMALL = {"n_units": 20, "random_state": 0, "n_jobs": 1}
# An alpha that keeps closed loops calm, so that rounding does not grow.
FORECASTERS = {
    "esn": ESNForecaster(alpha=1e-2, features="states+input+squares", leak_rate=0.7, **SMALL),
    "deep": ESNForecaster(alpha=1e-2, n_layers=2, **SMALL),
    "nvar": NVAR(delays=3, stride=2, alpha=1e-1),
    "linear": NVAR(delays=2, order=1, alpha=1e-1),
    "cubic": NVAR(delays=1, order=3, alpha=1e-1),
}


@pytest.fixture(params=FORECASTERS)
def forecaster(request):
    return clone(FORECASTERS[request.param])


@pytest.fixture
def y(rng):
    t = np.arange(150)
    return np.column_stack([np.sin(t / 3), 5 + 2 * np.cos(t / 5)]) + 0.1 * rng.standard_normal((150, 2))


@pytest.fixture
def X(rng):
    return rng.uniform(2, 3, (150, 1))


def esn_twin(model, y, X=None, n_steps=0):
    """Predict every row of `y` from those before it, then go on for `n_steps` (rows of X beyond y) in closed loop."""
    W = model.W_.toarray() if sparse.issparse(model.W_) else model.W_
    z = list((y - model.y_mean_) / model.y_scale_)
    exogenous = np.zeros((len(y) + n_steps, 0)) if X is None else (X - model.X_mean_) / model.X_scale_
    x, before, out = np.zeros(len(W)), np.zeros(y.shape[1]), []
    for t in range(len(y) + n_steps):
        u = np.concatenate([exogenous[t], before])
        x = (1 - model.leak_rate_) * x + model.leak_rate_ * np.tanh(W @ x + model.W_in_ @ u + model.bias_)
        out.append(model.coef_ @ np.concatenate([x, u, x**2]) + model.intercept_)
        before = z[t] if t < len(y) else out[t]
    return np.array(out) * model.y_scale_ + model.y_mean_


def nvar_twin(model, y, X=None, n_steps=0):
    z = list((y - model.y_mean_) / model.y_scale_)
    exogenous = np.zeros((len(y) + n_steps, 0)) if X is None else (X - model.X_mean_) / model.X_scale_
    out = []
    for t in range(len(y) + n_steps):
        predicted = z[t - 1] if t else np.zeros(y.shape[1])
        delayed = [t - k * model.stride for k in range(model.delays)]
        if delayed[-1] > 0:
            values = np.concatenate([np.concatenate([exogenous[s], z[s - 1]]) for s in delayed])
            products = [np.prod([values[place] for place in row if place >= 0]) for row in model.monomials_]
            predicted = predicted + model.coef_ @ np.concatenate([values, products]) + model.intercept_
        out.append(predicted)
        if t >= len(y):
            z.append(predicted)
    return np.array(out) * model.y_scale_ + model.y_mean_


@pytest.mark.parametrize("name", ["esn", "nvar", "linear", "cubic"])
@pytest.mark.parametrize("with_X", [False, True], ids=["alone", "exogenous"])
def test_equal_to_a_plain_loop(y, X, name, with_X):
    twin = esn_twin if name == "esn" else nvar_twin
    past, now, later = (X[:100], X[100:130], X) if with_X else (None, None, None)
    model = clone(FORECASTERS[name]).fit(y[:100], past)
    expected = twin(model, y[:100], X[:130] if with_X else None, 30)
    np.testing.assert_allclose(model.predict(y[:100], past), expected[:100], atol=1e-9)
    np.testing.assert_allclose(model.forecast(30, now), expected[100:], atol=1e-9)
    np.testing.assert_allclose(model.predict(y, later), twin(model, y, later), atol=1e-9)


@pytest.mark.parametrize("with_X", [False, True], ids=["alone", "exogenous"])
def test_a_row_is_predicted_from_the_rows_before(y, X, forecaster, with_X):
    past = X if with_X else None
    model = forecaster.fit(y, past)
    whole = model.predict(y, past)
    for t in (0, 1, 7, 60):
        other = y.copy()
        other[t:] += 1
        changed = model.predict(other, past)
        np.testing.assert_array_equal(changed[: t + 1], whole[: t + 1])
        assert (changed[t + 1 :] != whole[t + 1 :]).any()
        if with_X:
            other = X.copy()
            other[t + 8 :] += 1
            changed = model.predict(y, other)
            np.testing.assert_array_equal(changed[: t + 8], whole[: t + 8])
            assert (changed[t + 8] != whole[t + 8]).any()


def test_forecasts_continue_the_series_given(y, forecaster):
    model = forecaster.fit(y[:100])
    np.testing.assert_array_equal(model.forecast(10), model.forecast(10, warmup=y[:100]))
    np.testing.assert_array_equal(model.forecast(10), model.forecast(10))  # and change nothing
    np.testing.assert_array_equal(model.forecast(10)[:4], model.forecast(4))
    np.testing.assert_array_equal(model.forecast(1)[0], model.predict(y[:101])[100])
    assert (model.forecast(10) != model.forecast(10, warmup=y)).any()
    several = model.forecast(10, warmup=[y[:100], y, y[5:60]])
    assert several.shape == (3, 10, 2)
    for series, forecast in zip([y[:100], y, y[5:60]], several, strict=True):
        np.testing.assert_array_equal(model.forecast(10, warmup=series), forecast)
    assert model.forecast(10, warmup=np.stack([y, y])).shape == (2, 10, 2)


def test_many_series_are_learned_together(y, X, forecaster):
    parts, exogenous = [y[:60], y[60:100], y[100:]], [X[:60], X[60:100], X[100:]]
    model = forecaster.fit(parts, exogenous)
    np.testing.assert_allclose(model.y_mean_, y.mean(axis=0))
    for part, of_X, predicted in zip(parts, exogenous, model.predict(parts, exogenous), strict=True):
        np.testing.assert_array_equal(model.predict(part, of_X), predicted)
    np.testing.assert_array_equal(model.forecast(5, X[:5]), model.forecast(5, X[:5], warmup=y[100:], warmup_X=X[100:]))
    stacked = forecaster.fit(y.reshape(3, 50, 2), X.reshape(3, 50, 1))
    assert stacked.predict(y.reshape(3, 50, 2), X.reshape(3, 50, 1)).shape == (3, 50, 2)
    own = np.stack([X[:5], X[5:10]])
    both = stacked.forecast(5, own, warmup=[y[:50], y[50:]], warmup_X=[X[:50], X[50:]])
    for i, part in enumerate([slice(50), slice(50, None)]):
        np.testing.assert_array_equal(stacked.forecast(5, own[i], warmup=y[part], warmup_X=X[part]), both[i])


def test_one_dimension_in_one_dimension_out(y, X, forecaster):
    flat = forecaster.fit(y[:, 0], X[:, 0])
    assert flat.n_features_in_ == 1
    assert flat.predict(y[:, 0], X[:, 0]).shape == (150,)
    assert flat.forecast(7, X[:7, 0]).shape == (7,)
    assert flat.forecast(7, X[:7, 0], warmup=y[:50, 0], warmup_X=X[:50, 0]).shape == (7,)
    tall = clone(forecaster).fit(y[:, :1].tolist(), X)
    assert tall.forecast(7, X[:7]).shape == (7, 1)
    np.testing.assert_array_equal(tall.forecast(7, X[:7])[:, 0], flat.forecast(7, X[:7, 0]))


def test_the_mean_stands_in_for_what_is_not_known(y, X, forecaster):
    model = forecaster.fit(y, X)
    mean = np.full((150, 1), X.mean())
    with pytest.warns(UserWarning, match="the fit had 1 exogenous variables, but X=None: their training means") as seen:
        np.testing.assert_allclose(model.predict(y), model.predict(y, mean), atol=1e-9)
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="but X=None") as seen:
        np.testing.assert_allclose(model.forecast(9), model.forecast(9, mean[:9]), atol=1e-9)
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="but warmup_X=None"):
        model.forecast(9, mean[:9], warmup=y)


def test_scale_and_offset_of_the_series_do_not_matter(y, forecaster):
    plain = forecaster.fit(y).forecast(20)
    scaled = forecaster.fit(1000 + 0.01 * y).forecast(20)
    np.testing.assert_allclose((scaled - 1000) / 0.01, plain, atol=1e-5)


def test_constant_series_stay_constant(forecaster):
    np.testing.assert_allclose(forecaster.fit(np.full(50, 7.0)).forecast(5), 7.0)


def test_precision(y, X, forecaster):
    model = forecaster.fit(y.astype(np.float32), X.astype(np.float32))
    assert model.predict(y, X).dtype == model.forecast(5, X[:5]).dtype == np.float32
    assert forecaster.fit(y).forecast(5).dtype == np.float64
    halved = forecaster.set_params(dtype="float32").fit(y)
    assert halved.last_state_.dtype == halved.last_row_.dtype == np.float32


def test_a_failing_fit_changes_nothing(y, forecaster):
    model = forecaster.fit(y)
    before, expected = dict(vars(model)), model.forecast(5)
    for bad in (y[:1], np.full((9, 2), np.nan), [y[:, :1], y]):
        with pytest.raises(ValueError, match=r"\by\b"):
            model.fit(bad)
    with pytest.raises(ValueError, match=r"^X "):
        model.fit(y, y[:5])
    assert all(vars(model)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(model.forecast(5), expected)


def test_score_is_of_one_step_predictions(y, forecaster):
    model = forecaster.fit(y)
    skipped = y[15:]
    residuals = ((model.predict(y)[15:] - skipped) ** 2).sum(axis=0)
    assert model.score(y) == pytest.approx(1 - np.mean(residuals / ((skipped - skipped.mean(axis=0)) ** 2).sum(axis=0)))
    assert model.score([y, y]) == pytest.approx(model.score(y))


def test_short_calls_leave_no_seam(y, X, monkeypatch):
    models = [clone(FORECASTERS[name]).fit(y, X) for name in ("esn", "nvar")]
    forecasts = [model.forecast(50, X[:50]) for model in models]
    predictions = [model.predict(y, X) for model in models]
    monkeypatch.setattr(_harvest, "_WORK_A_CALL", 7 * models[0]._network_.work)
    monkeypatch.setattr(nvar, "_WORK_A_CALL", 7 * models[1].coef_.size)
    monkeypatch.setattr(nvar, "_ROWS_A_BLOCK", 11)
    for model, forecast, predicted in zip(models, forecasts, predictions, strict=True):
        np.testing.assert_array_equal(model.forecast(50, X[:50]), forecast)
        np.testing.assert_array_equal(model.predict(y, X), predicted)


@pytest.mark.parametrize("readout", [RandomForestRegressor(3, random_state=0), KNeighborsRegressor(2)])
def test_any_regressor_closes_the_loop(y, readout):
    model = ESNForecaster(readout=readout, **SMALL).fit(y[:, 0])
    assert model.forecast(5).shape == (5,)
    np.testing.assert_array_equal(model.forecast(5), model.forecast(5))
    np.testing.assert_array_equal(model.forecast(5), model.forecast(5, warmup=y[:, 0]))
    assert model.fit(y).forecast(5, warmup=[y, y[:50]]).shape == (2, 5, 2)


def test_a_loop_through_python_equals_the_compiled_one(y, X):
    fused = ESNForecaster(alpha=0.1, **SMALL).fit(y, X)
    through_python = ESNForecaster(readout=Ridge(0.1, solver="cholesky"), **SMALL).fit(y, X)
    np.testing.assert_allclose(through_python.readout_.coef_, fused.coef_, atol=1e-8)
    settings = {"warmup": [y, y[:60]], "warmup_X": [X, X[:60]]}
    for arguments in ({}, settings):
        np.testing.assert_allclose(
            through_python.forecast(20, X[:20], **arguments), fused.forecast(20, X[:20], **arguments), atol=1e-7
        )


def test_state_noise_calms_only_the_fit(y):
    noisy = ESNForecaster(state_noise=0.1, alpha=1e-4, **SMALL).fit(y)
    quiet = ESNForecaster(alpha=1e-4, **SMALL).fit(y)
    assert np.linalg.norm(noisy.coef_) < np.linalg.norm(quiet.coef_)
    np.testing.assert_array_equal(noisy.predict(y), noisy.predict(y))


def test_diverging_forecasts_are_told():
    y = 1.2 ** np.arange(60)
    model = NVAR(delays=1, order=1, alpha=0.0).fit(y)
    with pytest.warns(RuntimeWarning, match=r"the forecast diverged: not finite from row \d+ on") as seen:
        assert not np.isfinite(model.forecast(5000)).all()
    assert seen[0].filename == __file__


# NVAR


def henon(n_steps):
    rows = [(0.1, 0.2)]
    for _ in range(n_steps - 1):
        x, z = rows[-1]
        rows.append((1 - 1.4 * x**2 + z, 0.3 * x))
    return np.array(rows)


def logistic(n_steps):
    x = [0.3]
    for _ in range(n_steps - 1):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    return np.array(x)


@pytest.mark.parametrize(
    ("series", "delays"),
    [(henon, 1), (logistic, 1), (lambda n: henon(n)[:, 0], 2)],
    ids=["henon", "logistic", "hidden"],
)
def test_polynomial_maps_are_learned_exactly(series, delays):
    y = series(330)
    model = NVAR(delays=delays, order=2, alpha=1e-12).fit(y[:300])
    np.testing.assert_allclose(model.predict(y)[300:], y[300:], atol=1e-9)
    np.testing.assert_allclose(model.forecast(10), y[300:310], atol=1e-5)  # chaos: errors double each step


def test_exogenous_products_are_learned_exactly(rng):
    X = rng.uniform(-1, 1, 300)
    y = np.zeros(300)
    for t in range(1, 300):
        y[t] = 0.5 * y[t - 1] + 0.4 * X[t] * y[t - 1] + X[t] - 0.3 * X[t - 2] ** 2
    model = NVAR(delays=2, stride=2, alpha=1e-12).fit(y[:250], X[:250])
    np.testing.assert_allclose(model.forecast(50, X[250:]), y[250:], atol=1e-8)


@pytest.mark.parametrize(("order", "products"), [(1, 0), (2, 10), (3, 30)])
def test_monomials(y, order, products):
    model = NVAR(delays=2, order=order).fit(y)
    assert model.monomials_.shape == (products, order)
    assert model.coef_.shape == (2, 4 + products)
    rows = [tuple(row[row >= 0]) for row in model.monomials_]
    assert len(set(rows)) == products
    assert all(list(row) == sorted(row) and len(row) >= 2 for row in rows)
