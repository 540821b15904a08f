"""Rules of plasticity against closed forms, fixed points and reference solutions; test_rules_core.py has every step."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sklearn.base import clone
from sklearn.datasets import load_digits
from test_rules_core import batch
from test_stdp_core import PLAIN, show

from reservoirs import LiquidStateMachine, LSMClassifier
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import (
    APSTDP,
    STDP,
    AstrocyteSTDP,
    AstrocyteUnits,
    GChI,
    HomeostaticThreshold,
    InhibitorySTDP,
    Izhikevich,
    LiRinzel,
    SlowInwardCurrent,
    SynapticScaling,
    TripletSTDP,
)
from reservoirs.topology import Column, ErdosRenyi

DIGITS = load_digits()
SMALL = {"topology": Column((4, 4, 4)), "input_density": 0.3, "random_state": 0, "n_jobs": 1}
RULES = {
    "stdp": STDP(),
    "astrocyte": AstrocyteSTDP(),
    "regions": AstrocyteSTDP(regions=(2, 2, 1)),
    "cells": AstrocyteSTDP(astrocyte=LiRinzel(weight=0.1), w_astro=1.0, regions=2),
    "nearest": STDP(pairing="nearest"),
    "multiplicative": STDP(bounds="multiplicative"),
    "ap": APSTDP(threshold=5.0, width=4.0),
    "triplets": TripletSTDP(),
    "inhibition": InhibitorySTDP(20.0),
    "thresholds": HomeostaticThreshold(20.0),
    "scaling": SynapticScaling(20.0),
    "current": SlowInwardCurrent(GChI(), regions=2),
    "units": AstrocyteUnits(),
}


def liquid(plasticity, **settings):
    settings = {"encoder": RateEncoder(duration=50.0), **SMALL, **settings}
    return LiquidStateMachine(plasticity=plasticity, **settings)


def with_few(rule):
    return rule.set_params(n_snapshots=30) if "n_snapshots" in rule.get_params() else rule


# -- one synapse ------------------------------------------------------------------------------------------------------


def change_of_one_synapse(rule, pre, post, n_steps):
    """Return how much a synapse changes when its neurons fire at given steps, each driven by an input of its own."""
    net = {"W": np.array([[0.0, 0.0], [0.5, 0.0]]), "W_in": np.diag([5.0, 5.0]), "dtype": np.float64}
    net |= {"excitatory": np.ones(2, bool), "decay": 1e-9, "nearest": False}
    name, values = rule
    slots = batch(net, [(name, {**values, "blocks": [[True, True], [False, False], [False, False]]})])
    spikes_in = [[k for k, times in enumerate((pre, post)) if t + 1 in times] for t in range(n_steps)]
    show(slots, [spikes_in], n_steps)
    _, steps, units = slots.spikes()
    assert sorted(steps[units == 0]) == sorted(pre)
    assert sorted(steps[units == 1]) == sorted(post)
    return slots.learned(0)[0][0] - 0.5


@pytest.mark.parametrize("lag", [-30, -7, -1, 1, 5, 40])
def test_the_window_of_a_pair(lag):
    rule = {**PLAIN, "a_plus": 0.2, "a_minus": 0.1, "trace_decay": np.exp(-1 / 10), "fade": 1.0}
    change = change_of_one_synapse(("StdpRule", rule), [50], [50 + lag], 120)
    expected = 0.1 * np.exp(-abs(lag) / 10) * (0.2 if lag > 0 else -0.1)
    assert change == pytest.approx(expected, rel=1e-9)


TRIPLET = TripletSTDP().get_params()


def triplet_change(rate, lag, n_pairs=60):
    """Sum the paper's terms over a train of pairs, as geometric series."""
    period, p = 1000 / rate, TRIPLET
    k = np.arange(n_pairs)

    def sums(first, tau, n):  # sum over m < n of exp(-(first + m period) / tau)
        return np.exp(-first / tau) * (1 - np.exp(-n * period / tau)) / (1 - np.exp(-period / tau))

    post_after_pre = lag if lag > 0 else period + lag
    pre_after_post = period - lag if lag > 0 else -lag
    r1 = sums(post_after_pre, p["tau_plus"], k + (lag > 0))
    o1 = sums(pre_after_post, p["tau_minus"], k + (lag < 0))
    o2, r2 = sums(period, p["tau_y"], k), sums(period, p["tau_x"], k)
    up, down = r1 * (p["a2_plus"] + p["a3_plus"] * o2), o1 * (p["a2_minus"] + p["a3_minus"] * r2)
    return (up - down).sum()


