"""Exports that learn on the device: the bits of the core's learners in float32; and that score anomalies."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from reference import assert_same_bits
from test_export import COMPILERS, VARIANTS, WARNINGS, classifier, flags_of, inputs, model, series

from reservoirs import ESNRegressor, _core
from reservoirs.export import CSource, to_c
from reservoirs.export._host import compile_shared
from reservoirs.metrics import anomaly_scores
from reservoirs.streaming import LMS, NLMS, RLS

pytestmark = pytest.mark.skipif(not COMPILERS, reason="needs a C compiler: gcc or clang")
LEARNERS: dict[str, Any] = {
    "NLMS": NLMS(0.5),
    "LMS": LMS(0.01),
    "RLS": RLS(alpha=0.1),
    "RLS that forgets": RLS(0.999, alpha=0.1),
}
N_STEPS = 10_000

RUN = """
/* Every step: predict, score, learn. */
void run(const float *u, const float *y, size_t n, float *out, float *scores, float *features, float *coef)
{
    static m_state s;
    size_t t, i;
    (void)u;
    m_init(&s);
    for (t = 0; t < n; ++t) {
        STEP
        scores[t] = m_anomaly(&s, y + t * M_OUTPUTS);
        for (i = 0; i < M_FEATURES; ++i) features[t * M_FEATURES + i] = s.features[i];
        (void)m_learn(&s, y + t * M_OUTPUTS);
    }
    for (i = 0; i < M_OUTPUTS * M_FEATURES; ++i) coef[i] = s.coef[i];
    for (t = 0; t < M_OUTPUTS; ++t) coef[i + t] = s.intercept[t];
}
"""
STEPS = {
    "regressor": "m_step(&s, u + t * M_INPUTS, out + t * M_OUTPUTS);",
    "forecaster": "m_step(&s, t ? y + (t - 1) * M_OUTPUTS : NULL, out + t * M_OUTPUTS);",
}


@cache
def exported(name: str, learner: str, anomaly: float = 0.99) -> CSource:
    return to_c(model(name), "m", learner=LEARNERS[learner], anomaly=anomaly)


def truth(name: str) -> np.ndarray:
    """Return what is to be learned: for the regressor another task than it was fitted to."""
    if name == "regressor":
        u = inputs()
        return np.column_stack([np.roll(u[:, 0], 1) - 0.3 * u[:, 1], u[:, 1] + 5]).astype(np.float32)
    return (series()[:, None] if name != "two series" else inputs() * 100 + 30).astype(np.float32)


def run(code: CSource, name: str, n: int, compiler: str, *flags: str) -> list[np.ndarray]:
    main = code.driver() + RUN.replace("STEP", STEPS[code._parts.kind])
    library = compile_shared(code.files | {"main.c": main}, "main.c", [compiler], [*WARNINGS, *flags])
    m, p = code._parts.coef.shape
    arrays = [np.zeros(shape, np.float32) for shape in ((n, m), n, (n, p), m * (p + 1))]
    given = [np.ascontiguousarray(each[:n]) for each in (inputs(), truth(name))]
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in [*given, *arrays]]
    library.run(*pointers[:2], ctypes.c_size_t(n), *pointers[2:])
    return arrays


@cache
def first_lessons(learner: str) -> list[np.ndarray]:
    return run(exported("regressor", learner), "regressor", 300, COMPILERS[0], "-O2")


def begun(code: CSource, learner: Any) -> Any:
    """Return the core's learner in float32."""
    start = _core.LinearReadout32(code._parts.coef, code._parts.intercept)
    if isinstance(learner, RLS):
        return _core.RLS32(start, learner.forgetting, learner.alpha, weight=learner.alpha)
    return _core.LMS32(start, learner.learning_rate, normalised=isinstance(learner, NLMS))


def standardised(code: CSource, y: np.ndarray) -> np.ndarray:
    model = code._parts.estimator
    return ((y.astype(np.float64) - model.y_mean_) / model.y_scale_).astype(np.float32)


def lessons(code: CSource, name: str, n: int) -> np.ndarray:
    """Return what the readout should have given at each step."""
    y = truth(name)[:n]
    if code._parts.kind == "regressor":
        return y
    scaled = standardised(code, y)
    return np.diff(scaled, axis=0, prepend=np.float32(0)) if name == "NVAR" else scaled


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("name", ["regressor", "two series", "NVAR"])
def test_ten_thousand_lessons_give_the_bits_of_the_core(name: str, learner: str) -> None:
    n = 2000 if name == "NVAR" else N_STEPS
    code = exported(name, learner)
    out, _, features, coef = run(code, name, n, COMPILERS[0], "-O2")
    twin, targets = begun(code, LEARNERS[learner]), lessons(code, name, n)
    depth = code._parts.core.depth if name == "NVAR" else -1
    for t in range(n):
        if t > depth:  # before, NVAR lacks some of its past, and does not learn
            if name == "regressor" and t % 100 == 0:
                readout = _core.LinearReadout32(twin.coef, twin.intercept)
                assert_same_bits(out[t], readout.apply(features[t : t + 1])[0])
            twin.learn(features[t : t + 1], targets[t : t + 1])
    m, p = code._parts.coef.shape
    assert_same_bits(coef[: m * p].reshape(m, p), twin.coef)
    assert_same_bits(coef[m * p :], twin.intercept)
    assert (coef[: m * p] != code._parts.coef.ravel()).mean() > 0.9


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flags", [*VARIANTS, "-O0", "-O3"])
def test_every_compiler_learns_the_same(flags: str, compiler: str) -> None:
    learner = "RLS that forgets"  # which does all that the others do
    options = [flags] if flags.startswith("-") else ["-O2", *flags_of(flags, compiler)]
    code = exported("regressor", learner)
    expected = first_lessons(learner)
    for ours, theirs in zip(run(code, "regressor", 300, compiler, *options), expected, strict=True):
        assert_same_bits(ours, theirs)


