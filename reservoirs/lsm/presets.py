"""Published liquids by name: values for the parameters of a liquid-state machine.

In the comments, values that were "read" come from the program named; those that are "recalled" are what the paper is
commonly cited with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from scipy import stats

from ..topology import Column, ReceptiveFields
from .neurons import LIF
from .plasticity import AstrocyteSTDP
from .synapses import DoubleExponentialSynapse, ExponentialSynapse, TsodyksMarkram

__all__ = ["PRESETS"]


def _nalsm(side: int, w_astro: float) -> dict[str, Any]:
    """Return the liquid of NALSM on a cube of sites.

    V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics organized by
    astrocyte-modulated plasticity", NeurIPS 34, 2021. Constants read from the authors' program
    (github.com/combra-lab/NALSM), where input neurons are LIF neurons that one event fires.
    """
    return {
        "topology": Column((side, side, side), 3.0, {"EE": 0.2, "EI": 0.1, "IE": 0.3, "II": 0.05}),
        "neuron": LIF(
            tau_mem=64.0,
            v_thresh=20.0,
            v_reset=0.0,
            v_rest=0.0,
            v_init=0.0,
            refractory=2.0,
            resistance=None,  # the program stores one of 64 and leaves it unused
            bias=0.0,
            reset="hard",
            v_min=None,
            hold_refractory=False,
            integration="euler",
        ),
        # The program draws the time constant from the integers [1, 2), and a spike renews its source's kernel.
        "synapse": ExponentialSynapse(tau_syn=1.0, kernel="nearest"),
        # The best of the weights they tried for a static liquid of 1000 neurons on MNIST (workbook of the authors:
        # 95.22 +- 0.08 % over 10 networks), of liquid and input alike. Their plastic liquids begin with 3.0. They have
        # no static liquid of 8000 neurons, nor one that lives below 0.9 on N-MNIST (best: 1.05).
        "weight": 0.7,
        "input_weight": 0.7,
        "weight_sign": "dale",
        "frac_exc": 0.8,
        "delay": 1.0,  # one step
        "short_term": None,
        # Weights are plastic in samples, too, though frozen ones do as well in a fraction of the time.
        "plasticity": AstrocyteSTDP(w_astro=w_astro, n_snapshots=50_000, in_samples=True),
        "input_topology": None,
        "input_density": 0.15,
        "input_sign": "random",
        "input_refractory": 2.0,
        "dt": 1.0,
    }


def _receptive_fields() -> dict[str, Any]:
    """Return the liquid of NALSM with other inputs and neurons, of our own finding (``docs/papers/nalsm.md``).

    Neurons read pieces of images of 28 x 28 numbers from 0 to 1, shown as currents for some 50 ms. Neither the time
    constant nor the size of input weights matters much; recurrent weights must be weak beside those of the input.
    """
    return _nalsm(20, 0.0075) | {
        # Soft reset and no refractory period: counts are proportional to what is above the threshold.
        "neuron": LIF(tau_mem=20.0, v_thresh=20.0, refractory=0.0, reset="soft"),
        "weight": 0.3,
        "plasticity": None,
        "input_topology": ReceptiveFields((28, 28)),
        "input_weight": 7.0,
        "input_refractory": None,
    }


def _maass_2002() -> dict[str, Any]:
    """Return the classical liquid.

    W. Maass, T. Natschlaeger and H. Markram, "Real-time computing without stable states: a new framework for neural
    computation based on perturbations", Neural Computation 14, 2002.

    Potentials in mV, currents and weights in nA, resistance in MOhm. Constants read from the authors' Circuit-Tool for
    their simulator CSIM (mirrored in github.com/Kirito56/lsm-matlab). Where the paper differs, as recalled, it is said.
    """
    return {
        # The paper also has lambda = 0, 4 and 8.
        "topology": Column((3, 3, 15), 2.0, {"EE": 0.3, "EI": 0.2, "IE": 0.4, "II": 0.1}),
        "neuron": LIF(
            tau_mem=30.0,  # 1 MOhm times 30 nF
            v_thresh=15.0,
            v_reset=_uniform(13.8, 14.5),  # paper: 13.5
            v_rest=0.0,
            v_init=_uniform(13.5, 14.9),  # paper: up to 15
            refractory={"exc": 3.0, "inh": 2.0},
            resistance=1.0,
            bias=_uniform(13.5, 14.5),  # paper: 13.5
            reset="hard",
            v_min=None,
            # CSIM integrates exactly, and holds the potential at the reset while refractory.
            hold_refractory=True,
            integration="exact",
        ),
        "synapse": ExponentialSynapse(tau_syn={"exc": 3.0, "inh": 6.0}, kernel="additive"),
        # Gamma distributions with a standard deviation of 70 % of the mean; paper: 100 %.
        "weight": {"EE": _gamma(30.0), "EI": _gamma(60.0), "IE": _gamma(19.0), "II": _gamma(19.0)},
        "weight_sign": "dale",
        "frac_exc": 0.8,
        # Normal distributions with a standard deviation of 10 % of the mean.
        "delay": {"EE": stats.norm(1.5, 0.15), **dict.fromkeys(("EI", "IE", "II"), stats.norm(0.8, 0.08))},
        "short_term": TsodyksMarkram(
            U={"EE": 0.5, "EI": 0.05, "IE": 0.25, "II": 0.32},
            D={"EE": 1100.0, "EI": 125.0, "IE": 700.0, "II": 144.0},
            F={"EE": 50.0, "EI": 1200.0, "IE": 20.0, "II": 60.0},
            spread=0.5,
        ),
        "plasticity": None,
        # Recalled: an input reaches some 30 % of the neurons, with 18 nA onto excitatory and 9 nA onto inhibitory ones.
        "input_topology": None,
        "input_density": 0.3,
        "input_weight": {"exc": _gamma(18.0), "inh": _gamma(9.0)},
        "input_sign": "positive",
        "input_refractory": None,
        # The Circuit-Tool takes 0.2, which makes 1.5 ms seven steps and a half. With 0.1 both delays are whole steps,
        # and steps resolve their spread.
        "dt": 0.1,
    }


def _zhang_2015() -> dict[str, Any]:
    """Return the digital liquid.

    Y. Zhang, P. Li, Y. Jin and Y. Choe, "A digital liquid state machine with biologically inspired learning and its
    application to speech recognition", IEEE Transactions on Neural Networks and Learning Systems 26, 2015. Constants
    read from two re-implementations of it: [1] github.com/ajinkyagorad/Liquid-State-Reservoir-Sim and
    [2] github.com/AnDa-creator/EE746-NeuromorphicEngineering.
    """
    return {
        "topology": Column((3, 3, 15), 2.0, {"EE": 0.45, "EI": 0.3, "IE": 0.6, "II": 0.15}),  # [1], [2]
        "neuron": LIF(
            tau_mem=32.0,  # [2]; [1] has 20, others 64
            v_thresh=20.0,  # [1], [2]
            v_reset=0.0,
            v_rest=0.0,
            v_init=0.0,
            refractory=2.0,  # [2]
            resistance=None,  # [2]: a capacitance of 1, so that steps of 1 ms add currents as they are
            bias=0.0,
            reset="hard",
            v_min=None,
            hold_refractory=False,
            integration="euler",
        ),
        # As commonly cited, and in [2]; [1] has 6 and 40, 4 and 30.
        "synapse": DoubleExponentialSynapse(tau_rise={"exc": 4.0, "inh": 2.0}, tau_decay={"exc": 8.0, "inh": 4.0}),
        "weight": {"EE": 3.0, "EI": 6.0, "IE": 2.0, "II": 2.0},  # [1], [2]
        "weight_sign": "dale",
        "frac_exc": 0.8,
        "delay": 1.0,  # [1], [2]
        "short_term": None,
        "plasticity": None,
        "input_topology": None,
        "input_density": 4 / 135,  # [2]: each input reaches 4 neurons
        "input_weight": 8.0,  # [1]
        "input_sign": "random",  # [2]
        "input_refractory": None,
        "dt": 1.0,  # [1]
    }


def _uniform(low: float, high: float) -> Any:
    return stats.uniform(low, high - low)


def _gamma(mean: float, spread: float = 0.7) -> Any:
    """Return the gamma distribution of that mean, with a standard deviation of `spread` times it."""
    return stats.gamma(spread**-2, scale=mean * spread**2)


class _Presets(Mapping[str, dict[str, Any]]):
    """Builds a preset anew whenever it is asked for: what a user changes in one is not changed for others."""

    def __init__(self, builders: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
        self._builders = builders

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._builders[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)

    def __repr__(self) -> str:
        return f"<presets {', '.join(map(repr, self))}>"


#: Parameters of liquids: a mapping from "nalsm-1000", "nalsm-8000", "receptive-fields-8000", "maass-2002" and
#: "zhang-2015" to dicts, each a fresh one, of values for `topology`, `neuron`, `synapse`, `weight`, `weight_sign`,
#: `frac_exc`, `delay`, `short_term`, `plasticity`, `input_topology`, `input_density`, `input_weight`,
#: `input_sign`, `input_refractory` and `dt`. That of `plasticity` is taken only where it is "preset".
PRESETS: Mapping[str, dict[str, Any]] = _Presets(
    {
        "nalsm-1000": partial(_nalsm, 10, 0.015),
        "nalsm-8000": partial(_nalsm, 20, 0.0075),
        "receptive-fields-8000": _receptive_fields,
        "maass-2002": _maass_2002,
        "zhang-2015": _zhang_2015,
    }
)
