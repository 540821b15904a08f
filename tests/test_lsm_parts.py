"""Parts of liquids: what parameters become, against numbers worked out by hand."""

import copy
import pickle
from math import exp

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone

from reservoirs import LiquidStateMachine, _values
from reservoirs._values import ANY, POSITIVE, PROBABILITY, Bounds, per_neuron, per_synapse, per_target
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import (
    LIF,
    PRESETS,
    AdaptiveLIF,
    DeltaSynapse,
    DoubleExponentialSynapse,
    ExponentialSynapse,
    Izhikevich,
    Izhikevich2007,
    TsodyksMarkram,
)
from reservoirs.topology import ErdosRenyi

N, N_EXC = 5, 3
IS_EXC = np.arange(N) < N_EXC
# A synapse of each block, in the order EE, EI, IE, II, and one more EI.
SOURCE = np.array([True, True, False, False, True])
TARGET = np.array([True, False, True, False, False])
BY_BLOCK = {"EE": 1.0, "EI": 2.0, "IE": 3.0, "II": 4.0}
SHARES = {"EE": 0.5, "EI": 0.25, "IE": 1.0, "II": 0.125}

MODELS = [
    LIF(v_reset=stats.uniform(0, 5), refractory={"exc": 3.0, "inh": 2.0}),
    AdaptiveLIF(tau_adapt=stats.uniform(50, 50)),
    Izhikevich(),
    Izhikevich.cortical(),
    Izhikevich2007(C=stats.norm(100, 10)),
]
SYNAPSES = [
    DeltaSynapse(),
    ExponentialSynapse(tau_syn={"exc": stats.uniform(2, 1), "inh": 6.0}),
    DoubleExponentialSynapse(),
]


def rng(seed=0):
    return np.random.default_rng(seed)


def compiled(neuron, dt=1.0, seed=0, **options):
    return neuron.compile(N, N_EXC, dt, rng(seed), **options)


def assert_same(first, second):
    for name, value in vars(first).items():
        assert_array_equal(value, getattr(second, name), err_msg=name)


# Drawing values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, [2, 2, 2, 2, 2]),
        (np.float32(0.5), [0.5] * 5),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        ({"exc": 1, "inh": [2, 3]}, [1, 1, 1, 2, 3]),
    ],
)
def test_values_of_neurons(value, expected):
    values = per_neuron("x", value, IS_EXC, rng())
    assert values.dtype == np.float64
    assert_array_equal(values, expected)


def test_kinds_may_be_in_any_order():
    is_exc = np.array([False, True, True, False])
    assert_array_equal(per_neuron("x", {"exc": [1, 2], "inh": [3, 4]}, is_exc, rng()), [3, 1, 2, 4])


def test_distribution_of_neurons_is_drawn_as_by_hand():
    values = per_neuron("x", stats.gamma(2.0), IS_EXC, rng())
    assert_array_equal(values, stats.gamma(2.0).rvs(size=N, random_state=rng()))


def test_polynomials_share_their_q():
    q = rng().random(N)
    assert_allclose(per_neuron("x", Polynomial([1, 0, 2]), IS_EXC, rng(), q=q), 1 + 2 * q**2)
    assert_allclose(per_neuron("x", {"exc": 0, "inh": Polynomial([1, 3])}, IS_EXC, rng(), q=q)[3:], 1 + 3 * q[3:])


def test_a_given_array_is_not_shared():
    given = np.zeros(N)
    per_neuron("x", given, IS_EXC, rng())[:] = 1
    per_synapse("x", given, SOURCE, TARGET, rng())[:] = 1
    assert not given.any()


def test_draws_are_truncated_not_clipped():
    values = per_target("x", stats.norm(0, 1), 20_000, rng(), Bounds(0.0, 1.0))
    assert 0 < values.min() < values.max() < 1
    expected = stats.truncnorm(0, 1)
    assert stats.kstest(values, expected.cdf).pvalue > 0.01


def test_values_of_synapses():
    assert_array_equal(per_synapse("w", 0.7, SOURCE, TARGET, rng()), [0.7] * 5)
    assert_array_equal(per_synapse("w", [1, 2, 3, 4, 5], SOURCE, TARGET, rng()), [1, 2, 3, 4, 5])
    assert_array_equal(per_synapse("w", BY_BLOCK, SOURCE, TARGET, rng()), [1, 2, 3, 4, 2])
    assert_array_equal(per_synapse("w", BY_BLOCK, SOURCE[:0], TARGET[:0], rng()), [])


