"""From the parts of a model to the text of its C code."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import __version__
from ._core import Core, bits, write_core
from ._fixed import FixedNetwork
from ._learning import Extras
from ._parts import Affine, Parts
from ._self_test import SelfTest, make_self_test
from ._text import Array, literal, rename, template

# Frames of all functions on the way down, without the arrays that grow with the model; tests hold this against gcc.
_STACK_BYTES = 400
_PUBLIC_SIZES = ("INPUTS", "EXOGENOUS", "OUTPUTS", "SCORES")
WIDE = """\
#include <float.h>

#if DBL_MANT_DIG != 53 && !defined(NAME_INTEGER_DOUBLES)
#define NAME_INTEGER_DOUBLES
#endif
#if defined(NAME_INTEGER_DOUBLES)
typedef uint64_t name_wide; /* the bits of a double, where the compiler has none of 53 bits */
#else
typedef double name_wide;
#endif
"""


@dataclass(frozen=True)
class Code:
    """The C text of a model.

    Attributes
    ----------
    header : str
        Declarations.
    implementation : str
        Definitions.
    driver : str
        What runs it over whole sequences on this machine.
    """

    header: str
    implementation: str
    driver: str


@dataclass
class _Draft:
    """A C file under way."""

    parts: Parts
    dtype: str
    core: Core
    test: SelfTest
    sizes: dict[str, int]
    extras: Extras
    arrays: list[Array] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    @property
    def needs_wide(self) -> bool:
        return any("name_wide" in function for function in self.functions)

    @property
    def needs_wide_state(self) -> bool:
        return self.dtype == "float32" and self.sizes.get("POOLS_MEAN", 0) > 0


def write(parts: Parts, name: str, dtype: str, fixed: FixedNetwork | None, extras: Extras) -> Code:
    """Write the C code that computes what `parts` computes, or what `fixed` computes of it in integers."""
    learns = extras.sizes["LEARNS"] > 0
    core, test = write_core(parts, fixed, learns=learns), make_self_test(parts, fixed)
    sizes = {"POTENTIALS": 0, **core.sizes, **_sizes(parts, core, fixed), **test.sizes, **extras.sizes}
    draft = _Draft(parts, dtype, core, test, sizes, extras)
    draft.arrays += core.arrays
    draft.functions += _scalings(draft)
    kind = "fixed_classifier" if fixed is not None and parts.kind == "classifier" else parts.kind
    reader = ["best"] if kind == "classifier" else []
    init = "init_learned" if learns else "init"
    names = [*core.templates, init, *reader, kind, *extras.templates]
    draft.functions += [template(name, sizes) for name in dict.fromkeys(names)]
    driver = template("host", draft.sizes) + template(f"host_{parts.kind}", draft.sizes)
    header = _facts(draft, name) + rename(_header(draft), name)
    return Code(header, rename(_implementation(draft), name), rename(driver, name))


def _sizes(parts: Parts, core: Core, fixed: FixedNetwork | None) -> dict[str, int]:
    if parts.kind == "forecaster":
        return {"EXOGENOUS": parts.n_exogenous, "OUTPUTS": parts.n_outputs}
    if parts.kind == "regressor":
        return {"INPUTS": parts.n_inputs, "OUTPUTS": parts.n_outputs, "FEEDS_BACK": int(parts.feeds_back)}
    return {
        "INTEGERS": int(fixed is not None),
        "INPUTS": parts.n_inputs,
        "SCORES": parts.n_outputs,
        "POOLED": parts.coef.shape[1],
        "POOLS_MEAN": int(parts.estimator.pooling != "last"),
        "POOLS_LAST": int(parts.estimator.pooling != "mean"),
        "WASHOUT": int(parts.estimator.washout_),
    }


# The parts of the C file.


def _implementation(draft: _Draft) -> str:
    sizes = {f"NAME_{size}": f"{value}u" for size, value in draft.sizes.items() if size not in _PUBLIC_SIZES}
    return implementation_text(
        draft.sizes,
        sizes | draft.core.macros | draft.extras.macros,
        draft.arrays,
        draft.functions,
        [*(array.text() for array in draft.test.arrays), template(f"{draft.parts.kind}_test", draft.sizes)],
        wide=draft.needs_wide,
        wide_declared=draft.needs_wide_state,
    )


def implementation_text(
    sizes: dict[str, int],
    macros: dict[str, str],
    arrays: list[Array],
    functions: list[str],
    test: list[str],
    *,
    wide: bool,
    wide_declared: bool,
) -> str:
    """Put definitions together: the platform, the macros that are used, constants, arithmetic, the model, its test.

    `wide` tells whether anything is computed in double, `wide_declared` whether the header has that type already.
    """
    body = [
        "\n".join(f"#include <{header}.h>" for header in ("float", "stddef", "stdint", "string")) + "\n",
        template("platform", sizes),
        "@macros@",
        "\n".join(array.text() for array in arrays),
        *([WIDE] if wide and not wide_declared else []),
        template("fma", sizes),
        *([template("wide", sizes)] if wide else []),
        *functions,
        *test,
    ]
    text = "\n".join(body)
    used = {macro for macro in macros if re.search(rf"\b{macro.split('(')[0]}\b", text)}
    # A macro may need another.
    used |= {each for each in macros for other in used if re.search(rf"\b{each.split('(')[0]}\b", macros[other])}
    return text.replace(
        "@macros@", "".join(f"#define {name} {value}\n" for name, value in macros.items() if name in used)
    )


def _scalings(draft: _Draft) -> list[str]:
    parts = draft.parts
    functions = [scaling(draft.arrays, "scaled", parts.scaling)]
    if parts.kind == "forecaster":
        functions.append(scaling(draft.arrays, "standardised", parts.standardise))
        functions.append(scaling(draft.arrays, "original", parts.restore))
        if parts.n_exogenous:
            functions.append(scaling(draft.arrays, "standardised_x", parts.standardise_x))
    return functions


def scaling(arrays: list[Array], name: str, steps: list[Affine]) -> str:
    """Write the function that scales one number of column i, and add the arrays of its constants."""
    if not steps:
        return f"static inline float name_{name}(float x, size_t i)\n{{\n    (void)i;\n    return x;\n}}\n"
    lines = ["name_wide wide;"]
    fresh = False
    for n, step in enumerate(steps):
        if step.action == "clip":
            low, high = (literal(bound) for bound in step.constants.astype(np.float32))
            lines.append(f"x = x < {low} ? {low} : x > {high} ? {high} : x;")
            continue
        constants = Array(f"{name}_{n}", bits(step.constants), f"{step.action}: {_told(step.constants)}")
        arrays.append(constants)
        start = "wide" if fresh else "name_wide_of(x)"
        lines.append(f"wide = name_wide_{step.action}({start}, name_wide_at(&name_{constants.name}[i]));")
        fresh = not step.narrow
        if step.narrow:
            lines.append("x = name_narrow(wide);")
    body = "\n".join(f"    {line}" for line in [*lines, "return x;"])
    return f"static float name_{name}(float x, size_t i)\n{{\n{body}\n}}\n"


def _told(constants: np.ndarray) -> str:
    shown = ", ".join(f"{value:.6g}" for value in constants[:4])
    return shown + (", ..." if len(constants) > 4 else "")


# The header.


def _header(draft: _Draft) -> str:
    sizes = {size: draft.sizes[size] for size in _PUBLIC_SIZES if size in draft.sizes}
    names = [*draft.extras.declarations, f"{draft.parts.kind}_api"]
    declarations = "".join(template(name, draft.sizes) for name in names)
    types = f"{WIDE}\n" if draft.needs_wide_state else ""
    return header_text(sizes, types, _state(draft)[0], declarations)


def header_text(sizes: dict[str, int], types: str, state: list[str], declarations: str) -> str:
    """Put declarations together: public sizes, types, the fields of the state, functions."""
    macros = "".join(f"#define NAME_{size} {value}u\n" for size, value in sizes.items())
    fields = "\n".join(f"    {line}" for line in state)
    return (
        f"#ifndef NAME_H\n#define NAME_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
        f'#ifdef __cplusplus\nextern "C" {{\n#endif\n\n'
        f"{macros}\n{types}"
        f"typedef struct {{\n{fields}\n}} name_state;\n\n{declarations}\n"
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif\n"
    )


def _state(draft: _Draft) -> tuple[list[str], int]:
    """Return the state's fields, the widest first, and their bytes."""
    parts, sizes = draft.parts, draft.sizes
    fields, n_bytes = list(draft.core.state), draft.core.state_bytes
    if parts.kind == "forecaster" or parts.feeds_back:
        fields.append(f"float fed_back[{parts.n_outputs}];")
        n_bytes += 4 * parts.n_outputs
    if parts.kind == "classifier":
        fields.append("uint32_t rows;")
        n_bytes += 4
        if sizes["POOLS_LAST"] and sizes["WITH_INPUTS"]:
            fields.append(f"{'float' if draft.dtype == 'float32' else 'int32_t'} drive[{sizes['DRIVES']}];")
            n_bytes += 4 * sizes["DRIVES"]
        if sizes["POOLS_MEAN"]:
            fields.insert(0, f"{'name_wide' if draft.dtype == 'float32' else 'int64_t'} sum[{sizes['FEATURES']}];")
            n_bytes += 8 * sizes["FEATURES"]
    fields += [*draft.extras.fields, *draft.extras.learned]
    return fields, n_bytes + draft.extras.n_bytes


