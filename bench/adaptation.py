"""What the rules of adaptation do to echo-state networks: each by its own measure, then on two tasks.

    python -m bench.adaptation [--quick] [--output FOLDER]

Ten minutes on one core; ``--quick`` is a toy version that proves nothing. Figures are medians (lowest..highest) over
networks, data and targets drawn from the seeds 0, 1, ...

- Whitening: Gaussians of 2 and 10 dimensions, condition number 30, eigenvalues in equal ratios from 1 on, random axes;
  1024 batches of 64 rows, then as many of another Gaussian. The error is the mean squared entry of C - I, C being the
  exact covariance of the outputs. Interneurons keep their weights; only gains change.
- Intrinsic plasticity: mean divergence of the units' histograms from the target, of the network that is left, over that
  before; 3000 steps of input, uniform in +-1.
- Homeostasis: `EITopology` of 500 units and its default gain, input weights uniform in +-0.15, targets Beta(5, 5), the
  input of NARMA-10. After 20,000 steps of `MultiScaleHomeostasis` 30 % of the units are silenced: nothing reads them,
  other units and the readout included. Then a rule runs for 2500 steps (5 tau_3), or for 12,500. Rates: mean distance
  of the survivors from their targets. NARMA: NRMSE of 2000 steps after a readout (penalty 1e-7) is fitted to 4000, the
  first 500 left out, and its ratio to that before the loss. Oscillation: largest autocorrelation of the survivors' mean
  rate at lags beyond 5 tau_1, over 1500 steps of the network that is left. "Spread" keeps the standard deviations from
  before. "Never more than 70 %" is another network, drawn with 350 units and settled like the first.
- Counting: words ABB...BC and DEE...EF in random order, 20,000 symbols for `SORN` to organise itself, then 1000 words:
  the accuracy of a linear readout, fitted to the first half, that tells the place within the word. "Static" is the same
  network without rules.
- Tasks: memory capacity (u uniform in [0, 1] or, of tanh networks, in +-1; 100 delays) and NARMA-10 as above. The E/I
  network has 300 units and input weights in +-0.05. The tanh network has 300 units at the defaults of
  `EchoStateNetwork`, and again with input weights 30 times as large and 30 times as small.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import Ridge

from bench import results
from bench.accuracy import narma_series
from reservoirs import EchoStateNetwork, ESNRegressor
from reservoirs.adaptation import (
    SORN,
    Adaptation,
    DivisiveGainControl,
    DormantRecycling,
    DrawnNetwork,
    EIBalance,
    GainWhitening,
    IntrinsicPlasticity,
    MultiScaleHomeostasis,
    SynapticTurnover,
    VogelsInhibition,
)
from reservoirs.diagnostics import memory_capacity
from reservoirs.metrics import nrmse
from reservoirs.topology import EITopology

FloatArray = NDArray[np.float64]

ALPHA = 1e-7
BALANCES = (0.0, -0.2, -0.4, -0.7, -1.0)
SILENCED = 0.3
# The slower loops must not be weaker than what they stand beside: alone, each gets the largest rate that is stable.
ALONE = {
    "brake alone": (0.16, 0, 0, 0),
    "threshold alone": (0, 0.016, 0, 0),
    "inhibition alone": (0, 0, 0.0016, 0),
    "excitation alone": (0, 0, 0, 0.00016),
}


@dataclass(frozen=True)
class Size:
    """How large a run is: lengths and numbers of units are divided by `shrink`."""

    n_seeds: int = 5
    shrink: int = 1

    def __call__(self, n: int) -> int:
        """Return n as it is in this run."""
        return max(20, n // self.shrink)


class Take(Adaptation):
    """Gives a network the arrays of another, and silences units: nothing reads them."""

    def __init__(self, W: Any, bias: FloatArray, alive: FloatArray) -> None:
        self.W = W
        self.bias = bias
        self.alive = alive

    def adapt(self, network: DrawnNetwork) -> None:
        """Change the network."""
        network.W = np.asarray(self.W.toarray() if hasattr(self.W, "toarray") else self.W) * self.alive
        network.bias = self.bias


def whitening(size: Size, n: int, seed: int) -> tuple[float, float]:
    """Return the error after one Gaussian, and after another."""
    rng = np.random.default_rng(seed)
    model, errors = GainWhitening(), []
    for _ in range(2):
        axes = np.linalg.qr(rng.standard_normal((n, n)))[0]
        sizes = np.logspace(0, np.log10(30), n)
        model.partial_fit((rng.standard_normal((size(64 * 1024), n)) * np.sqrt(sizes)) @ axes.T)
        outputs = model.whitening_ @ (axes * sizes @ axes.T) @ model.whitening_
        errors.append(float(((outputs - np.eye(n)) ** 2).mean()))
    return errors[0], errors[1]


def divergence(size: Size, rule: IntrinsicPlasticity, activation: str, seed: int) -> float:
    """Return how many times smaller the divergence has become."""
    u = np.random.default_rng(seed).uniform(-1, 1, (size(3000), 1))
    esn = EchoStateNetwork(n_units=size(100), activation=activation, adaptation=rule, random_state=seed).fit(u)
    before, after = esn.adaptation_.divergence_
    return float(before / after)


@dataclass(frozen=True)
class Shocked:
    """A network that has settled, and what was lost of it."""

    esn: EchoStateNetwork
    target_rate: FloatArray
    std: FloatArray
    alive: FloatArray
    seed: int

    def state(
        self, size: Size, rule: Adaptation | None = None, n_steps: int = 20, *, silenced: bool = True
    ) -> dict[str, float]:
        """Let a rule work for some steps, and measure what is left; readouts see the survivors only."""
        alive = self.alive if silenced else np.ones_like(self.alive)
        taken = Take(self.esn.W_, self.esn.bias_, alive)
        u = narma_series(n_steps, self.seed + 100)[0]
        rules = [taken] if rule is None else [taken, rule]
        esn = EchoStateNetwork(**self.esn.get_params(deep=False) | {"adaptation": rules}).fit(u)
        u, y = narma_series(size(6500), self.seed + 200)
        states = esn.transform(u)
        living = self.alive > 0
        rates = states[size(500) :].mean(axis=0)
        swing = states[-size(1500) :, living].mean(axis=1)
        swing = swing - swing.mean()
        correlation = np.correlate(swing, swing, "full")[len(swing) - 1 :] / (swing @ swing)
        train, test = slice(size(500), size(4500)), slice(size(4500), None)
        readout = ridge(states[train][:, living], y[train])
        return {
            "rates": float(abs(rates - self.target_rate)[living].mean()),
            "NARMA": nrmse(y[test], states[test][:, living] @ readout[1:] + readout[0]),
            "oscillation": float(abs(correlation[25 : len(swing) // 2]).max()),
        }


def ridge(X: FloatArray, y: FloatArray) -> FloatArray:
    """Return the intercept and the weights."""
    mean = X.mean(axis=0)
    gram = (X - mean).T @ (X - mean)
    coef = np.linalg.solve(gram + ALPHA * np.eye(len(gram)), (X - mean).T @ (y - y.mean()))
    return np.append(y.mean() - mean @ coef, coef)


def settle(size: Size, seed: int, share: float = 1.0) -> Shocked:
    """Return a network, with a share of the units, that multi-scale homeostasis has brought to its targets."""
    rng = np.random.default_rng(seed)
    n_units = round(share * size(500))
    rule = MultiScaleHomeostasis(stats.beta(5, 5), n_epochs=5)
    esn = EchoStateNetwork(
        n_units,
        topology=EITopology(in_degree=min(50, n_units // 3)),
        input_scaling=0.3 / 2,
        adaptation=rule,
        random_state=seed,
    ).fit(narma_series(size(4000), seed)[0])
    std = esn.transform(narma_series(size(4000), seed)[0])[size(500) :].std(axis=0)
    alive = (rng.permutation(n_units) >= SILENCED * n_units).astype(float)
    return Shocked(esn, esn.adaptation_.target_rate_, np.clip(std, 0.02, 0.5), alive, seed)


def shock(size: Size, seed: int) -> dict[str, dict[str, float]]:
    """Return the states of a network before and after its loss, and after each rule."""
    network, smaller = settle(size, seed), settle(size, seed, 1 - SILENCED)
    rho = network.target_rate
    four = {"four, rates": None, "four, rates and spread": network.std}
    everyone = replace(network, alive=np.ones_like(network.alive))
    rows = {
        "before": everyone.state(size),
        "before, read from 70 %": network.state(size, silenced=False),
        "never more than 70 %": replace(smaller, alive=np.ones_like(smaller.alive)).state(size),
        "silenced": network.state(size),
    }
    rules = {name: MultiScaleHomeostasis(rho, target_std=std, n_epochs=1) for name, std in four.items()}
    rules |= {name: MultiScaleHomeostasis(rho, rates=rates, n_epochs=1) for name, rates in ALONE.items()}
    for steps in (size(2500), size(12_500)):
        for name, rule in rules.items():
            rows[f"{name}, {steps} steps"] = network.state(size, rule, steps)
    for row in rows.values():
        row["of before"] = row["NARMA"] / rows["before"]["NARMA"]
    return rows


def memory(size: Size, esn: EchoStateNetwork, seed: int) -> float:
    """Return the memory capacity."""
    uniform = {"loc": 0.5, "scale": 0.5} if isinstance(esn.topology, EITopology) else {}
    n = size(6000)
    lengths = {"n_train": n, "n_test": n, "max_delay": min(100, n // 10)}
    return memory_capacity(esn, **lengths, **uniform, alpha=ALPHA, random_state=seed).total


def narma(size: Size, esn: EchoStateNetwork, seed: int) -> float:
    """Return the error on NARMA-10."""
    n_train = size(4000)
    u, y = narma_series(n_train + size(2000) + 1, seed)
    parameters = esn.get_params(deep=False) | {"washout": size(500), "features": "states"}
    model = ESNRegressor(**parameters, alpha=ALPHA).fit(u[:n_train], y[:n_train])
    return nrmse(y[n_train:], model.predict(u)[n_train:])


TASKS: dict[str, Callable[[Size, EchoStateNetwork, int], float]] = {"memory": memory, "NARMA-10": narma}


def of_balanced(size: Size) -> dict[str, Callable[[int], EchoStateNetwork]]:
    """Return the makers of networks of excitatory and inhibitory units."""

    def maker(adaptation: Any = None, balance: float = 0.0) -> Callable[[int], EchoStateNetwork]:
        n_units = size(300)
        topology = EITopology(in_degree=min(50, n_units // 3), balance=balance)
        return lambda seed: EchoStateNetwork(
            n_units, topology=topology, input_scaling=0.1 / 2, adaptation=adaptation, random_state=seed
        )

    return {
        "as drawn": maker(),
        **{f"balance {b:g}": maker(balance=b) for b in BALANCES[1:]},
        "EIBalance(0.5)": maker(EIBalance(0.5)),
        "EIBalance()": maker(EIBalance()),
        "VogelsInhibition()": maker(VogelsInhibition()),
        "MultiScaleHomeostasis()": maker(MultiScaleHomeostasis()),
        "IntrinsicPlasticity(0.3)": maker(IntrinsicPlasticity(0.3)),
        "DivisiveGainControl(1)": maker(DivisiveGainControl(1.0)),
        "SynapticTurnover()": maker(SynapticTurnover()),
        "DormantRecycling()": maker(DormantRecycling()),
        "[EIBalance(), Turnover]": maker([EIBalance(), SynapticTurnover(n_rounds=2), EIBalance()]),
    }


def of_tanh(size: Size, factor: float) -> dict[str, Callable[[int], EchoStateNetwork]]:
    """Return the makers of tanh networks whose input is scaled wrongly."""

    def maker(adaptation: Any = None) -> Callable[[int], EchoStateNetwork]:
        return lambda seed: EchoStateNetwork(
            size(300), input_scaling=0.2 * factor, adaptation=adaptation, random_state=seed
        )

    return {
        "as drawn": maker(),
        "IntrinsicPlasticity()": maker(IntrinsicPlasticity()),
        "IntrinsicPlasticity(0.2, 0.05)": maker(IntrinsicPlasticity(0.2, 0.05)),
        "DivisiveGainControl()": maker(DivisiveGainControl()),
        "GainWhitening()": maker(GainWhitening()),
        "SynapticTurnover()": maker(SynapticTurnover()),
        "DormantRecycling()": maker(DormantRecycling()),
    }


def counting(n_repeats: int, n_words: int, rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return words ABB...BC and DEE...EF in random order, one-hot, and the place within them."""
    word = rng.integers(2, size=n_words)[:, None]
    symbols = 3 * word + np.array([0, *[1] * n_repeats, 2])
    places = word * (n_repeats + 2) + np.arange(n_repeats + 2)
    return np.eye(6)[symbols.ravel()], places.ravel()