def test_values_of_synapses_across_chunks(monkeypatch):
    monkeypatch.setattr(_values, "_CHUNK", 2)
    assert_array_equal(per_synapse("w", BY_BLOCK, SOURCE, TARGET, rng()), [1, 2, 3, 4, 2])
    assert_array_equal(
        per_synapse("w", stats.norm(), SOURCE, TARGET, rng()),
        np.concatenate([(draw := stats.norm().rvs)(2, g := rng()), draw(2, g), draw(1, g)]),
    )


def test_statistics_of_blocks():
    generator = rng()
    source, target = generator.random((2, 40_000)) < 0.8
    weight = PRESETS["maass-2002"]["weight"]
    values = per_synapse("w", weight, source, target, generator, POSITIVE)
    for block, mean, members in (("EE", 30, source & target), ("IE", 19, ~source & target)):
        drawn = values[members]
        assert drawn.mean() == pytest.approx(mean, rel=0.05)
        assert drawn.std() == pytest.approx(0.7 * mean, rel=0.05), block


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fast", r"x='fast' must be a number, an array of shape \(5,\) or a frozen .* the keys \['exc', 'inh'\]"),
        (None, "x=None must be a number"),
        (True, "x=True must be a number"),
        (-1.0, r"x=-1.0 must be a finite number in \(0, inf\)"),
        (np.inf, "x=inf must be a finite number"),
        ([1.0, 2.0], r"x has shape \(2,\) and dtype float64; expected numbers of shape \(5,\)"),
        (["a"] * 5, r"x has shape \(5,\) and dtype <U1; expected numbers"),
        ([1, 1, np.nan, 1, 1], r"x\[2\]=nan must be a finite number"),
        ({"exc": 1.0}, r"x has the keys \['exc'\]; expected \['exc', 'inh'\]"),
        ({"exc": 1.0, "inh": 0.0}, r"x\['inh'\]=0.0 must be"),
        ({"exc": 1.0, "inh": {"exc": 1.0, "inh": 1.0}}, r"x\['inh'\]=\{'exc'"),
        ({"exc": [1.0], "inh": 1.0}, r"x\['exc'\] has shape \(1,\) .* expected numbers of shape \(3,\)"),
        (stats.norm(-100, 1), r"x: the distribution lies almost wholly outside of \(0, inf\); 5 of 5"),
        (Polynomial([-1, 0.5]), r"x\[0\]=-0.68.* must be a finite number in \(0, inf\)"),
    ],
)
def test_wrong_values_of_neurons(value, message):
    with pytest.raises(ValueError, match=message):
        per_neuron("x", value, IS_EXC, rng(), POSITIVE, q=rng().random(N))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"exc": 1, "inh": 1}, r"w has the keys \['exc', 'inh'\]; expected \['EE', 'EI', 'IE', 'II'\]"),
        ({**SHARES, "II": 2.0}, r"w\['II'\]=2.0 must be a finite number in \[0, 1\]"),
        ({**SHARES, "EI": [1.0, 2.0]}, r"w\['EI'\]=\[1.0, 2.0\] must be a number or a frozen"),
        ({**SHARES, "EI": stats.norm(5, 0.1)}, r"w\['EI'\]: the distribution lies almost wholly outside of \[0, 1\]"),
        ([1.0], r"w has shape \(1,\) and dtype float64; expected numbers of shape \(5,\)"),
        (Polynomial([1]), r"w=Polynomial.* must be a number, an array of shape \(5,\) .*'EE'"),
        (None, "w=None must be a number"),
    ],
)
def test_wrong_values_of_synapses(value, message):
    with pytest.raises(ValueError, match=message):
        per_synapse("w", value, SOURCE, TARGET, rng(), PROBABILITY)


# Neurons


def test_lif_of_nalsm():
    neurons = compiled(LIF())
    decay, gain, drift, v_thresh, v_reset, refractory, v_min, adapt_decay, adapt_step = neurons.parameters[:, 0]
    assert (decay, gain, drift) == (63 / 64, 1, 0)
    assert (v_thresh, v_reset, refractory, v_min) == (20, 0, 2, -np.inf)
    assert (adapt_decay, adapt_step) == (0, 0)
    assert neurons.model == "lif"
    assert neurons.parameters.shape == (9, N)
    assert_array_equal(neurons.v_init, np.zeros(N))
    assert neurons.u_init is None
    assert (neurons.soft_reset, neurons.hold, neurons.adaptive) == (False, False, False)