@pytest.mark.parametrize("rate", [1, 10, 20, 40, 50])
@pytest.mark.parametrize("lag", [10, -10])
def test_frequency_dependence_of_triplets(rate, lag):
    # A tenth: the synapse alone must neither fire its target nor come to its bounds.
    values = {name: 0.1 * TRIPLET[name] for name in ("a2_plus", "a3_plus", "a2_minus", "a3_minus")}
    values |= {f"decay_{of}": np.exp(-1 / TRIPLET[f"tau_{of}"]) for of in ("plus", "minus", "x", "y")}
    pre = 20 + np.arange(60) * (1000 // rate)
    change = change_of_one_synapse(
        ("TripletRule", {**values, "w_max": 3.0}), pre.tolist(), (pre + lag).tolist(), int(pre[-1]) + 60
    )
    assert change == pytest.approx(0.1 * triplet_change(rate, lag), rel=1e-8)


def test_triplets_potentiate_at_high_rates_whatever_the_order():
    # Sjöström, Turrigiano and Nelson 2001, which the constants were fitted to.
    assert triplet_change(1, 10) == pytest.approx(0, abs=0.05)
    assert triplet_change(10, -10) < -0.1
    assert triplet_change(50, 10) > 0.2
    assert triplet_change(50, -10) > 0.2


# -- fixed points -----------------------------------------------------------------------------------------------------

POPULATION = {
    "topology": ErdosRenyi(120, 0.3),
    "weight": {"EE": 0.1, "EI": 1.5, "IE": 0.5, "II": 0.5},
    "input_weight": 2.0,
    "input_sign": "positive",
    "input_density": 0.3,
    "random_state": 0,
    "n_jobs": 1,
}
NOISE = np.ones((2, 50))


def rates_of(rule, **settings):
    """Learn from noise; return the rates of excitatory neurons in Hz on more of it, and the liquid."""
    encoder = RateEncoder(duration=20000.0, max_rate=30.0)
    model = LiquidStateMachine(plasticity=rule, encoder=encoder, **{**POPULATION, **settings}).fit(NOISE)
    return model.transform(NOISE).mean(axis=0)[model.excitatory_] / 20.0, model


def test_inhibition_brings_every_neuron_to_its_target():
    targets = np.linspace(5, 25, 120)
    rule = InhibitorySTDP(targets, learning_rate=0.005, n_snapshots=60, snapshot_duration=1000.0)
    rates, model = rates_of(rule)
    before, _ = rates_of(None)
    target = targets[model.excitatory_]
    assert abs(before - target).mean() > 10
    assert abs(rates - target).mean() < 0.1 * target.mean()
    assert np.corrcoef(rates, target)[0, 1] > 0.95
    assert (model.W_.toarray()[:, ~model.excitatory_] <= 0).all()


def test_thresholds_bring_every_neuron_to_its_target():
    targets = np.linspace(5, 25, 120)
    rule = HomeostaticThreshold(targets, learning_rate=0.3, max_shift=200.0, n_snapshots=60, snapshot_duration=1000.0)
    rates, model = rates_of(rule)
    assert abs(rates - targets[model.excitatory_]).mean() < 0.1 * targets.mean()
    drawn = LiquidStateMachine(encoder=RateEncoder(), **POPULATION).fit(NOISE)._neurons_.parameters
    learned = model._neurons_.parameters
    np.testing.assert_array_equal(np.delete(learned, 3, axis=0), np.delete(drawn, 3, axis=0))
    assert (learned[3] != drawn[3]).any()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(NOISE), model.transform(NOISE))


def test_scaling_brings_the_mean_to_its_target():
    rule = SynapticScaling(15.0, synapses="input", learning_rate=2e-3, w_max=30.0, n_snapshots=30)
    rates, model = rates_of(rule.set_params(snapshot_duration=1000.0))
    assert rates.mean() == pytest.approx(15.0, rel=0.15)
    drawn = LiquidStateMachine(encoder=RateEncoder(), **POPULATION).fit(NOISE)
    ratio = model.W_in_.toarray() / np.where(drawn.W_in_.toarray() == 0, np.nan, drawn.W_in_.toarray())
    assert np.nanmax(np.nanstd(ratio, axis=1) / np.nanmean(ratio, axis=1)) < 1e-4  # the ratios of a neuron's weights