def counts(size: Size, sorn: SORN, n_repeats: int, seed: int) -> float:
    """Return the accuracy of a linear readout that tells the place within words."""
    rng = np.random.default_rng(seed)
    sorn.set_params(random_state=seed).fit(counting(n_repeats, size(20_000) // (n_repeats + 2), rng)[0])
    symbols, places = counting(n_repeats, size(1000), rng)
    states = sorn.transform(symbols)
    half = len(states) // 2
    told = Ridge(0.01).fit(states[:half], np.eye(places.max() + 1)[places[:half]]).predict(states[half:])
    return float((told.argmax(axis=1) == places[half:]).mean())


def spread(values: Sequence[float]) -> str:
    """Return median and range."""
    return f"{median(values):.3g} ({min(values):.3g}..{max(values):.3g})"


def run(size: Size) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Measure everything, printing each row as it comes."""
    tables: dict[str, dict[str, dict[str, list[float]]]] = {}

    def row(table: str, name: str, **figures: list[float]) -> None:
        if table not in tables:
            print(f"\n# {table}")
        tables.setdefault(table, {})[name] = figures
        print(f"{name:42}" + "  ".join(f"{key} {spread(values):26}" for key, values in figures.items()), flush=True)

    seeds = range(size.n_seeds)
    for n in (2, 10):
        errors = [whitening(size, n, seed) for seed in seeds]
        row("Whitening", f"{n} dimensions", first=[e[0] for e in errors], second=[e[1] for e in errors])
    for rule, f in (
        (IntrinsicPlasticity(), "tanh"),
        (IntrinsicPlasticity(std=0.4), "tanh"),
        (IntrinsicPlasticity(learning_rate=0.01), "sigmoid"),
    ):
        ratios = [divergence(size, rule, f, seed) for seed in seeds]
        row("Divergence, times smaller", f"{rule!r}, {f}", ratio=ratios)
    shocks = [shock(size, seed) for seed in seeds]
    for name in shocks[0]:
        figures = {key: [rows[name][key] for rows in shocks] for key in shocks[0][name]}
        row("Loss of 30 % of the units", name, **figures)
    for n in (6, 8):
        organised = [counts(size, SORN(), n, seed) for seed in seeds]
        static = [counts(size, SORN(stdp_rate=0, ip_rate=0), n, seed) for seed in seeds]
        row("Counting", f"SORN, {n} repeats", organised=organised, static=static)
    groups = {
        "E/I network": of_balanced(size),
        "tanh network": of_tanh(size, 1),
        "tanh network, input weights x 30": of_tanh(size, 30),
        "tanh network, input weights / 30": of_tanh(size, 1 / 30),
    }
    for group, makers in groups.items():
        for name, make in makers.items():
            figures = {task: [score(size, make(seed), seed) for seed in seeds] for task, score in TASKS.items()}
            row(group, name, **figures)
    return tables


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    options = results.parser(__doc__).parse_args(arguments)
    size = Size(n_seeds=1, shrink=20) if options.quick else Size()
    kept = results.kept("adaptation", options, f"{size.n_seeds} seeds", fenced=True)
    with kept as figures, warnings.catch_warnings():
        # The table shows which targets are missed.
        warnings.filterwarnings("ignore", "(EIBalance|MultiScaleHomeostasis)", RuntimeWarning)
        figures["tables"] = run(size)


if __name__ == "__main__":
    main()
