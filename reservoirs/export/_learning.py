"""Readouts that go on learning on the device, and scores of anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._params import check_real
from ..streaming import LMS, NLMS, RLS
from ._parts import DelayLine, Parts
from ._text import literal


@dataclass(frozen=True)
class Extras:
    """What an export does beside predicting: nothing by default.

    Attributes
    ----------
    sizes : dict
        Integer macros, all 0 for nothing.
    macros : dict
        Other macros.
    fields, learned : list of str
        Fields of the state: what a restart clears, and what it keeps.
    n_bytes : int
        Of all of them.
    templates, declarations : list of str
        Names of the templates of the functions and of their declarations.
    multiply_adds : int
        Of a lesson.
    stack_bytes : int
        Of the functions.
    """

    sizes: dict[str, int]
    macros: dict[str, str]
    fields: list[str]
    learned: list[str]
    n_bytes: int
    templates: list[str]
    declarations: list[str]
    multiply_adds: int = 0
    stack_bytes: int = 0


def make_extras(parts: Parts, learner: Any, anomaly: Any) -> Extras:
    """Check how an export is to learn, and to score anomalies."""
    extras = Extras({"LEARNS": 0, "SCORES_ANOMALIES": 0}, {}, [], [], 0, [], [])
    if learner is None and anomaly is None:
        return extras
    extras.templates.append("product")
    if anomaly is not None:
        extras = _with_anomalies(extras, 1 - check_real("anomaly", anomaly, 0.0, 1 - 2.0**-20), parts.n_outputs)
    return extras if learner is None else _with_learner(extras, learner, parts)


def _with_anomalies(extras: Extras, rate: float, n_outputs: int) -> Extras:
    fields = [
        f"float predicted[{n_outputs}]; /* by the last step */",
        f"float residual_mean[{n_outputs}], residual_variance[{n_outputs}];",
        "uint32_t n_residuals;",
    ]
    return Extras(
        extras.sizes | {"SCORES_ANOMALIES": 1},
        {"NAME_ANOMALY_RATE": literal(np.float32(rate))},
        fields,
        [],
        12 * n_outputs + 4,
        [*extras.templates, "anomaly"],
        ["anomaly_api"],
    )


def _with_learner(extras: Extras, learner: Any, parts: Parts) -> Extras:
    p, m, rls = parts.coef.shape[1], parts.n_outputs, isinstance(learner, RLS)
    increments = isinstance(parts.core, DelayLine)
    sizes = {"LEARNS": 1, "RLS": int(rls), "INCREMENTS": int(increments)}
    fields = [f"float features[{p}], gain[{p}]; /* of the last step, and of the last lesson */", "uint32_t lesson;"]
    learned = [f"float coef[{m * p}], intercept[{m}]; /* from here on: what is learned */"]
    n_floats, multiply_adds = 2 * p + 1 + m * (p + 1), p * (m + 2)
    if increments:
        fields.append(f"float before[{m}]; /* the row that predictions are added to */")
        n_floats += m
    if rls:
        forgetting, penalty, restored = _of_rls(learner, p)
        sizes["FORGETS"] = int(restored > 0)
        numbers = {"FORGETTING": forgetting, "PENALTY": penalty, "DIAGONAL": 1 / penalty, "RESTORED": restored}
        fields.append(f"float deviation[{p}];")
        triangle = max(1, p * (p - 1) // 2)
        learned.append(f"float columns[{triangle}], diagonal[{p}], mean[{p}], weight; /* U, D, of the features */")
        learned.append("uint32_t turn;")
        n_floats += 3 * p + triangle + 2
        multiply_adds += (3 * p * p // 2) * (2 if restored else 1)
    else:
        sizes["NORMALISED"] = int(isinstance(learner, NLMS))
        most = 2.0 if isinstance(learner, NLMS) else np.inf
        rate = check_real("learning_rate", learner.learning_rate, 0.0, most, least_included=False)
        numbers = {"LEARNING_RATE": np.float32(rate)}
    return Extras(
        extras.sizes | sizes,
        extras.macros | {f"NAME_{name}": literal(value) for name, value in numbers.items()},
        extras.fields + fields,
        learned,
        extras.n_bytes + 4 * n_floats,
        [*extras.templates, "learn_rls" if rls else "learn_lms", f"truth_{parts.kind}", "learn"],
        [*extras.declarations, "learn_api"],
        multiply_adds,
        (150 if rls else 50) + 4 * m,
    )


def _of_rls(learner: RLS, n_features: int) -> tuple[np.float32, np.float32, np.float32]:
    """Return forgetting, penalty and what a turn gives back of it, as the core computes them in float32."""
    forgetting = np.float32(check_real("forgetting", learner.forgetting, 0.0, 1.0, least_included=False))
    if learner.alpha is None:
        raise ValueError("learner=RLS(alpha=None) goes on from sums that no export has: give it an alpha above 0")
    penalty = np.float32(check_real("alpha", learner.alpha, 0.0, least_included=False))
    left = np.float32(1)
    for _ in range(n_features):
        left *= forgetting
    with np.errstate(over="ignore", divide="ignore"):
        if not (np.isfinite(1 / penalty) and np.isfinite(1 / (penalty * left))):
            raise ValueError(f"{learner!r} forgets too fast for {n_features} features, or its alpha is too small")
    return forgetting, penalty, penalty * (np.float32(1) - left)


def check_learner(learner: Any, parts: Parts, dtype: str) -> None:
    """Refuse what cannot learn on a device."""
    if learner is not None and not isinstance(learner, RLS | NLMS | LMS):
        raise ValueError(f"learner={learner!r} must be None, RLS(), NLMS() or LMS()")
    if parts.kind == "classifier" or dtype != "float32":
        what = "classifiers" if parts.kind == "classifier" else dtype
        raise ValueError(f"learner and anomaly are for regressors and forecasters in float32, not for {what}")