# -- astrocytes -------------------------------------------------------------------------------------------------------


def li_rinzel(p):
    def slope(t, state):
        ip3, ca, h = state
        er = (p["ca_tot"] - ca) / p["ratio_er"]
        m, n = ip3 / (ip3 + p["kd_ip3_1"]), ca / (ca + p["kd_act"])
        channel = p["ratio_er"] * p["rate_ip3r"] * m**3 * n**3 * h**3 * (er - ca)
        leak = p["ratio_er"] * p["rate_leak"] * (er - ca)
        pump = p["rate_serca"] * ca**2 / (p["km_serca"] ** 2 + ca**2)
        alpha = p["k_ip3r"] * p["kd_inh"] * (ip3 + p["kd_ip3_1"]) / (ip3 + p["kd_ip3_2"])
        return [(p["ip3_0"] - ip3) / p["tau_ip3"], channel - pump + leak, alpha * (1 - h) - p["k_ip3r"] * ca * h]

    return slope


def g_chi(p):
    def hill(x, half, n):
        return x**n / (x**n + half**n)

    def slope(t, state):
        g, i, c, h, y = state
        m = i / (i + p["d_1"]) * c / (c + p["d_5"])
        rates = [
            p["o_n"] * y * (1 - g) - p["omega_n"] * (1 + p["zeta"] * hill(c, p["k_kc"], 1)) * g,
            p["o_beta"] * g
            + p["o_delta"] / (1 + i / p["kappa"]) * hill(c, p["k_delta"], 2)
            - p["o_3k"] * hill(c, p["k_d"], 4) * hill(i, p["k_3"], 1)
            - p["omega_5p"] * i,
            (p["omega_c"] * m**3 * h**3 + p["omega_l"]) * (p["c_t"] - (1 + p["rho"]) * c)
            - p["o_p"] * hill(c, p["k_p"], 2),
            p["o_2"] * (p["d_2"] * (i + p["d_1"]) / (i + p["d_3"]) * (1 - h) - c * h),
            -p["omega_glu"] * y,
        ]
        return np.array(rates) / 1000

    return slope


@pytest.mark.parametrize(
    ("cell", "slope", "spiking", "jump"),
    [
        (LiRinzel(weight=0.02, compression=100.0), li_rinzel, 0, "delta_ip3"),
        (GChI(weight=0.02, compression=100.0), g_chi, 4, "delta_glu"),
    ],
)
def test_cells_follow_their_equations(rng, cell, slope, spiking, jump):
    n_spikes = rng.poisson(0.1, 600).astype(float)
    ours = cell.simulate(n_spikes)
    constants = cell._constants
    state = np.array(cell._initial())
    expected = []
    for n in n_spikes:
        state[spiking] += n * cell.weight * constants[jump]
        state = solve_ivp(slope(constants), (0, 100.0), state, method="LSODA", rtol=1e-9, atol=1e-11).y[:, -1]
        expected.append(state.copy())
    assert ours[:, cell.variables.index("Ca")].max() > 0.3  # it has come to life
    np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=2e-5)


def test_li_rinzel_is_that_of_nest():
    # astrocyte_lr_1994 of NEST 3.10.0, resolution 0.1 ms, delta_IP3 5, weight 0.02, spikes at 1, 3, ..., 19 s: seconds,
    # IP3, Ca, h.
    nest = """
        1 0.16                0.07229368608436024 0.7929234305478577
        5 0.29269475991498334 0.3006093045195482  0.7574604868962889
       10 0.4281816562784696  0.20955339246008292 0.6234632378033611
       15 0.42585864159086895 0.14908219014615093 0.6904002230414644
       20 0.49430332779419617 0.3878776698096437  0.6142301722363128
       30 0.24242433555586704 0.07943713630424375 0.7170107219430222
       50 0.16501054497889875 0.07198404280252232 0.779208935648271
    """
    values = np.array(nest.split(), float).reshape(-1, 4)
    n_spikes = np.zeros(600)
    n_spikes[10:200:20] = 1
    ours = LiRinzel(weight=0.02, compression=100.0).simulate(n_spikes)
    np.testing.assert_allclose(ours[values[:, 0].astype(int) * 10 - 1], values[:, 1:], rtol=1e-3)


