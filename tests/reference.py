"""Plain NumPy twins of the compiled core, operation for operation, and help to compare bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from reservoirs import _core

LEVELS = _core.available_simd_levels()
STRIPES = 16


@contextmanager
def simd_level(name: str) -> Iterator[None]:
    """Run the core at one SIMD level."""
    before = _core.simd_level()
    _core.set_simd_level(name)
    try:
        yield
    finally:
        _core.set_simd_level(before)


def assert_same_bits(actual: Any, expected: Any) -> None:
    """Compare arrays, or lists of arrays, bit for bit: unlike ==, it tells -0 from 0, and a NaN equals itself."""
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same_bits(a, e)
        return
    assert actual.dtype == expected.dtype
    if actual.tobytes() != expected.tobytes() or actual.shape != expected.shape:
        np.testing.assert_array_equal(actual, expected)
        raise AssertionError("equal numbers, different bits")


def fma(a: Any, b: Any, c: Any) -> np.ndarray:
    """a * b + c, rounded once. For float64, valid while a * b is zero or away from underflow and overflow."""
    a, b, c = np.broadcast_arrays(a, b, c)
    return _fma32(a, b, c) if c.dtype == np.float32 else _fma64(a, b, c)


def _fma32(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    # The product is exact in float64; the sum rounded to odd keeps what the last rounding needs to know.
    product = a.astype(np.float64) * b.astype(np.float64)
    return _sum_to_odd(product, c.astype(np.float64)).astype(np.float32)


def _fma64(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    # S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Trans. Computers 57(4), 2008.
    product, product_low = _two_product(a, b)
    middle, low = _two_sum(c, product_low)
    high, middle = _two_sum(product, middle)
    return np.where(product == 0, product + c, high + _sum_to_odd(low, middle))


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def _two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


def _sum_to_odd(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    total, error = _two_sum(a, b)
    even = (np.atleast_1d(total).view(np.int64) & 1 == 0).reshape(total.shape)
    return np.where(even & (error != 0), np.nextafter(total, np.copysign(np.inf, error)), total)


@dataclass(frozen=True)
class Net:
    """The arrays a network of the core is compiled from; matrices are dense; W may be factors, 1-D, or spectra, 4-D."""

    stages: list[int]
    W: np.ndarray
    W_in: np.ndarray
    bias: np.ndarray
    leak: np.ndarray
    keep: np.ndarray
    activation: str = "tanh"
    mixing: np.ndarray | None = None
    potentials: bool = False
    n_remembered: int = 0
    gates: np.ndarray | None = None

    def compiled(self, *, dense: bool) -> Any:
        """Return the core's network."""
        network = _core.Network32 if self.W.dtype == np.float32 else _core.Network64
        form = lambda matrix: matrix if dense or matrix.ndim != 2 else compressed(matrix)  # noqa: E731
        return network(
            self.stages,
            form(self.W),
            self.W_in,
            self.bias,
            self.leak,
            self.keep,
            self.activation,
            None if self.mixing is None else form(self.mixing),
            self.potentials,
            self.n_remembered,
            self.gates,
        )

    @property
    def n_state(self) -> int:
        """Values of a state: the units', or of each remembered step the units' and inputs."""
        return self.W.shape[1] if self.n_remembered else len(self.bias)

    def shown(self, x: np.ndarray) -> np.ndarray:
        """Return what units in these states show."""
        return activation(self.activation)(x) if self.potentials else x[:, : len(self.bias)]

    def sent(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return what units in these states send, or have sent."""
        if self.n_remembered:
            return x
        x = self.shown(x)
        if self.gates is None:
            return x
        return fma(1, add_columns(np.ones_like(x), self.gates, u) + 0, np.zeros_like(x) * x) * x

    def step(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the states after one step of all sequences: x is (n_sequences, n_state), u (n_sequences, n_inputs)."""
        f = activation("identity" if self.potentials else self.activation)
        before, x = x, x.copy()
        carried = x[:, : len(self.bias)]
        if self.mixing is not None:
            x_now = carried
            carried = add_columns(np.zeros_like(x_now), self.mixing, x_now) + 0
        at = 0
        for i, size in enumerate(self.stages):
            units = slice(at, at + size)
            sums = np.repeat(self.bias[None, units], len(x), axis=0)
            if i == 0:
                for j in range(u.shape[1]):
                    sums = fma(self.W_in[:, j], u[:, j, None], sums)
            sent = self.sent(x, u)
            if self.W.ndim == 2:
                sums = add_columns(sums, self.W[units], sent)
            else:
                sums = sums + (transform(self.W * sent) if self.W.ndim == 1 else circulate(self.W, sent))
            x[:, units] = fma(self.leak[units], f(sums + 0), self.keep[units] * carried[:, units])
            at += size
        if self.n_remembered:
            x[:, len(self.bias) :] = np.hstack([u, before])[:, : x.shape[1] - len(self.W)]
        return x


def compressed(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the compressed sparse rows of a matrix."""
    linked = matrix != 0
    row_start = np.concatenate([[0], np.cumsum(linked.sum(axis=1))]).astype(np.int64)
    return row_start, np.nonzero(linked)[1].astype(np.int32), matrix[linked]


def add_columns(sums: np.ndarray, matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Add the matrix times x to the sums, one column after another."""
    for column in np.flatnonzero(matrix.any(axis=0)):
        sums = fma(matrix[:, column], x[:, column, None], sums)
    return sums


def transform(x: np.ndarray) -> np.ndarray:
    """Return the fast Walsh-Hadamard transform of each row, as far as it goes: from halves to neighbours."""
    n_rows, n = x.shape
    half = 1 << (n - 1).bit_length() >> 1
    x = np.hstack([x, np.zeros((n_rows, max(1, 2 * half) - n), x.dtype)])
    while half:
        pairs = x.reshape(n_rows, -1, 2, half)
        x = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2)
        half //= 2
    return x.reshape(n_rows, -1)[:, :n]


def circulate(spectra: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return circulant blocks, given by their spectra (n_groups, n, 2, 16), times each row."""
    n = spectra.shape[1]
    n_rows, n_units = x.shape
    states = np.zeros((n_rows, spectra.size), x.dtype)
    states[:, :n_units] = x
    states = states.reshape(n_rows, *spectra.shape)
    n_whole = n_units // (32 * n)
    heard = np.roll(states, 1, axis=1)
    heard[:, 0] = np.roll(states[:, n_whole - 1], -1, axis=-1) if n_whole else states[:, 0]
    there = _fourier([(heard[:, :, k, 0], heard[:, :, k, 1]) for k in range(n)])
    reversed_bits = [sum((k >> bit & 1) * (n >> bit + 1) for bit in range(4)) for k in range(n)]
    of = spectra / x.dtype.type(n)
    back = _fourier_back([_times(z, (of[:, k, 0], of[:, k, 1])) for z, k in zip(there, reversed_bits, strict=True)])
    return np.stack([np.stack(z, axis=2) for z in back], axis=2).reshape(n_rows, -1)[:, :n_units]


Complex = tuple[np.ndarray, np.ndarray]


def _times(a: Complex, b: Any) -> Complex:
    return fma(-a[1], b[1], a[0] * b[0]), fma(a[1], b[0], a[0] * b[1])


def _rotated(z: Complex, k: int, n: int, sign: int) -> Complex:
    """Return z exp(+-2 pi i k / n), for k below n / 2."""
    eighths = 8 * k * 2 // n
    if eighths == 0:
        return z
    if eighths == 4:
        return (-z[1], z[0]) if sign > 0 else (z[1], -z[0])
    cosines = np.array([1, np.cos(np.pi / 8), np.sqrt(0.5), np.sin(np.pi / 8), 0], z[0].dtype)
    cosine = cosines[eighths] if eighths < 4 else -cosines[8 - eighths]
    return _times(z, (cosine, z[0].dtype.type(sign) * cosines[abs(4 - eighths)]))


def _fourier(v: list[Complex]) -> list[Complex]:
    """Return the discrete Fourier transform, its frequencies with their bits reversed."""
    half = len(v) // 2
    if not half:
        return v
    pairs = list(zip(v[:half], v[half:], strict=True))
    sums = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
    differences = [(a[0] - b[0], a[1] - b[1]) for a, b in pairs]
    return _fourier(sums) + _fourier([_rotated(z, k, len(v), -1) for k, z in enumerate(differences)])


def _fourier_back(v: list[Complex]) -> list[Complex]:
    """Return what `_fourier` came from, times its length."""
    half = len(v) // 2
    if not half:
        return v
    late = [_rotated(z, k, len(v), 1) for k, z in enumerate(_fourier_back(v[half:]))]
    pairs = list(zip(_fourier_back(v[:half]), late, strict=True))
    return [(a[0] + b[0], a[1] + b[1]) for a, b in pairs] + [(a[0] - b[0], a[1] - b[1]) for a, b in pairs]


def activation(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return an activation: the core's own polynomials, whose accuracy has tests of its own."""
    return {
        "tanh": _core.tanh,
        "sigmoid": _core.logistic,
        "relu": lambda z: np.maximum(z, 0),
        "identity": lambda z: z,
    }[name]


def apply_readout(rows: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """Return coef @ row + intercept, summed in stripes that are added pairwise."""
    stripes = np.zeros((len(rows), len(coef), STRIPES), rows.dtype)
    for at in range(0, rows.shape[1], STRIPES):
        some = slice(at, min(at + STRIPES, rows.shape[1]))
        width = some.stop - some.start
        stripes[..., :width] = fma(rows[:, None, some], coef[None, :, some], stripes[..., :width])
    half = STRIPES // 2
    while half:
        stripes = stripes[..., :half] + stripes[..., half:]
        half //= 2
    return intercept + stripes[..., 0]


def add_rows(rows: np.ndarray, bounds: np.ndarray, sums: np.ndarray) -> None:
    """Add the rows of each stretch to its sum, one after another in float64."""
    for total, (begin, end) in zip(sums, bounds, strict=True):
        for row in rows[begin:end].astype(np.float64):
            total += row


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 of Salmon, Moraes, Dror and Shaw (2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def state_noise(seed: int, sequence: int, step: int, index: int) -> float:
    """Return the standard normal number of one unit at one step, up to the rounding of its quantile function."""
    stream = 1
    low, high = 0xFFFFFFFF, 32
    words = philox([index, step & low, step >> high, sequence], [seed & low ^ stream, seed >> high])
    return float(ndtri((((words[0] << 32 | words[1]) >> 11) + 0.5) * 2.0**-53))


def nvar_closed_loop(
    coef: np.ndarray,
    intercept: np.ndarray,
    monomials: np.ndarray,
    n_delays: int,
    stride: int,
    external: np.ndarray,
    history: np.ndarray,
    fed_back: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs and the history after them."""
    past, y, outputs = list(history), fed_back, []
    for row in external:
        now = np.concatenate([row, y])
        linear = np.concatenate([now, *(past[-k * stride] for k in range(1, n_delays))])
        products = [_product(linear[factors[factors >= 0]]) for factors in monomials]
        features = np.concatenate([linear, np.array(products, linear.dtype)])
        y = y + apply_readout(features[None], coef, intercept)[0]
        past.append(now)
        outputs.append(y)
    return np.array(outputs), np.array(past[len(past) - len(history) :], history.dtype).reshape(history.shape)


def _product(factors: np.ndarray) -> np.floating:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


class Lms:
    """The least mean squares of the core, a row at a time."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, rate: Any, *, normalised: bool) -> None:
        self.coef, self.intercept, self.rate, self.normalised = coef.copy(), intercept.copy(), rate, normalised

    def learn(self, x: np.ndarray, y: np.ndarray) -> None:
        error = y - apply_readout(x[None], self.coef, self.intercept)[0]
        gain, of_intercept = self.gain(x)
        self.coef = fma(error[:, None], gain, self.coef)
        self.intercept = self.intercept + error * of_intercept

    def gain(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        rate = self.rate / (1 + dot(x, x)) if self.normalised else self.rate
        return rate * x, rate


class Rls(Lms):
    """Its recursive least squares: of P = U D U^T the columns of U above the diagonal, and D."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, forgetting: Any, penalty: Any) -> None:
        super().__init__(coef, intercept, None, normalised=False)
        n, one = coef.shape[1], coef.dtype.type(1)
        left = one
        for _ in range(n):
            left = left * forgetting
        self.forgetting, self.restored = forgetting, penalty * (one - left)
        self.U, self.D = np.eye(n, dtype=coef.dtype), np.full(n, one / penalty)
        self.mean, self.weight, self.turn = np.zeros(n, coef.dtype), one - one, 0

    def gain(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        faded = self.forgetting * self.weight
        total = faded + 1
        share = faded / total
        d = x - self.mean
        gain, alpha = self.update(d, share, self.forgetting, 0)
        gain = share / alpha * gain
        of_intercept = (1 - dot(gain, d)) / total - dot(gain, self.mean)
        self.mean = fma(1 / total, d, self.mean)
        self.weight = total
        if self.restored > 0:
            self.update(np.eye(len(x), dtype=x.dtype)[self.turn], self.restored, x.dtype.type(1), self.turn)
            self.turn = (self.turn + 1) % len(x)
        return gain, of_intercept

    def update(self, x: np.ndarray, weight: Any, forgetting: Any, first: int) -> tuple[np.ndarray, Any]:
        gain, alpha = np.zeros_like(x), forgetting
        for j in range(first, len(x)):
            u = self.U[:j, j].copy()
            f = x[j] + dot(x[:j], u)
            v = self.D[j] * f
            following = alpha + weight * f * v
            self.U[:j, j] = fma(-(weight * f) / alpha, gain[:j], u)
            gain[:j] = fma(u, v, gain[:j])
            gain[j] = v
            self.D[j] = self.D[j] * (alpha / (following * forgetting))
            alpha = following
        return gain, alpha


def dot(a: np.ndarray, b: np.ndarray) -> Any:
    """Sum of products in the order of the readout."""
    return apply_readout(a[None], b[None], np.zeros(1, a.dtype))[0, 0] if len(a) else a.dtype.type(0)
