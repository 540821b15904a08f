"""From a fitted liquid to the text of its C code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from .. import __version__, _core
from ..lsm import LiquidStateMachine, LSMClassifier
from ..lsm.plasticity._base import as_list
from ._encoding import Encoding, encoding_of
from ._parts import Affine, apply, scaling_of, steps_of, with_last_step
from ._self_test import ordered_score, unscaled
from ._text import Array, literal, rename, smallest_unsigned, template
from ._write import WIDE, Code, comment, header_text, implementation_text, model_hash, scaling

# Frames of all functions on the way down, without the arrays that grow with the model; tests hold this against gcc.
_STACK_BYTES = 400
_TEST_STEPS, _TEST_SPIKES, _TEST_ROWS = 40, 8, 6
_FEATURES = ("counts", "traces", "potentials")
_LIF_ROWS = ("DECAY", "GAIN", "DRIFT", "THRESH", "RESET", "REFRACTORY", "FLOOR", "ADAPT_DECAY", "ADAPT_STEP")
_EXPONENTIALS = {"delta": 0, "exponential": 1, "double": 2}


@dataclass(frozen=True)
class LiquidParts:
    """Everything the C code of a liquid does.

    Attributes
    ----------
    model : LiquidStateMachine, LSMClassifier or LSMRegressor
        The float32 estimator that the C code equals; without the scalers of a pipeline.
    reference : estimator or Pipeline
        The same with the scalers.
    scaling : list of Affine
        What these do to a row.
    encoding : Encoding or None
        What makes spikes of it.
    coef, intercept : float64 ndarray of shape (n_outputs, n_features) and (n_outputs,)
        Of the readout, without rows for a liquid alone.
    by_row : bool
        Whether it is read after every row of numbers rather than at the end of a sample.
    """

    model: Any
    reference: Any
    scaling: list[Affine]
    encoding: Encoding | None
    coef: np.ndarray
    intercept: np.ndarray
    by_row: bool

    @property
    def classifies(self) -> bool:
        """Whether the outputs are scores of classes."""
        return isinstance(self.model, LSMClassifier)

    @property
    def takes_numbers(self) -> bool:
        """Whether rows of numbers may be shown as currents."""
        return not hasattr(self.model, "encoder_")

    @property
    def n_read(self) -> int:
        """How many numbers are read."""
        return len(self.coef) or self.model._features().n_per_unit * int(self.model.W_.shape[0])


def take_liquid_apart(given: Any) -> LiquidParts:
    """Check that a liquid can be exported, convert it to float32 and return its parts."""
    scalers, model = steps_of(given)
    check_is_fitted(model)
    neurons = model._neurons_
    if neurons.model != "lif":
        raise ValueError(f"neuron={model._value('neuron')!r} cannot be exported; only LIF and AdaptiveLIF can")
    if model._short_term_ is not None:
        raise ValueError("short-term plasticity cannot be exported: it needs short_term=False")
    for rule in as_list(getattr(model, "plasticity_", None)):
        if rule.in_samples:
            raise ValueError(f"plasticity: {rule!r} acts within samples; only what stays fixed there is exported")
    features = model._features()
    if others := [name for name in features.names if name not in _FEATURES]:
        raise ValueError(f"features={others[0]!r} cannot be exported; only {', '.join(map(repr, _FEATURES))} can")
    if features.n_bins != 1 or features.times != 1:
        raise ValueError("features can be exported if they are read once, at the end: n_bins=1 and sample_times=1")
    if max(*model.W_in_.shape, _delays(model).max(initial=1)) >= 1 << 16:
        raise ValueError("a liquid with 65536 or more units, inputs or steps of delay cannot be exported")
    copy = model._fresh(learned=True)
    copy.dtype = "float32"
    copy.W_, copy.W_in_ = (weights.astype(np.float32) for weights in (model.W_, model.W_in_))
    copy._compile()
    coef, intercept = _readout(model, features.n_per_unit * int(model.W_.shape[0]))
    by_row = bool(model.per_row) if isinstance(model, LiquidStateMachine) else getattr(model, "target", "") == "step"
    encoding = encoding_of(copy)
    if scalers and encoding is None and hasattr(copy, "encoder_"):
        raise ValueError(f"encoder={copy.encoder_!r} cannot be exported, and so the scalers before it cannot")
    width = encoding.n_columns if encoding else int(model.W_in_.shape[1])
    scaling = scaling_of(scalers, type(model).__name__, width)
    return LiquidParts(copy, with_last_step(given, copy), scaling, encoding, coef, intercept, by_row)


def _readout(model: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(model, LiquidStateMachine):
        return np.zeros((0, n_features)), np.zeros(0)
    readout = getattr(model, "readout_", None)
    if readout is None:
        return model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    steps = [step for _, step in readout.steps] if isinstance(readout, Pipeline) else [readout]
    if not isinstance(steps[-1], LogisticRegression) or any(not isinstance(s, StandardScaler) for s in steps[:-1]):
        raise ValueError(f"readout={readout!r} cannot be exported; only ridge and logistic regression can")
    coef, intercept = steps[-1].coef_.astype(np.float64), steps[-1].intercept_.astype(np.float64)
    for scaler in reversed(steps[:-1]):
        coef = coef / (scaler.scale_ if scaler.with_std else 1.0)
        intercept = intercept - (coef @ scaler.mean_ if scaler.with_mean else 0.0)
    return coef, intercept


# The text.


@dataclass
class _Draft:
    sizes: dict[str, int]
    macros: dict[str, str] = field(default_factory=dict)
    arrays: list[Array] = field(default_factory=list)

    def constant(self, name: str, values: np.ndarray, index: str = "i", comment: str = "") -> None:
        """Define the macro `name` of values that are often all equal."""
        at = f"(size_t)({index})"
        if values.size and (values == values.flat[0]).all():
            first = values.flat[0]
            text = literal(first) if values.dtype == np.float32 else f"{first}u"
        else:
            self.arrays.append(Array(name.lower(), values, comment))
            reads = "F" if values.dtype == np.float32 else str(8 * values.itemsize)
            text = f"NAME_READ{reads}(&name_{name.lower()}[{at}])"
        self.macros[f"NAME_{name}({index})"] = text


def write_liquid(parts: LiquidParts, name: str) -> Code:
    """Write the C code of a liquid."""
    draft = _Draft(_sizes(parts))
    _write_units(draft, parts.model)
    _write_links(draft, "", parts.model.W_, parts)
    _write_links(draft, "INPUT_", parts.model.W_in_, parts)
    scaled = [scaling(draft.arrays, "scaled", parts.scaling)] if draft.sizes["PUSHES"] else []
    if parts.encoding is not None:
        _write_encoding(draft, parts.encoding)
    if parts.coef.size:
        draft.arrays.append(Array("coef", parts.coef.view(np.uint64), "a row an output"))
        draft.arrays.append(Array("intercept", parts.intercept.view(np.uint64)))
    sizes, reads = draft.sizes, parts.coef.size > 0
    kind = "classifier" if parts.classifies else "regressor" if reads else "features"
    names = [
        "liquid",
        *(["encoder"] if parts.encoding else []),
        *(["liquid_readout"] if reads else []),
        *(["best"] if parts.classifies else []),
        f"liquid_{kind}",
    ]
    functions = [*scaled, *(template(each, sizes) for each in names)]
    tests = [Array("test_hashes", _hashes(parts, sizes)), *(_rows_of_test(parts) if parts.encoding else [])]
    public = [
        *(["COLUMNS"] if parts.encoding else []),
        "INPUTS",
        "UNITS",
        {"classifier": "SCORES", "regressor": "OUTPUTS", "features": "FEATURES"}[kind],
    ]
    macros = {f"NAME_{size}": f"{value}u" for size, value in sizes.items() if size not in public} | draft.macros
    text = implementation_text(
        sizes,
        macros,
        draft.arrays,
        functions,
        [*(array.text() for array in tests), template("liquid_test", sizes)],
        wide=any("name_wide" in each for each in functions),
        wide_declared=sizes["DELTA"] > 0,
    )
    fields, ram = _state(sizes)
    unit = "uint8_t" if sizes["UNITS"] <= 256 else "uint16_t"
    header = header_text(
        {size: sizes[size] for size in public},
        f"{WIDE if sizes['DELTA'] else ''}typedef {unit} name_unit; /* a unit's number */\n\n",
        fields,
        template("liquid_api", sizes),
    )
    driver = template("host", sizes) + template("host_liquid", sizes).replace("NAME_READ)", f"{parts.n_read})")
    facts = _facts(parts, draft, name, ram, sum(array.n_bytes for array in tests))
    return Code(facts + rename(header, name), rename(text, name), rename(driver, name))


def _sizes(parts: LiquidParts) -> dict[str, int]:
    model, features = parts.model, parts.model._features()
    neurons, synapses = model._neurons_, model._synapses_
    delays = _delays(model)
    n_units, n_inputs = model.W_in_.shape
    refractory, narrow = model._options_["input_refractory"], model._options_["narrow"]
    renewed = _renewed(synapses.decay.astype(np.float32)) if synapses.nearest else np.zeros((0, 0))
    numbers, encoding = parts.takes_numbers, parts.encoding
    sizes = {
        "UNITS": n_units,
        "INPUTS": n_inputs,
        "CHANNELS": synapses.n_channels,
        "ROWS": int(delays.max(initial=1)),
        "EXPONENTIALS": _EXPONENTIALS[synapses.kind],
        "RENEWS": renewed.shape[1] if renewed.size else 0,
        "NARROW": int(narrow),
        "SCALES_LINKS": int(synapses.nearest or narrow),
        "SCALES_INPUTS": int(synapses.nearest or narrow or numbers),
        "MULTIPLIES": int(synapses.nearest or narrow or numbers or "traces" in features.names),
        "ADAPTS": int(neurons.adaptive),
        "SOFT_RESET": int(neurons.soft_reset),
        "HOLDS": int(neurons.hold),
        "BOUNDED": int(np.isfinite(neurons.parameters[_LIF_ROWS.index("FLOOR")]).any()),
        "RELAYS": int(refractory >= 0),
        "INPUT_REFRACTORY": max(refractory, 0),
        "LONGEST_REFRACTORY": int(neurons.parameters[_LIF_ROWS.index("REFRACTORY")].max()),
        "NUMBERS": int(numbers),
        "ENCODES": int(encoding is not None),
        "PUSHES": int(numbers or encoding is not None),
        "ROW_STEPS": model._steps("row_duration", model.row_duration) if numbers else 0,
        "DELTA": 0,
        "FEATURES": features.n_per_unit * n_units,
        "SHARES": int(features.l1 and "counts" in features.names and not parts.by_row),
        "BY_ROW": int(parts.by_row),
        "CLASSIFIES": int(parts.classifies),
        "OUTPUTS": len(parts.coef),
        "TEST_STEPS": _TEST_STEPS,
        "TEST_SPIKES": _TEST_SPIKES,
        # About half of the spikes that the test has room for.
        "TEST_ODDS": min(65535, 65536 * _TEST_SPIKES // 2 // n_inputs),
    }
    for name in _FEATURES:
        sizes[name.upper()] = int(name in features.names)
        sizes[f"{name.upper()}_AT"] = features.names.index(name) if name in features.names else 0
    if encoding is not None:
        sizes |= {
            "COLUMNS": encoding.n_columns,
            "CODE_STEPS": encoding.n_steps,
            "ROW_STEPS": encoding.row_steps,
            "DELTA": int(encoding.threshold is not None),
            "MOST_SPIKES": encoding.most,
            "BOUNDED_ABOVE": int(encoding.below is not None),
            "ROW_A_SAMPLE": int(encoding.row_a_sample),
            "TEST_ROWS": _TEST_ROWS,
        }
    return sizes | ({"SCORES": len(parts.coef)} if parts.classifies else {})


def _write_encoding(draft: _Draft, encoding: Encoding) -> None:
    if encoding.threshold is not None:
        draft.arrays.append(Array("threshold", encoding.threshold.view(np.uint64)))
    for name, ends in (("CODE_LEAST", encoding.least), ("CODE_BELOW", encoding.below)):
        if ends is not None:
            draft.constant(name, ends.ravel(), comment="of each step, channel by channel")


def _write_units(draft: _Draft, model: Any) -> None:
    neurons, synapses, sizes = model._neurons_, model._synapses_, draft.sizes
    for name, values in zip(_LIF_ROWS, neurons.parameters, strict=True):
        draft.constant(name, smallest_unsigned(values) if name == "REFRACTORY" else values.astype(np.float32))
    draft.constant("V_INIT", neurons.v_init.astype(np.float32))
    for name, rows in (("FALL", synapses.decay), ("RISE", synapses.rise), ("NORM", synapses.norm)):
        if rows is not None:
            _write_channels(draft, name, rows.astype(np.float32))
    draft.macros["NAME_CHANNEL(i)"] = "0u"
    if sizes["CHANNELS"] > 1:
        draft.constant("CHANNEL", (~model.excitatory_).astype(np.uint8), comment="1: inhibitory")
    if sizes["RENEWS"]:
        draft.arrays.append(Array("renewed", _renewed(synapses.decay.astype(np.float32)), "1 - decay^steps"))
    draft.macros["NAME_TRACE_DECAY"] = literal(np.float32(model._features().trace_decay))


def _write_channels(draft: _Draft, name: str, rows: np.ndarray) -> None:
    """Define the macro of a number of each channel, or of each unit in each channel."""
    if (rows == rows[:, :1]).all():
        draft.constant(name, rows[:, 0], "c")
        of = f"NAME_{name}(c)"
    else:
        draft.constant(name, rows.ravel(), "at")
        of = f"NAME_{name}(at)"
    text = draft.macros.pop(of)
    draft.macros[f"NAME_{name}(c, i)"] = text.replace("(at)", f"((c) * {rows.shape[1]}u + (i))")


def _write_links(draft: _Draft, prefix: str, weights: Any, parts: LiquidParts) -> None:
    """Write the synapses of the units or of the inputs, grouped by their source."""
    draft.constant(f"{prefix}LINKS_BEGIN", smallest_unsigned(weights.indptr), "source")
    draft.constant(f"{prefix}TARGET", smallest_unsigned(weights.indices), "k")
    if not prefix:
        draft.constant("DELAY", smallest_unsigned(_delays(parts.model)), "k", "in steps")
    name, scales = f"{prefix.lower()}weight", np.ones(weights.shape[1], np.float32)
    levels, which = np.unique(weights.data, return_inverse=True)
    if draft.sizes["NARROW"]:
        data, scales = _narrowed(weights)
        draft.arrays.append(Array(name, data))
        draft.macros[f"NAME_{prefix}WEIGHT(k)"] = f"(float)(int8_t)NAME_READ8(&name_{name}[k])"
    elif 1 < len(levels) <= 256 and 4 * len(levels) < 3 * len(which):
        # The same few numbers again and again: which of them, in a byte.
        draft.arrays += [Array(f"{name}_levels", levels), Array(name, which.astype(np.uint8), "which of the levels")]
        draft.macros[f"NAME_{prefix}WEIGHT(k)"] = f"NAME_READF(&name_{name}_levels[NAME_READ8(&name_{name}[k])])"
    else:
        draft.constant(f"{prefix}WEIGHT", weights.data, "k")
    draft.constant(f"{prefix}SCALE", scales, "source")


def _narrowed(weights: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights in 8 bits and each source's unit, as the core rounds them."""
    data, scales = np.zeros(weights.nnz, np.int8), np.ones(weights.shape[1], np.float32)
    for j, (begin, end) in enumerate(zip(weights.indptr[:-1], weights.indptr[1:], strict=True)):
        row = weights.data[begin:end]
        if row.any():
            scales[j] = np.abs(row).max() / np.float32(127)
            data[begin:end] = np.clip(np.rint(row / scales[j]), -127, 127)
    return data, scales