def test_calcium_of_li_and_rinzel_oscillates_where_ip3_is_held():
    calcium = LiRinzel(compression=100.0, constants={"ip3_0": 0.4, "tau_ip3": 10.0}).simulate(np.zeros(3000))[:, 1]
    late = calcium[1000:]
    peaks = np.flatnonzero((late[1:-1] > late[:-2]) & (late[1:-1] > late[2:]) & (late[1:-1] > 0.25))
    assert len(peaks) >= 3
    assert np.ptp(late) > 0.1


def test_a_cell_out_of_range_stays_finite():
    for cell in (LiRinzel(weight=1e300, compression=1e6), GChI(weight=1e300, compression=1e5)):
        assert np.isfinite(cell.simulate(np.full(20, 1e10))).all()


def test_one_region_is_no_region():
    one, none = (liquid(with_few(AstrocyteSTDP(regions=regions))).fit(DIGITS.data[:20]) for regions in (1, None))
    np.testing.assert_array_equal(one.W_.data, none.W_.data)


def test_regions_take_synapses_onto_their_neurons_apart():
    model = liquid(AstrocyteSTDP(regions=2, n_snapshots=200, w_astro=0.3)).fit(DIGITS.data[:20])
    whole = liquid(AstrocyteSTDP(n_snapshots=200, w_astro=0.3)).fit(DIGITS.data[:20])
    assert (model.W_.data != whole.W_.data).any()


def test_slow_currents_excite():
    plain = liquid(None).fit(DIGITS.data[:20]).transform(DIGITS.data[:20]).sum()
    for scale in (2.0, -2.0):
        rule = SlowInwardCurrent(LiRinzel(weight=0.05), scale=scale)
        model = liquid(rule).fit(DIGITS.data[:20])
        assert (model.transform(DIGITS.data[:20]).sum() - plain) * scale > 0
        series = [np.ones((60, 2))]
        driven = liquid(rule, encoder=None, input_weight=15.0, input_sign="positive").fit(series)
        silent = liquid(None, encoder=None, input_weight=15.0, input_sign="positive").fit(series)
        assert (driven.transform(series).sum() - silent.transform(series).sum()) * scale > 0


# -- in the estimators ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_signs_bounds_and_features_of_the_sample_alone(name):
    rule = with_few(clone(RULES[name]))
    if rule.learns and name != "ap":
        rule.set_params(in_samples=True)
    model = liquid(rule, n_jobs=2).fit(DIGITS.data[:20])
    W = model.W_.toarray()
    assert (W[:, model.excitatory_] >= 0).all()
    assert (W[:, ~model.excitatory_] <= 0).all()
    counts = model.transform(DIGITS.data[:20])
    np.testing.assert_array_equal(model.transform(DIGITS.data[19::-1]), counts[::-1])
    np.testing.assert_array_equal(model.transform(DIGITS.data[7:8]), counts[7:8])
    alone = liquid(clone(rule), n_jobs=1).fit(DIGITS.data[:20])
    np.testing.assert_array_equal(alone.transform(DIGITS.data[:20]), counts)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(DIGITS.data[:20]), counts)


def test_a_list_of_rules():
    rules = [
        AstrocyteSTDP(n_snapshots=40, synapses=("EE", "EI", "input")),
        InhibitorySTDP(20.0, in_samples=True),
        HomeostaticThreshold(20.0),
    ]
    model = LSMClassifier(plasticity=rules, encoder=RateEncoder(duration=50.0), **SMALL)
    assert clone(model).get_params()["plasticity__1__target_rate"] == 20.0
    model = clone(model).set_params(plasticity__0__w_astro=0.1, plasticity__2__max_shift=5.0)
    assert model.plasticity[2].max_shift == 5.0
    assert rules[2].max_shift == 15.0
    assert model.fit(DIGITS.data[:100], DIGITS.target[:100]).score(DIGITS.data[:100], DIGITS.target[:100]) > 0.5
    assert model.plasticity_ is not model.plasticity
    with pytest.raises(ValueError, match="has no rule 3"):
        model.set_params(plasticity__3__w_astro=0.1)


def test_weights_begin_as_the_first_rule_wants():
    assert set(abs(liquid(APSTDP(n_snapshots=0)).fit(DIGITS.data[:5]).W_.data)) == {1.0}
    both = [HomeostaticThreshold(n_snapshots=0), STDP(w_max=2.0, n_snapshots=0)]
    assert set(abs(liquid(both).fit(DIGITS.data[:5]).W_.data)) == {2.0}
    assert set(abs(liquid(InhibitorySTDP(n_snapshots=0)).fit(DIGITS.data[:5]).W_.data)) == {np.float32(0.7)}