@pytest.mark.parametrize("learner", ["NLMS", "RLS", "RLS that forgets"])
def test_learning_finds_the_new_task(learner: str) -> None:
    out, _, _, _ = run(exported("regressor", learner), "regressor", N_STEPS, COMPILERS[0], "-O2")
    errors = np.sqrt(((out - truth("regressor")) ** 2).mean(axis=1))
    assert errors[-500:].mean() < (0.3 if learner == "NLMS" else 0.05) * errors[:20].mean()


@pytest.mark.parametrize("name", ["regressor", "two series"])
@pytest.mark.parametrize("forgetting", [0.99, 0.9])
def test_anomalies_have_the_bits_of_their_twin(name: str, forgetting: float) -> None:
    out, scores, _, _ = run(exported(name, "NLMS", forgetting), name, 3000, COMPILERS[0], "-O2")
    assert_same_bits(scores, anomaly_scores(truth(name)[:3000], out, forgetting=forgetting))


def test_anomalies_alone() -> None:
    code = to_c(model("forecaster"), "m", anomaly=0.99)
    assert code.self_test() == 0
    assert "m_learn" not in code.header
    assert_same_bits(code.predict(series()), to_c(model("forecaster"), "m").predict(series()))
    ask = (
        "float ask(float y)\n{\n    static m_state s;\n    float next;\n    m_init(&s);\n"
        "    m_step(&s, NULL, &next);\n    return m_anomaly(&s, &y);\n}\n"
    )
    library = compile_shared(code.files | {"main.c": code.driver() + ask}, "main.c", None)
    library.ask.restype = ctypes.c_float
    assert library.ask(ctypes.c_float(1.0)) == 0
    for unusual in (np.nan, np.inf):
        assert library.ask(ctypes.c_float(unusual)) == np.finfo(np.float32).max


WITHOUT_A_LESSON = """
int ask(const float *u, const float *y)
{
    static m_state s, before;
    float out[M_OUTPUTS];
    m_init(&s);
    if (m_learn(&s, y) != 1) return 2;
    m_step(&s, u, out);
    before = s;
    if (m_learn(&s, y) != 1) return 3;
    return memcmp(&s, &before, sizeof s) != 0;
}

int again(const float *u, const float *y)
{
    static m_state s, before;
    float first[M_OUTPUTS], out[M_OUTPUTS], coef;
    m_init(&s);
    m_step(&s, u, first);
    if (m_learn(&s, y) != 0) return 2;
    coef = s.coef[0];
    m_restart(&s);
    if (m_learn(&s, y) != 1) return 3;
    if (s.coef[0] != coef) return 4;
    m_restart(&before);
    if (memcmp(&before, (m_init(&s), &s), offsetof(m_state, coef))) return 5;
    m_init(&s);
    m_step(&s, u, out);
    return memcmp(first, out, sizeof out) != 0;
}
"""


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_not_finite_changes_nothing(learner: str) -> None:
    code = exported("regressor", learner)
    library = compile_shared(code.files | {"main.c": code.driver() + WITHOUT_A_LESSON}, "main.c", None)
    u, y = np.ones(2, np.float32), np.array([1.0, np.nan], np.float32)
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (u, y)]
    assert library.ask(*pointers) == 0
    y[1] = 3
    assert library.again(*pointers) == 0


def test_potentials_start_anew() -> None:
    # Rates of a sigmoid are 1/2 at rest.
    code = to_c(model("voltage"), "m", learner=NLMS(0.5))
    library = compile_shared(code.files | {"main.c": code.driver() + WITHOUT_A_LESSON}, "main.c", None)
    u = np.ones(2, np.float32)
    assert library.again(*[ctypes.c_void_p(u.ctypes.data)] * 2) == 0


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("name", ["regressor", "NVAR", "forecaster"])
def test_the_header_states_the_ram(name: str, learner: str) -> None:
    code = exported(name, learner)
    assert code.self_test() == 0
    stated = int(re.search(r"RAM +(\d+) bytes", str(code))[1])  # type: ignore[index]
    assert code._compiled.state_bytes <= stated <= code._compiled.state_bytes + 7
    assert re.search(r"A lesson  \d+ multiply-adds", str(code))


def test_wrong_learners() -> None:
    fitted = model("regressor")
    with pytest.raises(ValueError, match=r"learner='nlms' must be None, RLS\(\), NLMS\(\) or LMS\(\)"):
        to_c(fitted, "m", learner="nlms")
    with pytest.raises(ValueError, match=r"RLS\(alpha=None\) goes on from sums that no export has: give it an alpha"):
        to_c(fitted, "m", learner=RLS())
    with pytest.raises(ValueError, match=r"learning_rate=2.5 must be a finite number in \(0, 2\]"):
        to_c(fitted, "m", learner=NLMS(2.5))
    with pytest.raises(ValueError, match="forgets too fast for 42 features, or its alpha is too small"):
        to_c(fitted, "m", learner=RLS(0.05, alpha=0.1))
    with pytest.raises(ValueError, match=r"anomaly=1.0 must be a finite number in \[0, "):
        to_c(fitted, "m", anomaly=1.0)
    with pytest.raises(ValueError, match="are for regressors and forecasters in float32, not for classifiers"):
        to_c(classifier(), "m", anomaly=0.9)
    u, y = inputs()[:100], inputs()[:100, 0]
    with pytest.raises(ValueError, match="are for regressors and forecasters in float32, not for int8"):
        to_c(ESNRegressor(n_units=10).fit(u, y), "m", dtype="int8", refit=(u, y), learner=NLMS())