def _delays(model: Any) -> np.ndarray:
    steps: np.ndarray = np.rint(np.broadcast_to(model.delay_, model.W_.nnz) / model._dt_).astype(np.int64)
    return steps


def _renewed(decay: np.ndarray) -> np.ndarray:
    """Return 1 - decay^n for n = 0, 1, ... of each channel while it is not 1; products in double, as in the core."""
    rows = []
    for factor in decay[:, 0].astype(np.float64):
        row, left = [0.0], factor
        while np.float32(1.0 - left) < 1:
            row.append(1.0 - left)
            left *= factor
        rows.append(row)
    longest = max(map(len, rows))
    return np.array([row + [1.0] * (longest - len(row)) for row in rows], np.float32)


def _state(sizes: dict[str, int]) -> tuple[list[str], int]:
    """Return the state's fields, the widest first, and their bytes."""
    n_units, n_inputs, channels = sizes["UNITS"], sizes["INPUTS"], sizes["CHANNELS"]
    unit = ("name_unit", 1 if n_units <= 256 else 2)
    blocked = ("uint8_t", 1) if sizes["LONGEST_REFRACTORY"] < 256 else ("uint32_t", 4)
    n_sent = sizes["DELTA"] and sizes["COLUMNS"]
    wanted: list[tuple[int, tuple[str, int], str, str]] = [
        (n_sent, ("name_wide", 8), "minus_sent", "spikes of each number since name_init, rises negative"),
        (n_sent, ("float", 4), "first", "number of each"),
        (n_units, ("float", 4), "v", "potentials"),
        (sizes["ROWS"] * channels * n_units, ("float", 4), "arrivals", "of the steps ahead"),
        (channels * n_units * (sizes["EXPONENTIALS"] > 0), ("float", 4), "falling", "currents"),
        (channels * n_units * (sizes["EXPONENTIALS"] > 1), ("float", 4), "rising", "what is not yet current"),
        (n_units * sizes["ADAPTS"], ("float", 4), "adaptation", "of the thresholds"),
        (n_units * sizes["NUMBERS"], ("float", 4), "external", "the current of the row"),
        (n_units * sizes["TRACES"], ("float", 4), "trace", "filtered spikes"),
        (n_units * sizes["COUNTS"], ("uint32_t", 4), "count", "spikes"),
        (n_units * (sizes["RENEWS"] > 0), ("uint32_t", 4), "last", "step after each unit's last spike"),
        (n_inputs * (sizes["RENEWS"] > 0), ("uint32_t", 4), "last_input", "the same of inputs"),
        (n_inputs * sizes["RELAYS"], ("uint32_t", 4), "free_from", "step from which an input may spike"),
        (n_units * (blocked[1] == 4), blocked, "blocked", "steps left of the refractory time"),
        (n_inputs * sizes["RELAYS"], ("uint16_t", 2), "waiting", "inputs with a spike to come"),
        (n_units, unit, "fired", "units that fired in the last step, n_fired of them"),
        (n_units * (blocked[1] == 1), blocked, "blocked", "steps left of the refractory time"),
        (n_inputs * sizes["RELAYS"], ("uint8_t", 1), "waits", "whether an input is among the waiting"),
    ]
    kept = [each for each in wanted if each[0]]
    scalars = ["uint32_t steps;", f"uint16_t now, n_fired{', n_waiting' * sizes['RELAYS']};"]
    lines = [f"{kind} {name}[{n}]; /* {about} */" for n, (kind, _), name, about in kept]
    first_narrow = next((i for i, each in enumerate(kept) if each[1][1] < 4), len(kept))
    n_bytes = sum(n * size for n, (_, size), _, _ in kept) + 8 + 2 * sizes["RELAYS"]
    align = 8 if n_sent else 4
    return [*lines[:first_narrow], *scalars, *lines[first_narrow:]], -(-n_bytes // align) * align


def _facts(parts: LiquidParts, draft: _Draft, name: str, ram: int, of_test: int) -> str:
    model, sizes = parts.model, draft.sizes
    flash = sum(array.n_bytes for array in draft.arrays)
    n_units, n_outputs = sizes["UNITS"], sizes["OUTPUTS"]
    stack = _STACK_BYTES + 8 * n_outputs + (2 * sizes["INPUTS"] + 4 * sizes["COLUMNS"] + 100 if sizes["ENCODES"] else 0)
    of_unit, of_input = (round(each.nnz / each.shape[1]) for each in (model.W_, model.W_in_))
    per_unit = 2 + sizes["CHANNELS"] * sizes["EXPONENTIALS"] + sizes["TRACES"]
    lines = [
        f"{type(model).__name__} in float32, written by reservoirs {__version__}.",
        "",
        f"Model   {model_hash(draft.arrays, sizes)}",
        f"Flash   {flash} bytes of constants (and {of_test} if name_self_test is called); code 1 to 4 KB on Cortex-M",
        f"RAM     {ram} bytes: one name_state for each series",
        f"Stack   at most {stack} bytes, in any function",
        f"A step  {n_units * per_unit} multiply-adds for {model._dt_:g} ms",
        f"A spike  {of_unit} additions, {of_input} of an input, on average",
        "Check   name_self_test must return 0",
    ]
    if n_outputs:
        lines.append(f"{'A decision' if parts.classifies else 'Outputs'}  {parts.coef.size} multiply-adds in double")
    return comment(lines, name, model)


# What the self-test compares with.


def _hashes(parts: LiquidParts, sizes: dict[str, int]) -> np.ndarray:
    """Show the liquid random spikes; return the hashes of its potentials after each step, and of what is read."""
    model, n_units = parts.model, sizes["UNITS"]
    steps, channels = _test_spikes(sizes)
    features = model._features()
    batch = _core.LiquidBatch32(model._network_, 1, trace_decay=features.trace_decay, watched=list(range(n_units)))
    batch.begin_events([_TEST_STEPS], np.array([0, len(steps)]), steps, channels)
    read = {name: np.empty((1, n_units), np.float32) for name in _FEATURES}
    at = np.array([[0, _TEST_STEPS - 1]])
    batch.advance(_TEST_STEPS, at, read["counts"], read["traces"], read["potentials"])
    if sizes["SHARES"]:
        read["counts"] /= max(read["counts"].sum(), 1)
    last = np.concatenate([read[name][0] for name in features.names])
    if len(parts.coef):
        scores = [ordered_score(last, *row) for row in zip(parts.coef, parts.intercept, strict=True)]
        last = np.array(scores, np.float32)
    return np.array([_hash(row) for row in [*batch.watched()[0], last]], np.uint32)


def _rows_of_test(parts: LiquidParts) -> list[Array]:
    """Return rows of numbers, and the hashes of the potentials after each: Python's encoder, then the core."""
    model, encoding = parts.model, parts.encoding
    assert encoding is not None
    scaled = encoding.numbers(model.encoder_, _TEST_ROWS, np.random.default_rng(0))
    rows = unscaled(parts.scaling, scaled)
    scaled = apply(parts.scaling, rows).astype(np.float64)
    samples = scaled if encoding.row_a_sample else [scaled]
    hashes = []
    for events in model.encoder_.transform(samples):
        steps, channels = events.to_steps(model._dt_)
        n_steps = encoding.row_steps * (1 if encoding.row_a_sample else _TEST_ROWS)
        batch = _core.LiquidBatch32(model._network_, 1, watched=list(range(model.W_in_.shape[0])))
        batch.begin_events([n_steps], np.array([0, len(steps)]), steps, channels)
        batch.advance(n_steps)
        hashes += [_hash(row) for row in batch.watched()[0][encoding.row_steps - 1 :: encoding.row_steps]]
    return [Array("test_numbers", rows), Array("test_row_hashes", np.array(hashes, np.uint32))]


def _test_spikes(sizes: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    random = 1
    spikes: list[tuple[int, int]] = []
    for t in range(_TEST_STEPS):
        n_before = len(spikes)
        for i in range(sizes["INPUTS"]):
            random = (random * 1664525 + 1013904223) % 2**32
            if random >> 16 < sizes["TEST_ODDS"] and len(spikes) - n_before < _TEST_SPIKES:
                spikes.append((t, i))
    table = np.array(spikes, np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _hash(values: np.ndarray) -> int:
    """FNV-1a of whole words."""
    value = 2166136261
    for word in values.view(np.uint32).tolist():
        value = (value ^ word) * 16777619 % 2**32
    return value