@pytest.mark.parametrize(("integration", "leak"), [("euler", 0.5 / 30), ("exact", 1 - exp(-0.5 / 30))])
def test_lif_with_resistance(integration, leak):
    neuron = LIF(
        tau_mem=30.0, v_rest=-70.0, v_reset=-65.0, v_thresh=-50.0, resistance=4.0, bias=2.0, integration=integration
    )
    neurons = compiled(neuron, dt=0.5)
    assert_allclose(neurons.parameters[0], 1 - leak)
    assert_allclose(neurons.parameters[1], 4 * leak)
    assert_allclose(neurons.parameters[2], leak * -70 + 4 * leak * 2)
    assert_array_equal(neurons.v_init, [-70] * N)
    # Without a resistance currents count as they are, whatever the integration.
    neurons = compiled(clone(neuron).set_params(resistance=None), dt=0.5)
    assert_allclose(neurons.parameters[1:3, 0], [1, leak * -70 + 2])


def test_lif_stays_at_its_fixed_point():
    neurons = compiled(LIF(v_rest=3.0, resistance=2.0, bias=1.5, integration="exact"), dt=0.3)
    decay, _, drift = neurons.parameters[:3]
    assert_allclose(decay * 6.0 + drift, 6.0)  # v_rest + R I


def test_lif_options():
    neurons = compiled(LIF(reset="soft", v_min=-5.0, hold_refractory=True, v_init=[1, 2, 3, 4, 5]))
    assert neurons.soft_reset
    assert neurons.hold
    assert_array_equal(neurons.parameters[6], [-5] * N)
    assert_array_equal(neurons.v_init, [1, 2, 3, 4, 5])


def test_refractory_time_is_rounded_to_steps():
    neurons = compiled(LIF(refractory={"exc": 3.0, "inh": 2.04}), dt=0.1)
    assert_array_equal(neurons.parameters[5], [30, 30, 30, 20, 20])


def test_adaptive_lif():
    neurons = compiled(AdaptiveLIF(tau_adapt=200.0, adapt_step={"exc": 1.5, "inh": 0.0}, reset="soft"), dt=0.5)
    assert_allclose(neurons.parameters[7], exp(-0.5 / 200))
    assert_array_equal(neurons.parameters[8], [1.5, 1.5, 1.5, 0, 0])
    assert neurons.adaptive
    assert neurons.soft_reset
    assert_array_equal(neurons.parameters[:7], compiled(LIF(), dt=0.5).parameters[:7])


def test_adaptive_lif_takes_all_parameters_of_lif():
    values = {name: f"of {name}" for name in LIF().get_params()}
    assert AdaptiveLIF(**values).get_params() == {**values, "tau_adapt": 100.0, "adapt_step": 1.0}


def test_izhikevich():
    neurons = compiled(Izhikevich(bias=4.0), dt=0.5)
    assert_allclose(
        neurons.parameters[:, 0], [0.04 / 4, 5 / 4, 144 / 4, 1 / 4, 0.5 * 0.02 * 0.2, 0.5 * 0.02, 0, 30, -65, 8]
    )
    assert neurons.model == "izhikevich"
    assert_array_equal(neurons.v_init, [-65] * N)
    assert_allclose(neurons.u_init, [-13] * N)
    assert_array_equal(compiled(Izhikevich(u_init=1.0)).u_init, [1] * N)


def step_izhikevich(parameters, v, u, current):
    """One step as the core takes it, after spikes."""
    q2, q1, q0, k, uab, ua, uc, _, _, _ = parameters
    for _ in range(2):
        v = v + (q2 * v + q1) * v + (k * (current - u) + q0)
    return v, u + (uab * v - ua * u + uc)


def test_izhikevich_2007():
    neuron = Izhikevich2007(C=80.0, k=0.7, v_r=-60.0, v_t=-40.0, a=0.03, b=-2.0, bias=10.0)
    parameters = compiled(neuron, dt=0.4).parameters[:, 0]
    assert_array_equal(parameters[7:], [35, -50, 100])
    v, u = v0, u0 = -45.0, 20.0
    for _ in range(2):
        v += 0.2 * (0.7 * (v + 60) * (v + 40) - u0 + 70 + 10) / 80
    u = u0 + 0.4 * 0.03 * (-2.0 * (v + 60) - u0)
    assert_allclose(step_izhikevich(parameters, v0, u0, 70.0), (v, u))