def _facts(draft: _Draft, name: str) -> str:
    """Return the comment at the top."""
    parts, core = draft.parts, draft.core
    flash = sum(array.n_bytes for array in draft.arrays)
    of_test = sum(array.n_bytes for array in draft.test.arrays)
    readout = parts.coef.size
    ram = -(-_state(draft)[1] // 8) * 8
    stack = (
        _STACK_BYTES
        + core.stack_bytes
        + draft.extras.stack_bytes
        + 4 * core.sizes["DRIVES"]
        + 8 * draft.sizes.get("SCORES", 0)
    )
    lines = [
        f"{type(parts.estimator).__name__} in {draft.dtype}, written by reservoirs {__version__}.",
        "",
        f"Model   {model_hash(draft.arrays, draft.sizes)}",
        f"Flash   {flash} bytes of constants (and {of_test} if name_self_test is called); code 1 to 3 KB on Cortex-M",
        f"RAM     {ram} bytes: one name_state for each series",
        f"Stack   at most {stack} bytes, in any function",
        f"A step  {core.multiply_adds + (0 if parts.kind == 'classifier' else readout)} multiply-adds"
        + (f", {core.work}" if core.work else ""),
        "Check   name_self_test must return 0",
    ]
    if draft.extras.multiply_adds:
        lines.append(f"A lesson  {draft.extras.multiply_adds} multiply-adds")
    if parts.kind == "classifier":
        numbers = "double" if draft.dtype == "float32" else "integers"
        lines.append(f"A decision  {readout} multiply-adds and {draft.sizes['POOLED']} divisions, in {numbers}")
    return comment(lines, name, parts.estimator)


def model_hash(arrays: list[Array], sizes: dict[str, int]) -> str:
    """Return what tells one model from another."""
    digest = hashlib.sha256("".join(array.text() for array in arrays).encode())
    digest.update(repr(sorted(sizes.items())).encode())
    return digest.hexdigest()[:16]


def comment(lines: list[str], name: str, model: Any) -> str:
    """Return the comment at the top of a header, whose last line tells which class each number stands for."""
    lines = [rename(line, name) for line in lines]
    if hasattr(model, "classes_"):
        # Labels are the user's, and not renamed.
        lines.append(f"Classes {_safe(', '.join(f'{i}: {label}' for i, label in enumerate(model.classes_)))}")
    return "/* " + "\n   ".join(lines).replace("\n   \n", "\n\n") + " */\n"


def _safe(text: str) -> str:
    """Return text that cannot end a comment, nor leave ASCII."""
    printable = re.sub(r"[^ -~]", "?", text)
    return printable.replace("*/", "* /").replace("/*", "/ *")