def test_synapses_that_are_left_out_stay():
    drawn = liquid(STDP(n_snapshots=0)).fit(DIGITS.data[:20])
    model = liquid(STDP(n_snapshots=30, synapses=("EE", "IE"))).fit(DIGITS.data[:20])
    exc = model.excitatory_
    changed = model.W_.toarray() != drawn.W_.toarray()
    assert changed[np.ix_(exc, exc)].any()
    assert changed[np.ix_(exc, ~exc)].any()
    assert not changed[~exc].any()
    np.testing.assert_array_equal(model.W_in_.data, drawn.W_in_.data)


def test_an_astrocyte_out_of_range_poisons_nothing():
    for rule in (
        AstrocyteSTDP(w_astro=1e38, in_samples=True, n_snapshots=30),
        AstrocyteSTDP(w_astro=-1e38, regions=2, in_samples=True, n_snapshots=30),
        AstrocyteSTDP(astrocyte=LiRinzel(weight=1e30), per_calcium=1e38, in_samples=True, n_snapshots=30),
    ):
        model = liquid(rule).fit(DIGITS.data[:20])
        assert np.isfinite(model.W_.data).all()
        assert np.isfinite(model.transform(DIGITS.data[:5])).all()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ([STDP(), "stdp"], "must be None or a rule such as"),
        ([STDP(n_snapshots=5), TripletSTDP(n_snapshots=6)], "n_snapshots=5 and 6"),
        ([STDP(), InhibitorySTDP(snapshot_duration=5.0)], "snapshot_duration=20.0 and 5.0"),
        (STDP(pairing="both"), "pairing='both'"),
        (STDP(bounds="hard"), "bounds='hard'"),
        (STDP(synapses=("EE", "XY")), "must be names from"),
        (STDP(synapses=()), "names none"),
        (TripletSTDP(synapses="IE"), "must be names from"),
        (TripletSTDP(tau_x=0.0), "tau_x=0.0"),
        (TripletSTDP(a3_plus=-1.0), "a3_plus=-1.0"),
        (APSTDP(width=0.0), "width=0.0"),
        (APSTDP(first=-1.0), "first=-1.0"),
        (APSTDP(tau_calcium=0.1), "tau_calcium=0.1"),
        (InhibitorySTDP(0.0), "target_rate=0.0"),
        (InhibitorySTDP(np.ones(3)), "target_rate"),
        (InhibitorySTDP(synapses="EE"), "must be names from"),
        (HomeostaticThreshold(max_shift=-1.0), "max_shift=-1.0"),
        (SynapticScaling(interval=0.5), "interval=0.5"),
        (SynapticScaling(learning_rate=np.inf), "learning_rate=inf"),
        (AstrocyteSTDP(regions=0), "regions=0"),
        (AstrocyteSTDP(regions=(2, 2)), "one for each of 3 axes"),
        (AstrocyteSTDP(astrocyte="calcium"), "astrocyte='calcium'"),
        (AstrocyteSTDP(astrocyte=LiRinzel(compression=0.0)), "compression=0.0"),
        (AstrocyteSTDP(astrocyte=LiRinzel(constants={"k": 1.0})), "constants has 'k'"),
        (SlowInwardCurrent(GChI(constants={"o_p": -1.0})), "o_p"),
        (AstrocyteUnits(fan_in=0), "fan_in=0"),
        (AstrocyteUnits(tau_rise=0.0), "tau_rise=0.0"),
    ],
)
def test_errors(rule, message):
    with pytest.raises(ValueError, match=message):
        liquid(rule).fit(DIGITS.data[:5])


def test_errors_of_liquids():
    with pytest.raises(ValueError, match="needs a topology that has positions"):
        liquid(AstrocyteSTDP(regions=2), topology=ErdosRenyi(50, 0.1)).fit(DIGITS.data[:5])
    with pytest.raises(ValueError, match="needs LIF neurons"):
        liquid(HomeostaticThreshold(), neuron=Izhikevich()).fit(DIGITS.data[:5])
    with pytest.raises(ValueError, match="n_spikes"):
        LiRinzel().simulate([-1.0])