def test_izhikevich_2007_rests_at_v_r():
    neurons = compiled(Izhikevich2007(v_r=stats.uniform(-65, 10)))
    assert len(set(neurons.v_init)) == N
    v, u = step_izhikevich(neurons.parameters, neurons.v_init, neurons.u_init, 0.0)
    assert_allclose(v, neurons.v_init)
    assert_allclose(u, 0, atol=1e-12)


def test_cortical_izhikevich_neurons():
    neurons = Izhikevich.cortical().compile(1000, 800, 1.0, rng())
    uab, ua, c, d = neurons.parameters[[4, 5, 8, 9]]
    b = uab / ua
    q = np.sqrt((c[:800] + 65) / 15)
    assert_allclose(d[:800], 8 - 6 * q**2)
    assert_allclose((ua[:800], b[:800]), ([0.02] * 800, [0.2] * 800))
    assert stats.kstest(q, "uniform").pvalue > 0.01
    q = (ua[800:] - 0.02) / 0.08
    assert_allclose(b[800:], 0.25 - 0.05 * q)
    assert_array_equal((c[800:], d[800:]), ([-65] * 200, [2] * 200))
    assert stats.kstest(q, "uniform").pvalue > 0.01
    assert_allclose(neurons.u_init, b * -65)


def test_parameters_have_streams_of_their_own():
    one = compiled(LIF(v_reset=stats.uniform(0, 5)))
    two = compiled(LIF(v_thresh=stats.uniform(20, 5), v_reset=stats.uniform(0, 5), resistance=2.0, v_init=1.0))
    assert_array_equal(one.parameters[4], two.parameters[4])
    assert not np.array_equal(one.parameters[4], two.parameters[3] - 20)


