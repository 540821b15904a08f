"""Rules of adaptation: each against a plain twin of its equation, and against what it is for."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LEVELS, Net, activation, assert_same_bits, simd_level
from scipy import sparse, stats
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from reservoirs import EchoStateNetwork, ESNRegressor, _core, adaptation, load, save
from reservoirs.adaptation import (
    SORN,
    DivisiveGainControl,
    DormantRecycling,
    EIBalance,
    GainWhitening,
    InputMatching,
    IntrinsicPlasticity,
    MultiScaleHomeostasis,
    SynapticTurnover,
    VogelsInhibition,
)
from reservoirs.topology import spectral_radius

RULES = {
    "IntrinsicPlasticity": IntrinsicPlasticity(n_epochs=1),
    "DivisiveGainControl": DivisiveGainControl(n_epochs=1),
    "GainWhitening": GainWhitening(n_epochs=2),
    "MultiScaleHomeostasis": MultiScaleHomeostasis(0.4, target_std=0.1, n_epochs=1),
    "VogelsInhibition": VogelsInhibition(0.4, n_epochs=1),
    "SynapticTurnover": SynapticTurnover(0.2, n_rounds=2),
    "DormantRecycling": DormantRecycling(0.9, n_rounds=2),
    "EIBalance": EIBalance(0.4),
    "InputMatching": InputMatching(),
}


def connectome(rng, n=40, density=0.3, strength=6.0):
    """Four excitatory units to an inhibitory one, whose weights are four times as large."""
    signed = np.where(np.arange(n) < 0.8 * n, 1.0, -4.0) * rng.uniform(0.8, 1.2, (n, n))
    return signed * (rng.random((n, n)) < density) * strength / (0.8 * density * n)


def adapted(u, rule, W=None, **parameters):
    parameters = {"activation": "sigmoid", "random_state": 0, "n_jobs": 1} | parameters
    if W is not None:
        parameters |= {"topology": W, "spectral_radius": None}
    return EchoStateNetwork(adaptation=rule, **parameters).fit(u)


def dense(W):
    return W.toarray() if sparse.issparse(W) else W


@pytest.fixture
def u(rng):
    return rng.uniform(0, 1, (1000, 1))


# What all rules promise.


def test_every_rule_is_tested_here():
    rules = [rule for rule in vars(adaptation).values() if inspect.isclass(rule)]
    rules = [rule for rule in rules if issubclass(rule, adaptation.Adaptation) and rule is not adaptation.Adaptation]
    assert sorted(rule.__name__ for rule in rules) == sorted(RULES)


@pytest.mark.filterwarnings("ignore:(EIBalance|MultiScale|Dormant).*:RuntimeWarning")
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_inputs=st.integers(1, 3), mixed=st.booleans(), as_sparse=st.booleans())
def test_signs_of_a_given_connectome_stay(rule, seed, n_inputs, mixed, as_sparse):
    rng = np.random.default_rng(seed)
    W = connectome(rng, int(rng.integers(5, 30)), rng.uniform(0.2, 0.9), rng.uniform(0.5, 20))
    W[0, -1] = -1.0  # some inhibition
    if mixed:
        W *= rng.choice([1, -1], W.shape, p=[0.8, 0.2])
        W[0, -1] = -1.0
    inputs = rng.normal(0, rng.uniform(0, 3), (rng.integers(2, 200), n_inputs))
    esn = adapted(inputs, rule, sparse.csr_array(W) if as_sparse else W)
    after = dense(esn.W_)
    both = (W != 0) & (after != 0)
    np.testing.assert_array_equal(np.sign(after)[both], np.sign(W)[both])
    if not isinstance(rule, SynapticTurnover):
        assert not after[W == 0].any()
    for sign in (1, -1):
        of_one_sign = (sign * W >= 0).all(axis=0) & W.any(axis=0)
        assert (sign * after[:, of_one_sign] >= 0).all()
    assert np.isfinite(esn.transform(inputs)).all()


@pytest.mark.filterwarnings("ignore:(EIBalance|MultiScale).*:RuntimeWarning")
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_files_copies_and_every_instruction_set(rule, tmp_path, rng, u):
    model = ESNRegressor(
        topology=connectome(rng), spectral_radius=None, activation="sigmoid", adaptation=[rule], random_state=0
    )
    results = []
    for level in LEVELS:
        with simd_level(level):
            results.append(model.fit(u[:300], u[:300, 0]).W_)
            assert_same_bits(results[-1], results[0])
    save(model, tmp_path / "model.npz")
    loaded = load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict(u), model.predict(u))
    for name, value in vars(model.adaptation_[0]).items():
        np.testing.assert_array_equal(getattr(loaded.adaptation_[0], name), value)


def test_rules_combine_in_order(u):
    rules = [IntrinsicPlasticity(std=0.3, n_epochs=1), DivisiveGainControl(n_epochs=1), SynapticTurnover(n_rounds=1)]
    forth = adapted(u, rules, n_units=30, activation="tanh")
    back = adapted(u, rules[::-1], n_units=30, activation="tanh")
    assert [type(rule) for rule in forth.adaptation_] == [type(rule) for rule in rules]
    assert abs(dense(forth.W_) - dense(back.W_)).max() > 1e-3
    alone = adapted(u, rules[0], n_units=30, activation="tanh")
    np.testing.assert_array_equal(forth.adaptation_[0].gain_, alone.adaptation_.gain_)


@pytest.mark.parametrize("rule", [r for r in RULES.values() if not isinstance(r, GainWhitening)], ids=repr)
@pytest.mark.filterwarnings("ignore:(EIBalance|MultiScale).*:RuntimeWarning")
def test_input_weights_of_feedback_and_precision(rule, rng, u):
    model = ESNRegressor(
        topology=connectome(rng), spectral_radius=None, activation="sigmoid", adaptation=rule, feedback_scaling=0.1,
        dtype="float32", random_state=0,
    )  # fmt: skip
    assert model.fit(u, u[:, 0]).W_.dtype == model.W_fb_.dtype == np.float32


# The compiled loops, against plain twins.


def parts_of(rng, n, n_inputs, weights):
    """Return networks that only sum, compiled and plain."""
    plain = [
        Net([n], W, rng.uniform(-1, 1, (n, n_inputs * driven)), np.zeros(n), np.ones(n), np.zeros(n), "identity")
        for W, driven in weights
    ]
    return [part.compiled(dense=False) for part in plain], plain


def sums(parts, x, inputs):
    return [part.step(x[None], inputs[None, : part.W_in.shape[1]])[0] for part in parts]


shapes = {"seed": st.integers(0, 2**32 - 1), "n": st.integers(1, 40), "n_inputs": st.integers(0, 3)}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
@settings(max_examples=10, deadline=None)
@given(**shapes)
def test_intrinsic_plasticity_equals_its_twin(level, kind, seed, n, n_inputs):
    rng = np.random.default_rng(seed)
    W = rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.4)
    parts, plain = parts_of(rng, n, n_inputs, [(W, True)])
    leak, inputs, x = rng.uniform(0.1, 1, n), rng.normal(0, 1, (8, n_inputs)), rng.uniform(-1, 1, n)
    gain, bias, state = rng.uniform(0.01, 1, n), rng.normal(0, 1, n), x.copy()
    mean, std, rate, fall = 0.1, 0.3, 0.05, 0.001
    g, b = gain.copy(), bias.copy()
    with simd_level(level):
        _core.intrinsic_plasticity(
            parts=parts, activation=kind, leak=leak, inputs=inputs, state=state, mean=mean, std=std, rate=rate,
            rate_fall=fall, least_gain=1e-3, gain=gain, bias=bias,
        )  # fmt: skip
    for t in range(8):
        eta = rate - t * fall
        (z,) = sums(plain, x, inputs[t])
        y = activation(kind)(g * z + b)
        x = (1 - leak) * x + leak * y
        if kind == "tanh":
            db = eta * ((mean - y * ((2 * std * std + 1) - y * y + mean * y)) * (1 / (std * std)))
        else:
            db = eta * ((1 - (2 + 1 / mean) * y) + (y * y) * (1 / mean))
        b = b + db
        g = np.maximum(g + (eta / g + db * z), 1e-3)
    for actual, expected in ((state, x), (gain, g), (bias, b)):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=10, deadline=None)
@given(**shapes)
def test_divisive_gain_equals_its_twin(level, seed, n, n_inputs):
    rng = np.random.default_rng(seed)
    W = rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.4)
    parts, plain = parts_of(rng, n, n_inputs, [(W, True)])
    leak, inputs, x = rng.uniform(0.1, 1, n), rng.normal(0, 1, (8, n_inputs)), rng.uniform(-1, 1, n)
    bias, division, state = rng.normal(0, 1, n), rng.uniform(-0.1, 1, n), x.copy()
    h = division.copy()
    with simd_level(level):
        _core.divisive_gain(
            parts=parts, activation="tanh", leak=leak, inputs=inputs, state=state, std=0.5, rate=0.1, rate_fall=0.01,
            least_division=-0.2, bias=bias, division=division,
        )  # fmt: skip
    for t in range(8):
        (z,) = sums(plain, x, inputs[t])
        a = z / (1 + h)
        x = (1 - leak) * x + leak * activation("tanh")(a + bias)
        h = np.maximum(h + (0.1 - t * 0.01) * ((a * a) * (1 / 0.25) - 1), -0.2)
    assert_same_bits(state, x)
    assert_same_bits(division, h)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=10, deadline=None)
@given(**shapes, spread=st.booleans())
def test_multi_scale_equals_its_twin(level, seed, n, n_inputs, spread):
    rng = np.random.default_rng(seed)
    W = rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.4)
    weights = [(np.maximum(W, 0), False), (np.minimum(W, 0), False), (0 * W, True)]
    parts, plain = parts_of(rng, n, n_inputs, weights)
    leak, inputs, x = rng.uniform(0.1, 1, n), rng.normal(0, 1, (8, n_inputs)), rng.uniform(0, 1, n)
    smoothing, rates, brake = [0.5, 0.3, 0.2, 0.1], [0.3, 0.2, 0.6, 0.9], 0.7
    rho, variance_wanted = rng.uniform(0.02, 0.5, n), rng.uniform(0.01, 0.1, n)
    scale_e, scale_i = np.where(rng.random((2, n)) < 0.2, np.inf, rng.uniform(0.1, 1, (2, n)))
    state, bias, e, h = x.copy(), rng.normal(0, 1, n), rng.uniform(0.5, 1, n), rng.uniform(0, 0.1, n)
    averages, variance = rng.uniform(0, 1, (4, n)), rng.uniform(0, 0.1, n)
    b, ee, hh, r, v = (array.copy() for array in (bias, e, h, averages, variance))
    with simd_level(level):
        _core.multi_scale(
            parts=parts, leak=leak, inputs=inputs, state=state, smoothing=smoothing, rates=rates, brake=brake,
            target_rate=rho, target_variance=variance_wanted if spread else None, excitation_scale=scale_e,
            inhibition_scale=scale_i, bias=bias, excitation=e, inhibition=h, averages=averages, variance=variance,
        )  # fmt: skip
    for t in range(8):
        excited, inhibited, driven = sums(plain, x, inputs[t])
        y = activation("sigmoid")(((ee * excited + hh * inhibited) + driven) + b)
        y = y / (1 + brake * np.maximum(r[0] - 0.5 * (1 + rho), 0))
        x = (1 - leak) * x + leak * y
        for k in range(4):
            r[k] = r[k] + smoothing[k] * (y - r[k])
        b = b - rates[1] * (r[1] - rho)
        hh = np.maximum(hh + rates[2] * (r[2] - rho) / scale_i, 0)
        if spread:
            v = v + smoothing[2] * ((y - r[1]) * (y - r[1]) - v)
            factor = 1 + rates[3] * np.maximum(1 - v / variance_wanted, -1)
            ee, hh = ee * factor, hh * factor
        else:
            ee = ee * np.maximum(1 - rates[3] * (r[3] - rho) / scale_e, 0.5)
    for actual, expected in ((state, x), (bias, b), (e, ee), (h, hh), (averages, r), (variance, v)):
        assert_same_bits(actual, expected)


@pytest.mark.filterwarnings("ignore:MultiScale.*:RuntimeWarning")
def test_folded_rules_leave_the_network_they_ran(rng, u):
    """With a rate of next to nothing, gains stay 1: the network is the one that was drawn."""
    W, tiny = connectome(rng), 1e-300
    plain = adapted(u, None, W)
    for rule in (
        IntrinsicPlasticity(learning_rate=tiny, n_epochs=1),
        DivisiveGainControl(learning_rate=tiny, n_epochs=1),
        MultiScaleHomeostasis(0.5, rates=(0, tiny, 0, 0), n_epochs=1),
    ):
        esn = adapted(u, rule, W)
        np.testing.assert_allclose(dense(esn.W_), dense(plain.W_), rtol=1e-12)
        np.testing.assert_allclose(esn.W_in_, plain.W_in_, rtol=1e-12)


# Intrinsic plasticity.


@pytest.mark.parametrize(
    ("rule", "activation"),
    [
        (IntrinsicPlasticity(std=0.2), "tanh"),
        (IntrinsicPlasticity(0.1, 0.3), "tanh"),
        (IntrinsicPlasticity(0.2, learning_rate=0.01), "sigmoid"),
    ],
    ids=str,
)
def test_intrinsic_plasticity_lowers_the_divergence_fivefold(rule, activation, rng):
    inputs = rng.uniform(-1, 1, (3000, 1))
    esn = adapted(inputs, rule, n_units=100, activation=activation)
    before, after = esn.adaptation_.divergence_
    assert before > 5 * after
    assert esn.adaptation_.gain_.min() > 0
    assert esn.adaptation_.spectral_radius_ == pytest.approx(spectral_radius(esn.W_), rel=1e-6)
    states = esn.transform(inputs)[200:]
    wanted = esn.adaptation.mean if esn.adaptation.mean is not None else 0
    assert abs(states.mean() - wanted) < 0.03


def test_the_divergence_of_what_is_already_distributed_so_is_next_to_nothing(rng):
    """Units without links that receive the inverse of tanh of a Gaussian."""
    inputs = np.arctanh(np.clip(rng.normal(0.1, 0.2, 20000), -0.99, 0.99))[:, None]
    rule = IntrinsicPlasticity(0.1, 0.2, learning_rate=1e-300, n_epochs=1)
    esn = adapted(inputs, rule, np.zeros((3, 3)), activation="tanh", input_scaling=0.0, bias_scaling=0)
    far = esn.adaptation_.divergence_[0]

    class Unit(adaptation.Adaptation):
        def adapt(self, network):
            network.W_in = np.ones((3, 1))

    esn = adapted(inputs, [Unit(), rule], np.zeros((3, 3)), activation="tanh", bias_scaling=0)
    assert esn.adaptation_[1].divergence_[0] < 0.01 < 1 < far


# Gain control.


@pytest.mark.parametrize("amplitude", [1, 10, 100])
def test_divisive_gain_gives_all_units_the_same_mean_square(rng, amplitude):
    inputs = amplitude * rng.uniform(-1, 1, (2000, 2))
    esn = adapted(inputs, DivisiveGainControl(0.4), n_units=50, activation="tanh")
    x = esn.transform(inputs)
    received = x[:-1] @ esn.W_.T + inputs[1:] @ esn.W_in_.T
    np.testing.assert_allclose(np.sqrt((received[100:] ** 2).mean(axis=0)), 0.4, rtol=0.1)
    weakened = adapted(inputs, DivisiveGainControl(0.4, nonnegative=True), n_units=50, activation="tanh").adaptation_
    assert (weakened.gain_ <= 1).all()
    assert (weakened.gain_ < 0.9).any() == (amplitude > 1)


def gaussian(rng, n, condition):
    """Return a function that draws rows of a Gaussian with a random covariance, and the covariance."""
    axes = np.linalg.qr(rng.standard_normal((n, n)))[0]
    sizes = np.logspace(0, np.log10(condition), n)
    return lambda rows: (rng.standard_normal((rows, n)) * np.sqrt(sizes)) @ axes.T, axes * sizes @ axes.T


def distance(whitening, covariance):
    """The error of Duong et al.: squared, a pair of outputs."""
    after = whitening.whitening_ @ covariance @ whitening.whitening_
    return ((after - np.eye(len(after))) ** 2).mean()


@pytest.mark.parametrize("n", [2, 10])
def test_whitening_of_a_condition_number_of_30_and_again_after_a_switch(rng, n):
    whitening = GainWhitening()
    for _ in range(2):
        draw, covariance = gaussian(rng, n, 30)
        whitening.partial_fit(draw(64 * 1024))
        assert distance(whitening, covariance) < 2e-3


def test_gains_whiten_as_interneurons_would(rng):
    """The gains, through the frame they belong to, are the response; its optimum is the root of the covariance."""
    n = 4
    draw, covariance = gaussian(rng, n, 10)
    whitening = GainWhitening(n_epochs=100).fit(draw(4000))
    response, unit, gains = np.eye(n), np.eye(n), whitening.gains_
    for i in range(n):
        response += gains[i, i] * np.outer(unit[i], unit[i])
        for j in range(i + 1, n):
            for gain, v in ((gains[i, j], unit[i] + unit[j]), (gains[j, i], unit[i] - unit[j])):
                response += gain * np.outer(v, v) / 2
    np.testing.assert_allclose(np.linalg.inv(response) / whitening.scale_, whitening.whitening_, rtol=1e-9)
    values, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(values) @ axes.T
    np.testing.assert_allclose(response * whitening.scale_, root, atol=0.05 * root.max())


def test_one_step_of_the_gains(rng):
    X = rng.standard_normal((64, 3)) @ rng.standard_normal((3, 3))
    whitening = GainWhitening(batch_size=64).partial_fit(X)
    y = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0).mean())
    z = {(i, i): y[:, i] for i in range(3)}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        z |= {(i, j): (y[:, i] + y[:, j]) / np.sqrt(2), (j, i): (y[:, i] - y[:, j]) / np.sqrt(2)}
    for place, activity in z.items():
        assert whitening.gains_[place] == pytest.approx(0.005 * ((activity**2).mean() - 1))


def test_nonnegative_gains_only_weaken(rng):
    draw, covariance = gaussian(rng, 5, 30)
    whitening = GainWhitening(nonnegative=True).fit(draw(5000))
    assert whitening.gains_.min() == 0 < whitening.gains_.max()
    assert np.linalg.eigvalsh(whitening.whitening_ * whitening.scale_).max() <= 1 + 1e-9
    assert distance(whitening, covariance) > distance(GainWhitening().fit(draw(5000)), covariance)


def test_a_step_too_large_is_halved(rng):
    X = 1e-3 * rng.standard_normal((640, 4))
    whitening = GainWhitening(learning_rate=0.9).partial_fit(X).partial_fit(1e-6 * X)
    assert np.isfinite(whitening.whitening_).all()
    assert np.linalg.eigvalsh(whitening.whitening_)[0] > 0


def test_whitening_of_states_conditions_the_readout(rng, u):
    esn = EchoStateNetwork(n_units=20, random_state=0)
    states = esn.fit_transform(u - u.mean())[100:]
    whitened = GainWhitening(n_epochs=100).fit_transform(states)
    assert np.linalg.cond(np.cov(states.T)) > 10 * np.linalg.cond(np.cov(whitened.T))
    model = make_pipeline(esn, GainWhitening(n_epochs=1), Ridge()).fit(u, u[:, 0])
    assert model.predict(u).shape == (1000,)


def test_whitened_inputs_are_what_the_network_sees(rng):
    draw, _ = gaussian(rng, 3, 20)
    inputs = draw(1000) + 5
    esn = adapted(inputs, GainWhitening(), n_units=20, activation="tanh")
    plain = EchoStateNetwork(n_units=20, n_jobs=1, random_state=0).fit(inputs)
    np.testing.assert_array_equal(esn.W_.toarray(), plain.W_.toarray())
    expected = plain.fit(esn.adaptation_.transform(inputs)).transform(esn.adaptation_.transform(inputs))
    np.testing.assert_allclose(esn.transform(inputs), expected, atol=1e-12)


def test_whitening_is_a_transformer_of_scikit_learn():
    check_estimator(GainWhitening(), on_skip=None)


# Homeostasis.


def balanced_network(rng, n=150, degree=30, gain=8.0):
    """The network of Srinivasan et al.: links drawn independently, balanced in the mean, gain in the weights."""
    links = rng.random((n, n)) < degree / n
    mean = np.where(np.arange(n) < 0.8 * n, 1 / (0.8 * degree), 1 / (0.2 * degree))
    sizes = abs(rng.normal(mean, 0.2 / (0.8 * degree), (n, n)))
    return gain * links * sizes * np.where(np.arange(n) < 0.8 * n, 1, -1)


def test_rates_reach_their_targets_and_return_after_a_shock(rng):
    u, W = rng.uniform(0, 0.5, (2500, 1)), balanced_network(rng)
    rule = MultiScaleHomeostasis(stats.beta(5, 5))
    esn = adapted(u, rule, W, input_scaling=1)
    rho = esn.adaptation_.target_rate_
    np.testing.assert_allclose(esn.adaptation_.mean_rate_, esn.transform(u).mean(axis=0))
    assert abs(esn.adaptation_.mean_rate_ - rho).mean() < 0.02
    assert esn.adaptation_.adaptation_curve_[-1] < 0.05 < abs(adapted(u, None, W).transform(u).mean(0) - rho).mean()
    alive = rng.permutation(len(W)) >= 0.3 * len(W)
    again = MultiScaleHomeostasis(rho, n_epochs=1)  # 5 tau_3 steps
    shocked = adapted(u, None, dense(esn.W_) * alive)
    shocked.set_params(adaptation=[SetBias(esn.bias_), again]).fit(u)
    assert abs(shocked.adaptation_[1].mean_rate_ - rho)[alive].mean() < 0.05
    slow = MultiScaleHomeostasis(rho, rates=(0, 0, 0, 0.00008), n_epochs=1)
    with pytest.warns(RuntimeWarning, match=r"still miss their targets by 0\.\d+ on average"):
        shocked.set_params(adaptation=[SetBias(esn.bias_), slow]).fit(u)
    assert abs(shocked.adaptation_[1].mean_rate_ - rho)[alive].mean() > 0.1


class SetBias(adaptation.Adaptation):
    def __init__(self, bias):
        self.bias = bias

    def adapt(self, network):
        network.bias = self.bias


def test_the_slowest_controller_keeps_the_spread(rng):
    u = rng.uniform(0, 0.5, (3000, 1))
    rule = MultiScaleHomeostasis(0.5, target_std=0.06, rates=(0.16, 0.012, 0.001, 0.0001), n_epochs=15)
    steady = adapted(u, rule, balanced_network(rng), input_scaling=1)
    without = adapted(u, rule.set_params(target_std=None), balanced_network(rng), input_scaling=1)
    missed = [abs(np.median(esn.transform(u)[500:].std(axis=0)) - 0.06) for esn in (steady, without)]
    assert missed[0] < 0.015 < missed[1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rates": (0.25, 0.012, 0.001, 0.00008)}, r"rates \* taus=\[1.25, 0.6, 0.5, 0.4\] must stay below 1"),
        ({"rates": (0.1, 0.012, 0.001, 0.00008)}, "must not rise: faster loops have to settle first"),
        ({"taus": (5, 40, 500, 5000)}, "must rise at least tenfold each"),
        ({"taus": (5, 50, 500)}, "must hold 4 numbers"),
        ({"taus": (0.5, 50, 500, 5000)}, r"taus\[0\]=0.5 must be a finite number in \[1, inf\)"),
        ({"rates": (0.1, -1, 0, 0)}, r"rates\[1\]=-1"),
        ({"target_rate": 1}, "target_rate=1 must be"),
        ({"target_std": 0}, "target_std=0 must be"),
        ({"n_epochs": 0}, "n_epochs=0 must be an integer of at least 1"),
    ],
)
def test_unstable_scales_are_refused(changed, message, u):
    with pytest.raises(ValueError, match=message):
        adapted(u, MultiScaleHomeostasis().set_params(**changed), n_units=20)


# Hebbian inhibition.


def test_inhibition_equals_its_twin(rng, u):
    W, rho, eta = connectome(rng), 0.4, 0.02
    esn = adapted(u[:50], VogelsInhibition(rho, learning_rate=eta, n_epochs=2), W)
    x, changed = np.zeros(40), W.copy()
    for _ in range(2):
        x = np.zeros(40)
        for start in range(0, 50, 20):
            grown = np.zeros_like(W)
            for t in range(start, min(start + 20, 50)):
                before, x = x, 1 / (1 + np.exp(-(changed @ x + esn.W_in_ @ u[t] + esn.bias_)))
                if t > start:
                    grown += eta * np.outer(x - rho, before)
            changed = np.where(W < 0, np.minimum(changed - grown, 0), W)
    np.testing.assert_allclose(dense(esn.W_), changed, atol=1e-12)


def test_inhibition_brings_rates_to_their_targets(rng, u):
    W = balanced_network(rng)
    before = abs(adapted(u, None, W).transform(u).mean(axis=0) - 0.5).mean()
    after = adapted(u, VogelsInhibition(0.5), W).adaptation_
    assert abs(after.mean_rate_ - 0.5).mean() < 0.05 < before


# Matching the input.


def test_matching_follows_its_equations(rng):
    u = np.cumsum(rng.standard_normal((3000, 2)), axis=0)[:, ::-1] * [1e-3, 1e3] + [5, -7]
    u[:, 1] = 1e3 * rng.standard_normal(3000)
    plain = EchoStateNetwork(input_scaling=[0.1, 0.3], random_state=0).fit(u)
    esn = EchoStateNetwork(
        input_scaling=[0.1, 0.3], adaptation=InputMatching(0.3, longest_time=10), random_state=0
    ).fit(u)
    np.testing.assert_array_equal(esn.adaptation_.correlation_time_, [10, 1])
    scaled = plain.W_in_ / u.std(axis=0)
    tau = np.median([10, 1])
    strength = 0.3 * tau / 10
    np.testing.assert_allclose(esn.W_in_, strength * scaled / np.sqrt((plain.W_in_**2).sum(axis=1).mean()))
    biases = esn.bias_ + esn.W_in_ @ u.mean(axis=0)
    assert stats.kstest(biases, stats.uniform(-0.5, 1.0).cdf).pvalue > 1e-3
    assert stats.kstest(-np.log(esn.leak_rate_) / np.log(tau), "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(dense(esn.W_), dense(plain.W_))


def test_matched_networks_do_not_see_units_of_measurement(rng, u):
    esn = EchoStateNetwork(50, adaptation=InputMatching(), random_state=0)
    np.testing.assert_allclose(esn.fit_transform(1000 * u - 300), esn.fit_transform(u), atol=1e-9)
    assert (esn.leak_rate_ == 1).all()


@pytest.mark.parametrize("period", [8, 20, 100])
def test_the_time_of_a_wave(period):
    """A cosine falls below 1/e at arccos(1/e) = 1.19 rad."""
    waves = [np.sin(2 * np.pi * np.arange(n) / period)[:, None] for n in (40 * period, 3, 60 * period)]
    rule = EchoStateNetwork(20, adaptation=InputMatching(longest_time=50), random_state=0).fit(waves).adaptation_
    assert rule.correlation_time_ == pytest.approx(np.ceil(1.1941 / (2 * np.pi) * period), abs=1)


def test_matching_of_inputs_that_do_not_move(u):
    inputs = np.hstack([u, np.full_like(u, 0.1)])
    plain = EchoStateNetwork(20, random_state=0).fit(inputs)
    esn = EchoStateNetwork(20, adaptation=InputMatching(), random_state=0).fit(inputs)
    assert esn.adaptation_.correlation_time_.tolist() == [1, 1]
    still = esn.set_params(input_scaling=0).fit(inputs)
    assert not still.W_in_.any()
    still = esn.set_params(input_scaling=0.2).fit(0 * inputs)
    np.testing.assert_array_equal(still.W_in_, plain.W_in_)
    assert (still.leak_rate_ == 1).all()


# Structure.


@pytest.mark.parametrize("n_layers", [1, 2])
def test_turnover_keeps_the_number_of_links_and_the_radius(rng, n_layers):
    inputs = rng.uniform(-1, 1, (300, 1))
    plain = EchoStateNetwork(n_units=40, n_layers=n_layers, random_state=0).fit(inputs)
    esn = adapted(inputs, SynapticTurnover(0.1, n_rounds=3), n_units=40, n_layers=n_layers, activation="tanh")
    W, drawn = dense(esn.W_), dense(plain.W_)
    assert np.count_nonzero(W) == np.count_nonzero(drawn)
    assert esn.adaptation_.n_replaced_ == 3 * 40 * (2 * n_layers - 1)
    assert 0 < np.count_nonzero((W != 0) & (drawn == 0)) <= esn.adaptation_.n_replaced_
    assert spectral_radius(esn.W_) == pytest.approx(0.9, rel=1e-6)
    for rows in range(n_layers):
        for columns in range(n_layers):
            block = np.s_[40 * rows : 40 * rows + 40, 40 * columns : 40 * columns + 40]
            assert np.count_nonzero(W[block]) == np.count_nonzero(drawn[block])


def test_turnover_prunes_what_matters_least(rng):
    inputs, W = rng.uniform(-1, 1, (300, 1)), connectome(rng, density=0.2, strength=1)
    states = adapted(inputs, None, W, activation="tanh").transform(inputs)
    esn = adapted(inputs, SynapticTurnover(0.25, n_rounds=1), W, activation="tanh")
    score = (abs(W) * states.std(axis=0))[W != 0]
    pruned = (dense(esn.W_) == 0)[W != 0]
    assert score[pruned].max() <= score[~pruned].min()
    assert np.count_nonzero(dense(esn.W_)) == np.count_nonzero(W)


def test_full_and_empty_networks_have_nothing_to_turn_over(rng, u):
    full = adapted(u, SynapticTurnover(n_rounds=1), rng.normal(0, 0.1, (10, 10)))
    assert full.adaptation_.n_replaced_ == 0
    assert adapted(u, SynapticTurnover(n_rounds=1), np.zeros((10, 10))).adaptation_.n_replaced_ == 0


def test_dormant_units_wake_up(rng):
    inputs, W = rng.uniform(-1, 1, (500, 2)), connectome(rng, strength=1)

    class Harm(adaptation.Adaptation):
        def adapt(self, network):
            network.bias = np.where(np.arange(40) < 5, 50.0, network.bias)  # saturated
            W_in, links = network.W_in.copy(), network.W.toarray()
            W_in[5:8] = links[5:8] = 0  # without input
            network.W, network.W_in = links, W_in

    esn = adapted(inputs, [Harm(), DormantRecycling()], W, activation="tanh", input_scaling=1)
    rule = esn.adaptation_[1]
    np.testing.assert_array_equal(np.flatnonzero(rule.dormant_), np.arange(8))
    assert rule.n_dormant_[0] == 8 > rule.n_dormant_[-1] == 0
    spread = esn.transform(inputs).std(axis=0)
    assert spread.min() > 0.1 * spread.mean()
    others = adapted(inputs, Harm(), W, activation="tanh", input_scaling=1)
    np.testing.assert_array_equal(dense(esn.W_)[8:], dense(others.W_)[8:])
    np.testing.assert_array_equal(esn.bias_[8:], others.bias_[8:])


def test_lively_networks_are_left_alone_and_dead_ones_named(rng):
    inputs = rng.uniform(-1, 1, (500, 1))
    plain = EchoStateNetwork(n_units=30, random_state=0).fit(inputs)
    esn = adapted(inputs, DormantRecycling(), n_units=30, activation="tanh")
    np.testing.assert_array_equal(esn.W_.toarray(), plain.W_.toarray())
    assert not esn.adaptation_.dormant_.any()
    with pytest.warns(RuntimeWarning, match="no unit moves, is the input constant"):
        dead = adapted(0 * inputs, DormantRecycling(n_rounds=1), n_units=30, activation="tanh", bias_scaling=0)
    assert dead.adaptation_.n_dormant_.tolist() == [30, 30]


# The self-organising network.


def test_sorn_equals_its_twin(rng):
    inputs = rng.uniform(-1, 1, (60, 2))
    parameters = {"n_exc": 30, "n_inh": 6, "in_degree": 4, "n_input_units": 5, "random_state": 1}
    drawn = SORN(**parameters, stdp_rate=0, ip_rate=0).fit(inputs)
    sorn = SORN(**parameters, stdp_rate=0.1, ip_rate=0.02).fit(inputs)
    weights, threshold = drawn.weights_.copy(), drawn.threshold_exc_.copy()
    x, y, active = np.zeros(30), np.zeros(6), np.zeros(30)
    for u in inputs:
        drive = np.zeros(30)
        for feature, units in zip(u, drawn.input_units_, strict=True):
            drive[units] += feature
        W = np.zeros((30, 30))
        np.put_along_axis(W, drawn.sources_.astype(int), weights, axis=1)
        received = W @ x - drawn.W_ei_ @ y + drive
        assert abs(received - threshold).min() > 1e-12  # no tie for rounding to decide
        before, x = x, (received > threshold).astype(float)
        y = (drawn.W_ie_ @ x > drawn.threshold_inh_).astype(float)
        change = x[:, None] * before[drawn.sources_] - before[:, None] * x[drawn.sources_]
        weights = np.maximum(weights + 0.1 * change, 0)
        weights /= weights.sum(axis=1, keepdims=True)
        threshold += 0.02 * (x - 0.1)
        active += x
    np.testing.assert_allclose(sorn.weights_, weights, atol=1e-12)
    np.testing.assert_allclose(sorn.threshold_exc_, threshold, atol=1e-12)
    np.testing.assert_array_equal(sorn.mean_rate_, active / 60)
    assert not np.array_equal(sorn.weights_, drawn.weights_)


def test_sorn_counts_better_than_a_static_network_and_keeps_its_rate():
    counts = pytest.importorskip("bench.adaptation", reason="bench/ is not in the source distribution").counts
    organised, static = SORN(), SORN(stdp_rate=0, ip_rate=0)
    for seed in range(3):
        assert counts(int, organised, 6, seed) > counts(int, static, 6, seed)
    assert abs(organised.mean_rate_.mean() - 0.1) < 0.02
    np.testing.assert_allclose(organised.weights_.sum(axis=1), 1)
    assert organised.weights_.min() >= 0


# Time steps depend on those before them.
@parametrize_with_checks(
    [SORN(n_exc=20, n_inh=5, in_degree=3, n_input_units=3)],
    expected_failed_checks=lambda _: dict.fromkeys(
        ("check_methods_sample_order_invariance", "check_methods_subset_invariance"), "rows are time steps"
    ),
)
def test_sorn_is_a_transformer_of_scikit_learn(estimator, check):
    check(estimator)


def test_sorn_in_files_and_on_many_sequences(rng, tmp_path):
    one, two = rng.uniform(-1, 1, (40, 2)), rng.uniform(-1, 1, (30, 2))
    sorn = SORN(n_exc=20, n_inh=4, n_epochs=2, random_state=0).fit([one, two])
    states = sorn.transform([one, two])
    np.testing.assert_array_equal(states[1], sorn.transform(two))
    save(sorn, tmp_path / "sorn.npz")
    np.testing.assert_array_equal(load(tmp_path / "sorn.npz").transform(one), states[0])
    assert set(np.unique(states[0])) == {0, 1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"in_degree": 200}, "in_degree=200 must be below n_exc=200"),
        ({"n_input_units": 201}, "n_input_units=201 at most as large"),
        ({"n_inh": 0}, "n_inh=0 must be"),
        ({"stdp_rate": -1}, "stdp_rate=-1 must be"),
        ({"target_rate": 2}, "target_rate=2 must be"),
        ({"n_epochs": 0}, "n_epochs=0 must be"),
    ],
)
def test_errors_of_sorn(parameters, message, u):
    with pytest.raises(ValueError, match=message):
        SORN(**parameters).fit(u)


# Errors.


@pytest.mark.parametrize(
    ("rule", "parameters", "message"),
    [
        (InputMatching(-1), {}, "input_std=-1 must be"),
        (InputMatching(bias_scaling=np.nan), {}, "bias_scaling=nan must be"),
        (InputMatching(longest_time=0.5), {}, "longest_time=0.5 must be"),
        (IntrinsicPlasticity(std=0), {}, r"std=0 must be a finite number in \(0, inf\)"),
        (IntrinsicPlasticity(learning_rate=-1), {}, "learning_rate=-1 must be"),
        (IntrinsicPlasticity(0.0), {}, r"mean=0.0 must be a finite number in \(0, 1\]"),
        (IntrinsicPlasticity(2, n_epochs=1), {"activation": "tanh"}, r"mean=2 must be a finite number in \[-1, 1\]"),
        (
            IntrinsicPlasticity(),
            {"activation": "relu"},
            "IntrinsicPlasticity cannot adapt .* activation='relu' is not one of",
        ),
        (IntrinsicPlasticity(), {"n_layers": 2}, "IntrinsicPlasticity adapts networks of one layer"),
        (IntrinsicPlasticity(), {"dynamics": "euler"}, r"IntrinsicPlasticity adapts dynamics='leaky', not Euler\(\)"),
        (
            SynapticTurnover(),
            {"dynamics": "euler"},
            r"SynapticTurnover would undo what Euler\(\) makes",
        ),
        (DivisiveGainControl(std=np.nan), {}, "std=nan must be"),
        (DivisiveGainControl(n_epochs=1.5), {}, "n_epochs=1.5 must be an integer"),
        (GainWhitening(learning_rate=2), {}, r"learning_rate=2 must be a finite number in \(0, 1\]"),
        (GainWhitening(batch_size=0), {}, "batch_size=0 must be an integer"),
        (
            MultiScaleHomeostasis(),
            {"activation": "tanh"},
            "MultiScaleHomeostasis cannot adapt .* activation='tanh' is not one of",
        ),
        (VogelsInhibition(), {"activation": "tanh"}, "VogelsInhibition needs rates between 0 and 1"),
        (VogelsInhibition(), {"topology": np.eye(5)}, "VogelsInhibition changes negative weights, and the network has"),
        (VogelsInhibition(learning_rate=0), {}, "learning_rate=0 must be"),
        (SynapticTurnover(1), {}, "fraction=1 must be below 1"),
        (SynapticTurnover(0), {}, "fraction=0 must be"),
        (SynapticTurnover(n_rounds=0), {}, "n_rounds=0 must be"),
        (DormantRecycling(1), {}, "threshold=1 must be below 1"),
        (DormantRecycling(-1), {}, "threshold=-1 must be"),
    ],
    ids=str,
)
def test_errors(u, rule, parameters, message):
    esn = EchoStateNetwork(n_units=20, activation="sigmoid", random_state=0).fit(u)
    esn.set_params(adaptation=rule, **parameters)
    before = vars(esn).copy()
    with pytest.raises(ValueError, match=message):
        esn.fit(u)
    assert vars(esn) == before


@pytest.mark.parametrize("name", ["intrinsic_plasticity", "divisive_gain", "multi_scale"])
def test_the_core_refuses_arrays_that_do_not_fit(name, rng):
    n = 5
    parts, _ = parts_of(rng, n, 2, [(np.eye(n), False), (np.eye(n), False), (np.eye(n), True)])
    run = {"leak": np.ones(n), "inputs": np.zeros((3, 2)), "state": np.zeros(n)}
    bias = {"bias": np.zeros(n)}
    arguments = {
        "intrinsic_plasticity": {
            "parts": parts[2:], "activation": "tanh", "mean": 0.0, "std": 1.0, "rate": 0.1, "rate_fall": 0.0,
            "least_gain": 0.1, "gain": np.ones(n), **bias, **run,
        },
        "divisive_gain": {
            "parts": parts[2:], "activation": "tanh", "std": 1.0, "rate": 0.1, "rate_fall": 0.0,
            "least_division": 0.0, "division": np.ones(n), **bias, **run,
        },
        "multi_scale": {
            "parts": parts, "smoothing": [0.1] * 4, "rates": [0.0] * 4, "brake": 0.0, "averages": np.zeros((4, n)),
            "target_variance": np.ones(n), **bias, **run,
            **{key: np.ones(n) for key in (
                "target_rate", "excitation_scale", "inhibition_scale", "excitation", "inhibition", "variance",
            )},
        },
    }[name]  # fmt: skip
    call = getattr(_core, name)
    call(**arguments)
    for key, value in arguments.items():
        if isinstance(value, np.ndarray):
            for wrong in (np.zeros((*value.shape, 1)), np.zeros((n + 1,) * value.ndim)):
                with pytest.raises(ValueError, match=r"must (have shape|be 2-D)|do not fit"):
                    call(**{**arguments, key: wrong})
            with pytest.raises(TypeError):
                call(**{**arguments, key: value.astype(np.float32)})
    with pytest.raises(ValueError, match="a rule needs"):
        call(**{**arguments, "parts": []})
    with pytest.raises(ValueError, match="do not fit"):
        call(**{**arguments, "inputs": np.zeros((3, 4))})
    with pytest.raises(TypeError):
        call(**{**arguments, "parts": [None] * len(arguments["parts"])} | {"leak": None})
