"""The C code's inner part: an echo-state network or NVAR with its readout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..topology import HadamardWeights
from ._fixed import TANH_TABLE, FixedNetwork
from ._parts import DelayLine, Network, Parts
from ._text import Array, literal, smallest_unsigned


@dataclass(frozen=True)
class Core:
    """What the inner part brings to the C code.

    Attributes
    ----------
    sizes : dict
        Integer macros.
    macros : dict
        Other macros.
    arrays : list of Array
    templates : list of str
        Names of the templates, in the order of the C code.
    state : list of str
        Fields of the state.
    state_bytes : int
        Their size, without padding.
    multiply_adds : int
        Of one step without the readout, which is the same for all.
    work : str
        What a step does besides.
    """

    sizes: dict[str, int]
    macros: dict[str, str]
    arrays: list[Array]
    templates: list[str]
    state: list[str]
    state_bytes: int
    multiply_adds: int
    work: str = ""
    stack_bytes: int = field(default=0)


def write_core(parts: Parts, fixed: FixedNetwork | None, *, learns: bool) -> Core:
    """Write the network, in integers if `fixed` is given, or the delay line of a model."""
    if fixed is not None:
        return _fixed_network(parts, fixed)
    readout = "readout_learned" if learns else "readout"
    core = _network(parts, parts.core, readout) if isinstance(parts.core, Network) else _delay_line(parts.core, readout)
    core.arrays.append(Array("coef", bits(parts.coef), "a row an output"))
    core.arrays.append(Array("intercept", bits(parts.intercept)))
    return core


def bits(values: np.ndarray) -> np.ndarray:
    """Return what is written of numbers: of doubles the bits, which compilers without doubles can read too."""
    return values.view(np.uint64) if values.dtype == np.float64 else values


def _network(parts: Parts, network: Network, readout: str) -> Core:
    n_units, n_drives = len(network.bias), network.W_in.shape[1]
    links, link_arrays, link_macros = _links(network.W)
    transformed = 1 << (n_units - 1).bit_length() if isinstance(network.W, HadamardWeights) else 0
    sums = f", and {transformed * (transformed.bit_length() - 1)} sums and differences" if transformed else ""
    arrays = [
        Array("bias", network.bias),
        Array("input_weights", network.W_in, "a row a unit"),
        *link_arrays,
    ]
    macros = {"NAME_STAGE_ENDS": ", ".join(map(str, network.stage_ends)), **link_macros}
    _per_unit("gain", network.gain, arrays, macros)
    if (network.keep == 1 - network.gain).all():
        macros["NAME_KEEP(unit)"] = "(1.0f - NAME_GAIN(unit))"
    else:
        _per_unit("keep", network.keep, arrays, macros)
    if network.linear is not None:
        more, link_arrays, link_macros = _links(network.linear, "linear_")
        links, arrays, macros = links + more, [*arrays, *link_arrays], macros | link_macros
    state = [f"float x[{n_units}];"]
    if network.potentials:
        state.append(f"float v[{n_units}]; /* potentials, of which x are the rates */")
    n_next = transformed or n_units * (not network.potentials)
    if n_next:
        state.append(f"float next[{n_next}]; /* used within a step only */")
    polynomial = ["rounding"] if network.activation in ("tanh", "sigmoid") else []
    transform = ["product", "transform"] if transformed else []
    return Core(
        sizes=_sizes(network)
        | {"MIXES": int(network.linear is not None), "POTENTIALS": int(network.potentials), "TRANSFORM": transformed},
        macros=macros,
        arrays=arrays,
        templates=[*polynomial, network.activation, *transform, "network", *_reader(parts, [readout, "network_run"])],
        state=state,
        state_bytes=4 * (n_units * (1 + network.potentials) + n_next),
        multiply_adds=links + n_drives * network.stage_ends[0] + n_units,
        work=f"{n_units} {network.activation}{sums}",
    )


def _per_unit(name: str, values: np.ndarray, arrays: list[Array], macros: dict[str, str]) -> None:
    """Add the macro that gives a unit its number: the same for all, or from an array."""
    if (values == values[0]).all():
        macros[f"NAME_{name.upper()}(unit)"] = literal(values[0])
    else:
        arrays.append(Array(name, values))
        macros[f"NAME_{name.upper()}(unit)"] = f"NAME_READF(&name_{name}[unit])"


def _sizes(network: Network) -> dict[str, int]:
    return {
        "UNITS": len(network.bias),
        "DRIVES": network.W_in.shape[1],
        "FEATURES": network.n_features,
        "WITH_INPUTS": int(network.with_inputs),
        "WITH_SQUARES": int(network.with_squares),
    }


def _fixed_network(parts: Parts, fixed: FixedNetwork) -> Core:
    network = fixed.network
    n_units, n_drives = len(fixed.bias), len(fixed.drive_scales)
    links, link_arrays, link_macros = _links(fixed.weights)
    width = 8 * fixed.input_weights.itemsize
    arrays = [
        Array("bias", fixed.bias, "in 2^-24"),
        Array("drive_scales", fixed.drive_scales),
        Array("input_weights", fixed.input_weights, "a row a unit"),
        *link_arrays,
        Array("row_scales", fixed.row_scales),
        Array("coef", fixed.coef, "a row an output"),
        Array("coef_scales", fixed.coef_scales),
        Array("intercept", fixed.intercept),
    ]
    macros = {
        "NAME_STAGE_ENDS": ", ".join(map(str, network.stage_ends)),
        "NAME_ROW_BITS": str(fixed.row_bits),
        "NAME_WEIGHT(link)": f"(int{width}_t)NAME_READ{width}(&name_weights[link])",
        "NAME_INPUT_WEIGHT(i)": f"(int{width}_t)NAME_READ{width}(&name_input_weights[i])" + " * 256" * (width == 8),
        "NAME_COEF(i)": f"(int{8 * fixed.coef.itemsize}_t)NAME_READ{8 * fixed.coef.itemsize}(&name_coef[i])",
        **link_macros,
    }
    if (fixed.leak == fixed.leak[0]).all():
        macros["NAME_LEAK(unit)"] = f"{fixed.leak[0]}"
    else:
        arrays.append(Array("leak", fixed.leak, "in 2^-15"))
        macros["NAME_LEAK(unit)"] = "(int32_t)NAME_READ32(&name_leak[unit])"
    return Core(
        sizes=_sizes(network) | {"WIDE": int(fixed.wide)},
        macros=macros,
        arrays=[*arrays, Array("tanh_table", TANH_TABLE, "2^31 tanh at sixteenths from 0 to 6")],
        templates=[
            "fixed",
            "wide_tanh" if fixed.wide else "short_tanh",
            f"fixed_{network.activation}",
            "fixed_network",
            *_reader(parts, ["fixed_run"]),
        ],
        state=[
            f"int32_t x[{n_units}]; /* in 2^-30 */",
            f"int32_t next[{n_units}]; /* used within a step only */",
            "uint32_t saturated; /* inputs that were out of range since name_init */",
        ],
        state_bytes=8 * n_units + 4,
        multiply_adds=links + n_drives * network.stage_ends[0] + n_units,
        work=f"{n_units} {network.activation}, in integers",
        stack_bytes=4 * n_drives,
    )


def _links(W: Any, prefix: str = "") -> tuple[int, list[Array], dict[str, str]]:
    """Return how many weights a matrix has, with the arrays and macros that tell which: sparse, all, or factors."""
    if isinstance(W, HadamardWeights):
        return len(W.factors), [Array("factors", W.factors)], {}
    n_units, n_bytes = W.shape[0], W.data.itemsize
    columns, counts = smallest_unsigned(W.indices), np.diff(W.indptr)
    of_unit, column = f"NAME_{prefix.upper()}LINKS(unit)", f"NAME_{prefix.upper()}COLUMN(unit, link)"
    if W.nnz * (n_bytes + columns.itemsize) >= n_bytes * n_units**2:
        macros = {of_unit: f"{n_units}u", column: f"((link) - (unit) * {n_units}u)"}
        return n_units**2, [Array(f"{prefix}weights", W.toarray(), "a row a unit")], macros
    arrays = [
        Array(f"{prefix}weights", W.data, "of each unit's links, one unit after another"),
        Array(f"{prefix}columns", columns),
    ]
    macros = {column: f"NAME_READ{8 * columns.itemsize}(&name_{prefix}columns[link])"}
    if (counts == counts[0]).all():
        macros[of_unit] = f"{counts[0]}u"
    else:
        arrays.append(Array(f"{prefix}links", smallest_unsigned(counts), "how many of each unit"))
        macros[of_unit] = f"NAME_READ{8 * arrays[-1].values.itemsize}(&name_{prefix}links[unit])"
    return W.nnz, arrays, macros


def _delay_line(line: DelayLine, readout: str) -> Core:
    order = line.monomials.shape[1]
    unused = 0xFF if line.n_variables * line.delays < 0xFF else 0xFFFF
    factors = np.where(line.monomials < 0, unused, line.monomials)
    factors = factors.astype(np.uint8 if unused == 0xFF else np.uint16)
    past = [f"float past[{line.depth * line.n_variables}];", "uint32_t at;"] if line.depth else []
    return Core(
        sizes={
            "DRIVES": line.n_variables,
            "FEATURES": line.n_features,
            "LINEAR": line.n_variables * line.delays,
            "ORDER": order,
            "STRIDE": line.stride,
            "DEPTH": line.depth,
            "NO_FACTOR": unused,
        },
        macros={"NAME_FACTOR(i)": f"NAME_READ{8 * factors.itemsize}(&name_factors[i])"} if factors.size else {},
        arrays=[Array("factors", factors, "the places in z of each product's factors")] if factors.size else [],
        templates=["nvar", readout, "nvar_run"],
        state=[*past, "uint32_t seen;"],
        state_bytes=4 * line.depth * line.n_variables + (8 if line.depth else 4),
        multiply_adds=int((line.monomials >= 0).sum()) - len(line.monomials),
        stack_bytes=4 * line.n_variables * line.delays,
    )


def _reader(parts: Parts, templates: list[str]) -> list[str]:
    """Return what gives outputs of a step; a classifier reads whole sequences in its own way."""
    return [] if parts.kind == "classifier" else templates