def test_excitatory_neurons_in_any_order():
    excitatory = [False, True, True, False, True]
    neurons = compiled(LIF(refractory={"exc": 3.0, "inh": 1.0}), excitatory=excitatory)
    assert_array_equal(neurons.parameters[5], [1, 3, 3, 1, 3])


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (LIF(tau_mem=0.0), "tau_mem=0.0 must be a finite number in"),
        (LIF(tau_mem=0.5), "tau_mem=0.5 must be at least dt=1 with integration='euler'; take integration='exact'"),
        (LIF(v_reset=25.0), "v_reset=25 of unit 0 must be below v_thresh=20"),
        (LIF(v_thresh=[9, 9, 9, -1, 9]), "v_reset=0 of unit 3 must be below v_thresh=-1"),
        (LIF(v_min=20.0), "v_min=20 of unit 0 must be below v_thresh=20"),
        (LIF(refractory=-1.0), "refractory=-1.0 must be a finite number in"),
        (LIF(resistance=0.0), "resistance=0.0 must be"),
        (LIF(bias="none"), "bias='none' must be a number"),
        (LIF(reset="none"), "reset='none' is not one of 'hard', 'soft'"),
        (LIF(integration="rk4"), "integration='rk4' is not one of 'euler', 'exact'"),
        (LIF(hold_refractory=1), "hold_refractory=1 must be True or False"),
        (AdaptiveLIF(tau_adapt=0.0), "tau_adapt=0.0 must be"),
        (AdaptiveLIF(adapt_step=-1.0), "adapt_step=-1.0 must be"),
        (Izhikevich(a=-0.1), "a=-0.1 must be"),
        (Izhikevich(c=30.0), "c=30 of unit 0 must be below v_peak=30"),
        (Izhikevich(v_init=None), "v_init=None must be a number"),
        (Izhikevich2007(C=0.0), "C=0.0 must be"),
        (Izhikevich2007(k=0.0), "k=0.0 must be"),
    ],
)
def test_wrong_neurons(neuron, message):
    with pytest.raises(ValueError, match=message):
        compiled(neuron)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 0, 1.0), {}, "n_units=0 must be an integer of at least 1"),
        ((5, 6, 1.0), {}, "n_exc=6 must be at most n_units=5"),
        ((5, 3, 0.0), {}, "dt=0.0 must be a finite number in"),
        ((3, 2, 1.0), {"excitatory": [True, False, False]}, r"excitatory has shape \(3,\), dtype bool and 1 non-zero"),
        ((3, 2, 1.0), {"excitatory": [1, 1, 0]}, r"excitatory has .* dtype int64 .* expected shape \(3,\), dtype bool"),
    ],
)
def test_wrong_sizes_of_neurons(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        LIF().compile(*arguments, rng(), **options)


# Synapses


def test_delta_synapse():
    synapses = DeltaSynapse().compile(N, 1.0, rng())
    assert (synapses.kind, synapses.n_channels, synapses.nearest) == ("delta", 1, False)
    assert_array_equal(synapses.decay, np.zeros((1, N)))
    assert synapses.rise is synapses.norm is None


def test_exponential_synapse():
    synapses = ExponentialSynapse(tau_syn=4.0, kernel="nearest").compile(N, 0.5, rng())
    assert (synapses.kind, synapses.n_channels, synapses.nearest) == ("exponential", 1, True)
    assert_allclose(synapses.decay, np.full((1, N), exp(-0.125)))


def test_channels_go_by_source():
    synapse = ExponentialSynapse(tau_syn={"exc": [1, 2, 3, 4, 5], "inh": stats.uniform(6, 1)})
    synapses = synapse.compile(N, 1.0, rng())
    assert synapses.n_channels == 2
    assert not synapses.nearest
    assert_allclose(synapses.decay[0], np.exp(-1 / np.arange(1, 6)))
    assert ((synapses.decay[1] >= exp(-1 / 6)) & (synapses.decay[1] <= exp(-1 / 7))).all()
    assert len(set(synapses.decay[1])) == N


def test_double_exponential_synapse():
    synapses = DoubleExponentialSynapse(tau_rise=2.0, tau_decay={"exc": 8.0, "inh": 4.0}).compile(N, 0.5, rng())
    assert (synapses.kind, synapses.n_channels) == ("double", 2)
    assert_allclose(synapses.decay[:, 0], [exp(-0.5 / 8), exp(-0.5 / 4)])
    assert_allclose(synapses.rise[:, 0], [exp(-0.5 / 2)] * 2)
    assert_allclose(synapses.norm[:, 0], [1 / 6, 1 / 2])
    assert synapses.decay.shape == synapses.rise.shape == synapses.norm.shape == (2, N)


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        (ExponentialSynapse(tau_syn=0.0), "tau_syn=0.0 must be a finite number in"),
        (ExponentialSynapse(tau_syn={"exc": 1.0, "inh": -1.0}), r"tau_syn\['inh'\]=-1.0 must be"),
        (ExponentialSynapse(tau_syn={"EE": 1.0}), r"tau_syn has the keys \['EE'\]; expected \['exc', 'inh'\]"),
        (ExponentialSynapse(tau_syn={"exc": {"exc": 1, "inh": 1}, "inh": 1}), r"tau_syn\['exc'\]=\{'exc'.* must be a"),
        (ExponentialSynapse(tau_syn="fast"), "tau_syn='fast' must be a number, an array"),
        (ExponentialSynapse(kernel="alpha"), "kernel='alpha' is not one of 'additive', 'nearest'"),
        (
            ExponentialSynapse([1, 2, 1, 1, 1], "nearest"),
            r"tau_syn=\[1, 2, 1, 1, 1\] must be a number, or a dict of two",
        ),
        (DoubleExponentialSynapse(8.0, 8.0), "tau_rise=8 of unit 0 must be below tau_decay=8"),
        (DoubleExponentialSynapse(1.0, [2, 2, 1, 2, 2]), "tau_rise=1 of unit 2 must be below tau_decay=1"),
    ],
)
def test_wrong_synapses(synapse, message):
    with pytest.raises(ValueError, match=message):
        synapse.compile(N, 1.0, rng())


def test_short_term_plasticity_without_spread():
    plastic = TsodyksMarkram(U=SHARES, D=100.0, F=50.0, spread=0.0)
    plasticity = plastic.compile(SOURCE, TARGET, 0.5, rng())
    assert_array_equal(plasticity.utilisation, [0.5, 0.25, 1, 0.125, 0.25])
    assert_array_equal(plasticity.depression, [0.005] * 5)
    assert_array_equal(plasticity.facilitation, [0.01] * 5)


def test_spread_of_short_term_plasticity():
    is_exc = np.ones(20_000, dtype=bool)
    U, D = 0.5, stats.uniform(100, 10)
    plasticity = TsodyksMarkram(U=U, D=D, F=50.0, spread=0.5).compile(is_exc, is_exc, 1.0, rng())
    assert stats.kstest(plasticity.utilisation, stats.truncnorm(-2, 2, 0.5, 0.25).cdf).pvalue > 0.01
    assert stats.kstest(1 / plasticity.facilitation, stats.truncnorm(-2, np.inf, 50, 25).cdf).pvalue > 0.01
    # Distributions are taken as they are.
    assert stats.kstest(1 / plasticity.depression, D.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"U": 1.5}, r"U=1.5 must be a finite number in \(0, 1\]"),
        ({"U": {**SHARES, "IE": 3.0}}, r"U\['IE'\]=3.0 must be"),
        ({"U": 0.0, "spread": 0.0}, "U=0.0 must be"),
        ({"D": {"exc": 1.0, "inh": 1.0}}, r"D has the keys \['exc', 'inh'\]; expected \['EE', 'EI', 'IE', 'II'\]"),
        ({"F": 0.0}, "F=0.0 must be"),
        ({"F": "slow"}, "F='slow' must be a number"),
        ({"spread": -0.1}, "spread=-0.1 must be"),
    ],
)
def test_wrong_short_term_plasticity(parameters, message):
    with pytest.raises(ValueError, match=message):
        TsodyksMarkram(**parameters).compile(SOURCE, TARGET, 1.0, rng())


# All parts


@pytest.mark.parametrize("part", [*MODELS, *SYNAPSES], ids=lambda part: type(part).__name__)
def test_copies_compile_alike(part):
    sizes = (N, N_EXC) if part in MODELS else (N,)
    for twin in (clone(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert_same(part.compile(*sizes, 1.0, rng()), twin.compile(*sizes, 1.0, rng()))
        assert repr(twin).startswith(type(part).__name__)


def test_copies_of_short_term_plasticity():
    part = PRESETS["maass-2002"]["short_term"]
    for twin in (clone(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert_same(part.compile(SOURCE, TARGET, 1.0, rng()), twin.compile(SOURCE, TARGET, 1.0, rng()))


# Presets

PARAMETERS = {
    *("topology", "neuron", "synapse", "weight", "weight_sign", "frac_exc", "delay", "short_term", "plasticity"),
    *("input_topology", "input_density", "input_weight", "input_sign", "input_refractory", "dt"),
}


def test_presets_are_a_mapping():
    assert list(PRESETS) == ["nalsm-1000", "nalsm-8000", "receptive-fields-8000", "maass-2002", "zhang-2015"]
    assert len(PRESETS) == 5
    assert "nalsm-9000" not in PRESETS
    assert "'zhang-2015'" in repr(PRESETS)


def test_presets_are_fresh():
    PRESETS["nalsm-1000"]["neuron"].set_params(tau_mem=1.0)
    assert PRESETS["nalsm-1000"]["neuron"].tau_mem == 64.0


@pytest.mark.parametrize(("name", "n_units"), [("nalsm-1000", 1000), ("nalsm-8000", 8000), ("maass-2002", 135)])
def test_sizes_of_presets(name, n_units):
    assert PRESETS[name]["topology"].n_units == n_units


def test_rules_of_presets():
    for name, w_astro in (("nalsm-1000", 0.015), ("nalsm-8000", 0.0075)):
        rule = PRESETS[name]["plasticity"]
        assert (rule.w_astro, rule.n_snapshots, rule.in_samples) == (w_astro, 50_000, True)
        assert LiquidStateMachine(name, plasticity="preset")._learning.get_params() == rule.get_params()
    with pytest.raises(ValueError, match="preset='zhang-2015' has no plasticity"):
        LiquidStateMachine("zhang-2015", plasticity="preset").fit(np.ones((2, 5)))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_compile(name):
    preset = PRESETS[name]
    assert set(preset) == PARAMETERS
    dt = preset["dt"]
    generator = rng()
    neurons = preset["neuron"].compile(N, N_EXC, dt, generator)
    assert np.isfinite(neurons.v_init).all()
    assert np.isfinite(preset["synapse"].compile(N, dt, generator).decay).all()
    assert (per_synapse("weight", preset["weight"], SOURCE, TARGET, generator, POSITIVE) > 0).all()
    assert (np.rint(per_synapse("delay", preset["delay"], SOURCE, TARGET, generator, POSITIVE) / dt) >= 1).all()
    assert (per_neuron("input_weight", preset["input_weight"], IS_EXC, generator, POSITIVE) > 0).all()
    if preset["short_term"] is not None:
        preset["short_term"].compile(SOURCE, TARGET, dt, generator)
    assert 0 < preset["frac_exc"] < 1
    assert 0 < preset["input_density"] <= 1
    assert preset["input_sign"] in ("random", "positive")
    again = pickle.loads(pickle.dumps(preset))
    assert_same(again["neuron"].compile(N, N_EXC, dt, rng()), preset["neuron"].compile(N, N_EXC, dt, rng()))


def test_classical_liquid():
    preset = PRESETS["maass-2002"]
    neurons = preset["neuron"].compile(1000, 800, preset["dt"], rng())
    v_thresh, v_reset, refractory = neurons.parameters[3:6]
    assert_array_equal(refractory, [30] * 800 + [20] * 200)
    assert 13.8 <= v_reset.min() < v_reset.max() <= 14.5
    assert 13.5 <= neurons.v_init.min() < neurons.v_init.max() <= 14.9
    # Where the background current alone would take the potential: near the threshold, never there.
    decay, _, drift = neurons.parameters[:3]
    rest = drift / (1 - decay)
    assert 13.5 <= rest.min() < rest.max() <= 14.5 < v_thresh.min()
    assert neurons.hold
    delays = per_synapse("delay", preset["delay"], SOURCE, TARGET, rng(), ANY)
    assert_allclose(delays, [1.5, 0.8, 0.8, 0.8, 0.8], rtol=0.5)


# -- balance ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("synapse", "kernels"),
    [
        (DeltaSynapse(), [lambda t: t == 0] * 2),
        (ExponentialSynapse({"exc": 3.0, "inh": 6.0}), [lambda t: np.exp(-t / 3), lambda t: np.exp(-t / 6)]),
        (
            DoubleExponentialSynapse(1.0, {"exc": 4.0, "inh": 9.0}),
            [lambda t, tau=tau: (np.exp(-t / tau) - np.exp(-t)) / (tau - 1) for tau in (4, 9)],
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("sign", ["dale", "random"])
def test_balance_is_of_what_spikes_carry(synapse, kernels, sign):
    settings = {
        "topology": ErdosRenyi(80, 0.1),
        "synapse": synapse,
        "weight": stats.gamma(2.0),
        "weight_sign": sign,
        "random_state": 0,
        "dtype": "float64",
    }
    drawn = LiquidStateMachine(**settings).fit(np.ones((3, 2)))
    model = LiquidStateMachine(balance=-0.4, **settings).fit(np.ones((3, 2)))
    t = np.arange(400.0)
    carries = np.where(model.excitatory_, *(kernel(t).sum() for kernel in kernels))
    W, before = model.W_.toarray(), drawn.W_.toarray()
    exc, inh = (np.maximum(W, 0) * carries).sum(axis=1), (np.maximum(-W, 0) * carries).sum(axis=1)
    both = (exc > 0) & (inh > 0)
    assert_allclose(inh[both], 1.4 * exc[both], rtol=1e-12)
    assert 60 < np.count_nonzero(both) < 80
    assert_array_equal(W[~both], before[~both])
    assert_array_equal(np.maximum(W, 0), np.maximum(before, 0))
    # One factor for each neuron.
    assert_allclose(W[:, 60] * before[:, 70], before[:, 60] * W[:, 70], rtol=1e-12)


def test_balance_keeps_a_liquid_from_saturation():
    rates = {}
    for balance in (None, 1.0, 0.0, -0.5):
        liquid = LiquidStateMachine(
            topology=ErdosRenyi(150, 0.3), weight=2.0, balance=balance, input_density=0.3, input_weight=3.0,
            input_sign="positive", encoder=RateEncoder(duration=500.0, max_rate=50.0), random_state=0,
        )  # fmt: skip
        rates[balance] = liquid.fit_transform(np.ones((4, 40))).mean() / 0.5
    assert rates[1.0] > 200 > rates[0.0] > rates[-0.5] > 0
