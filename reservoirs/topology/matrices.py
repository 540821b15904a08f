"""Recurrent weight matrices: random ones, and the spectral radius of any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeAlias, TypeVar

import numpy as np
from scipy import sparse
from scipy.linalg import eigvals
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from .._blas import one_thread, one_thread_for_few
from ._transform import TransformWeights
from .circulant import CirculantWeights
from .hadamard import HadamardWeights

__all__ = [
    "Matrix",
    "blocked_weights",
    "random_weights",
    "scale_to_spectral_radius",
    "spectral_radius",
]

Matrix: TypeAlias = np.ndarray | sparse.sparray | TransformWeights
MatrixT = TypeVar("MatrixT", bound=Matrix)

_DENSE_UNITS = 300  # up to here LAPACK takes a few hundredths of a second
_QUICK_DENSE_UNITS = 2000  # up to here it needs less than two seconds
_DENSE_FALLBACK_UNITS = 4000  # up to here less than half a minute
_DENSE_DENSITY = 0.2  # above, a dense matrix-vector product is faster than a sparse one
# (eigenvalues wanted, Krylov vectors, restarts). The eigenvalues of a random matrix crowd at the edge of a disc:
# with 1 to 4 of them wanted ARPACK sometimes settles on a slightly smaller one, so ask for a handful.
_ARPACK_TRIALS = ((6, 100, 150), (8, 250, 100))
# Where all have nearly the same modulus it settles on a smaller one after many restarts. Few of them leave such
# matrices to LAPACK, while that is quick.
_QUICK_TRIALS = ((6, 100, 10),)
_MOST_POWERS = 3000  # of W, applied to the vector that ARPACK starts with
# Above so many units the eigenvalues at the edge are too close to be told apart to the last digit in less than minutes.
_EXACT_UNITS = 20_000
_ROUGH_TRIALS = ((6, 250, 100),)
_ROUGH = 1e-4
_NEGLIGIBLE = 1e-10
_PORTABLE_BITS = 26
_NOT_FINITE = "W must be finite, got NaN or infinity among its entries."
_STRIP = 16  # rows of a block of the compiled core
_BLOCK_ENTRIES = 4_000_000  # bounds the working memory of random_weights to some 100 MB


def spectral_radius(W: Matrix) -> float:
    """Return the largest modulus of the eigenvalues of a square matrix.

    The spectrum of ``W`` is the union of the spectra of the strongly connected components of its graph.
    A component with as many links as units is a cycle, whose eigenvalues are the roots of the product of
    its weights; without any it is a single unit that contributes nothing. A matrix with an acyclic graph
    (a delay line, a triangular matrix, or a permutation of one) hence has a radius of exactly 0. Multiples of
    orthogonal matrices are recognised too. All other components go to LAPACK when small, to ARPACK when large, and to
    LAPACK again where ARPACK does not converge.

    Parameters
    ----------
    W : ndarray, scipy sparse matrix or array, HadamardWeights or CirculantWeights, of shape (n_units, n_units)
        Dense or sparse matrix, real or complex. It is left as it is.

    Returns
    -------
    float
        The spectral radius, to a relative accuracy far better than 1e-6 (1e-4 in components of more than 20,000
        units) unless the eigenvalue itself is ill-conditioned (see Notes). The same call returns the same value;
        NumPy's global random state is neither read nor changed.

    Raises
    ------
    ValueError
        If ``W`` is not a square matrix, has no entries, or contains NaN or infinity.
    RuntimeError
        If ARPACK does not converge and the matrix is too large for a dense solver.

    Notes
    -----
    The eigenvalues of a strongly non-normal matrix (say, a long delay line with weak backward connections)
    change by far more than a rounding error when one entry changes by a rounding error. Any solver in floating
    point then returns the radius of a nearby matrix.

    Where all eigenvalues of more than 2000 units have nearly the same modulus, as where weak links are added to an
    orthogonal matrix, ARPACK may settle on one that is slightly too small (1e-4 at most in smaller matrices, which
    LAPACK solves instead).

    References
    ----------
    .. [1] R. B. Lehoucq, D. C. Sorensen, C. Yang, "ARPACK Users' Guide", SIAM, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import cycle, delay_line, spectral_radius
    >>> spectral_radius(np.diag([0.5, -2.0]))
    2.0
    >>> round(spectral_radius(cycle(100, 0.9)), 12)
    0.9
    >>> spectral_radius(delay_line(100))
    0.0
    """
    if isinstance(W, TransformWeights) and not np.isfinite(W.numbers).all():
        raise ValueError(_NOT_FINITE)
    if isinstance(W, CirculantWeights):
        return W.radius()
    if isinstance(W, HadamardWeights):
        return _hadamard_radius(W)
    links = _links(W)
    largest = float(np.abs(links.data).max(initial=0.0))
    if largest == 0.0:
        return 0.0
    # A power of two changes no digits; it keeps products of tiny or huge weights within range.
    exponent = int(np.frexp(largest)[1])
    links.data = _times_power_of_two(links.data, -exponent)
    return float(np.ldexp(max(_component_radii(links)), exponent))


def scale_to_spectral_radius(W: MatrixT, radius: float) -> MatrixT:
    """Return a copy of a matrix scaled to a given spectral radius.

    Parameters
    ----------
    W : ndarray, scipy sparse matrix or array, HadamardWeights or CirculantWeights, of shape (n_units, n_units)
        Matrix to scale. It is left as it is.
    radius : float
        Wanted spectral radius, finite and at least 0.

    Returns
    -------
    As ``W``
        ``W * (radius / spectral_radius(W))`` of the same class, sparse format and floating-point type
        (float64 for integers). Its radius is within 2e-8 of `radius`, relatively, for float64, but for components of
        more than 20,000 units: within 1e-4, and the last digits of the weights may depend on the machine.

    Raises
    ------
    ValueError
        If `radius` is negative or not finite, if ``W`` is nilpotent (or too nearly so), or for the reasons
        given in `spectral_radius`.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import scale_to_spectral_radius
    >>> scale_to_spectral_radius(np.array([[0.0, 4.0], [4.0, 0.0]]), 0.5)
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    if not (isinstance(radius, Real) and isfinite(radius) and radius >= 0):
        raise ValueError(f"radius must be a finite number of at least 0, got {radius!r}.")
    measured = spectral_radius(W)
    norm = W.norm() if isinstance(W, TransformWeights) else float(abs(W).sum(axis=1).max())
    if measured <= _NEGLIGIBLE * norm:
        raise ValueError(
            f"W cannot be scaled to a spectral radius of {radius!r}: its own is {measured:.3g} beside a norm of "
            f"{norm:.3g}, so W is nilpotent (no unit takes part in a cycle, as in a delay line or a very sparse "
            "matrix). Use its weights as they are, scale them by a factor, or add connections."
        )
    # BLAS and ARPACK round the last bits differently from one CPU to the next. Dropping all but the first 26 bits
    # (a relative error of at most 1.5e-8) lets the scaled weights have the same bits on every machine.
    # A Python float, because a NumPy scalar would turn float32 weights into float64.
    return W * (float(radius) / _leading_bits(measured, _PORTABLE_BITS))


def random_weights(
    n_rows: int,
    n_columns: int,
    connectivity: int | float,
    rng: np.random.Generator,
    *,
    low: float = -1.0,
    high: float = 1.0,
) -> sparse.csr_array:
    """Return a sparse random matrix with the same number of nonzeros in every row.

    Row ``i`` holds the weights of the synapses onto unit ``i``, so every unit has the same in-degree.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape of the matrix, both at least 1.
    connectivity : int or float
        An int is the number of nonzeros per row, 1 to `n_columns`. A float in (0, 1] is the density: every
        row then has ``max(1, round(connectivity * n_columns))`` nonzeros. Hence 1 is a single synapse per unit
        and 1.0 is all of them.
    rng : numpy.random.Generator
        The only source of randomness; the same state gives the same bits.
    low, high : float, default=-1.0, 1.0
        Weights are uniform in ``[low, high)`` and never 0.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_rows, n_columns)
        float64 weights at distinct, uniformly random columns, in ascending order; int32 indices.

    Raises
    ------
    ValueError
        If a size is not a positive int, `connectivity` is outside its range, ``low < high`` does not hold, or
        the matrix has more nonzeros than int32 indices can count.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import random_weights
    >>> W = random_weights(4, 100, 10, np.random.default_rng(0))
    >>> W.shape, W.nnz, np.diff(W.indptr).tolist()
    ((4, 100), 40, [10, 10, 10, 10])
    """
    n_rows = _positive_int("n_rows", n_rows)
    n_columns = _positive_int("n_columns", n_columns)
    degree = _in_degree(connectivity, n_columns)
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(f"low and high must be finite with low < high, got low={low!r} and high={high!r}.")
    _check_countable(n_rows, degree)
    columns = _distinct_columns(n_rows, n_columns, degree, rng)
    return _with_weights(columns, n_columns, rng, low, high)


def blocked_weights(n_units: int, connectivity: int | float, rng: np.random.Generator) -> sparse.csr_array:
    """Return random links in diagonal strips: units 16 b to 16 b + 15 read units c to c + 15, for several random c.

    A step then loads 16 states at once instead of one by one, which takes a half to a third of the time. Rows have the
    same number of nonzeros, as in :func:`random_weights`, but neighbours among the units have neighbours as sources.

    Strips begin at multiples of 16, where states lie in a single cache line, and unit 16 b + i reads the strips' unit
    (i + turn) mod 16, for a random turn of each b: without it units would hear only of those at the same place of their
    16. Where there are fewer such strips than links, they begin anywhere, and turn is 0.

    Parameters
    ----------
    n_units : int
        Number of units, at least 1.
    connectivity : int or float
        An int is the number of nonzeros per row, 1 to ``n_units - 15``. A float in (0, 1] is the density: every
        row then has ``max(1, round(connectivity * n_units))`` nonzeros.
    rng : numpy.random.Generator
        The only source of randomness; the same state gives the same bits.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_units, n_units)
        float64 weights uniform in [-1, 1) and never 0; int32 indices in ascending order.

    Raises
    ------
    ValueError
        If `n_units` is not a positive int, or `connectivity` is outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import blocked_weights
    >>> W = blocked_weights(100, 3, np.random.default_rng(0))
    >>> [W[[i]].indices.tolist() for i in (0, 1, 15)]
    [[22, 38, 54], [23, 39, 55], [21, 37, 53]]
    """
    n_units = _positive_int("n_units", n_units)
    degree = _in_degree(connectivity, n_units)
    size = min(_STRIP, n_units)
    last = n_units - size
    if degree > last + 1:
        raise ValueError(
            f"connectivity={connectivity!r} asks for {degree} nonzeros per row, but strips of {size} columns have only "
            f"{last + 1} places among {n_units} units; lower connectivity, or use random_weights."
        )
    _check_countable(n_units, degree)
    n_blocks = -(-n_units // size)
    if degree <= n_blocks:
        begins = np.minimum(_distinct_columns(n_blocks, n_blocks, degree, rng) * size, last)
        turns = rng.integers(size, size=n_blocks)
    else:
        # As if strips might begin up to 15 before the first unit and end up to 15 behind the last, and were then pushed
        # inside: without these, units at both ends would be read less than others.
        nth = np.arange(degree)
        drawn = _distinct_columns(n_blocks, last + 2 * size - 1, degree, rng) - (size - 1)
        begins = np.clip(drawn, nth, nth + last + 1 - degree)
        turns = np.zeros(n_blocks, int)
    block, row = np.divmod(np.arange(n_units), size)
    columns = begins[block] + ((row + turns[block]) % size)[:, None]
    return _with_weights(columns.astype(np.int32), n_units, rng, -1.0, 1.0)


def _links(W: Matrix) -> sparse.csr_array:
    """Return a checked copy of a square matrix that stores only its nonzeros, in double precision."""
    if not sparse.issparse(W):
        W = np.asarray(W)
    if len(W.shape) != 2 or W.shape[0] != W.shape[1] or W.shape[0] == 0:
        raise ValueError(f"W must be a square matrix with at least one row, got shape {W.shape}.")
    precision = np.complex128 if np.issubdtype(W.dtype, np.complexfloating) else np.float64
    links = sparse.csr_array(W, dtype=precision, copy=True)
    links.sum_duplicates()
    links.eliminate_zeros()
    if not np.isfinite(links.data).all():
        raise ValueError(_NOT_FINITE)
    return links


def _component_radii(links: sparse.csr_array) -> Iterator[float]:
    """Yield the spectral radii of the strongly connected components of a matrix that stores only its nonzeros."""
    n_components, label = connected_components(links.astype(bool), directed=True, connection="strong")
    triplets = links.tocoo()
    inner = label[triplets.row] == label[triplets.col]
    label_of_link = label[triplets.row][inner]
    n_units = np.bincount(label, minlength=n_components)
    n_links = np.bincount(label_of_link, minlength=n_components)
    if (n_links == 0).any():
        yield 0.0

    # As many links as units: a cycle. Logarithms, because the product of many weights leaves the range of a float.
    is_cycle = n_links == n_units
    log_moduli = np.log(np.abs(triplets.data[inner]))
    log_products = np.bincount(label_of_link, weights=log_moduli, minlength=n_components)
    yield from np.exp(log_products[is_cycle] / n_units[is_cycle])

    order = np.argsort(label, kind="stable")
    by_component = links[order][:, order]
    ends = np.cumsum(n_units)
    for component in np.flatnonzero(n_links > n_units):
        units = slice(ends[component] - n_units[component], ends[component])
        yield _irreducible_radius(by_component[units, units])


def _irreducible_radius(block: sparse.csr_array) -> float:
    """Return the spectral radius of a strongly connected matrix."""
    n_units = block.shape[0]
    if n_units <= _DENSE_UNITS:
        return _dense_radius(block.toarray())
    operator = block.toarray() if block.nnz > _DENSE_DENSITY * n_units**2 else block
    start = _start(n_units)
    # W'W = c I, where all eigenvalues have modulus sqrt(c) and Krylov methods fail, exactly if (but for a set of
    # measure zero) the random start is an eigenvector of W'W.
    image = operator.conj().T @ (operator @ start)
    squared = float(np.real(start @ image) / (start @ start))
    if np.linalg.norm(image - squared * start) <= 1e-13 * np.linalg.norm(image):
        return float(np.sqrt(squared))
    if n_units > _EXACT_UNITS:
        # Single precision is enough for that, and half the memory to move.
        operator = operator.astype("F" if np.iscomplexobj(operator) else "f")
    return _arpack_radius(operator, block.toarray)


def _hadamard_radius(W: HadamardWeights) -> float:
    """Return the spectral radius of a Hadamard matrix with factors."""
    n_units, sizes = len(W.factors), abs(W.factors)
    if sizes.min() == sizes.max() and n_units & (n_units - 1) == 0:
        return float(sizes[0] * np.sqrt(n_units))  # a multiple of an orthogonal matrix
    W = W.astype(np.float64 if n_units <= _EXACT_UNITS else np.float32)
    if n_units <= _DENSE_UNITS:
        return _dense_radius(W.toarray())
    return _arpack_radius(LinearOperator(W.shape, W.__matmul__, dtype=W.dtype), W.toarray)


def _arpack_radius(operator: Any, to_dense: Callable[[], np.ndarray]) -> float:
    """Return the spectral radius of whatever is multiplied by vectors, or by LAPACK where ARPACK does not converge."""
    # Only dense products gain by the threads of BLAS, which then go on spinning where ours are wanted.
    with nullcontext() if isinstance(operator, np.ndarray) else one_thread():
        radius = _outermost(operator)
    if radius is not None:
        return radius
    n_units = operator.shape[0]
    if n_units <= _DENSE_FALLBACK_UNITS:
        return _dense_radius(to_dense())
    raise RuntimeError(
        f"The spectral radius of W was not found: ARPACK did not converge for a strongly connected component of "
        f"{n_units} units, which is above the {_DENSE_FALLBACK_UNITS} units a dense solver is tried for. Many of "
        "its eigenvalues probably have nearly the largest modulus; scale the weights by a factor of your own."
    )


def _outermost(operator: Any) -> float | None:
    """Return the largest modulus of the eigenvalues that ARPACK finds; None if it does not converge."""
    n_units = operator.shape[0]
    exact = n_units <= _EXACT_UNITS
    trials = _QUICK_TRIALS if n_units <= _QUICK_DENSE_UNITS else _ARPACK_TRIALS if exact else _ROUGH_TRIALS
    start = _turned_outwards(operator, _start(n_units).astype("d" if exact else "f"))
    for n_wanted, n_vectors, n_restarts in trials:
        try:
            values = eigs(
                operator,
                k=n_wanted,
                which="LM",
                v0=start,
                ncv=min(n_vectors, n_units),
                maxiter=n_restarts,
                tol=0 if exact else _ROUGH,  # 0: machine precision
                return_eigenvectors=False,
            )
        except ArpackNoConvergence:
            continue
        return float(np.abs(values).max())
    return None


def _turned_outwards(operator: Any, vector: np.ndarray) -> np.ndarray:
    """Return a vector with little of it left in the directions of small eigenvalues.

    To multiply is far cheaper than to keep a Krylov space orthogonal, and of eigenvalues that fill a disc ARPACK finds
    the outermost in a third to a quarter of the time (measured, 400 to 10,000 units); longer powers gained nothing.
    """
    for _ in range(min(len(vector) // 2, _MOST_POWERS)):
        image = operator @ vector
        length = np.linalg.norm(image)
        if length == 0:
            return vector
        vector = image / length
    return vector


def _dense_radius(block: np.ndarray) -> float:
    with one_thread_for_few(len(block)):
        return float(np.abs(eigvals(block, overwrite_a=True, check_finite=False)).max())


def _start(n_units: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(n_units)


def _times_power_of_two(values: np.ndarray, exponent: int) -> np.ndarray:
    # In two steps: 2**exponent itself may be out of range though the product is not.
    half = exponent // 2
    return values * 2.0**half * 2.0 ** (exponent - half)


def _leading_bits(value: float, n_bits: int) -> float:
    mantissa, exponent = np.frexp(value)
    return float(np.ldexp(np.round(np.ldexp(mantissa, n_bits)), exponent - n_bits))


def _positive_int(name: str, value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1:
        return int(value)
    raise ValueError(f"{name} must be an int of at least 1, got {value!r}.")


def _in_degree(connectivity: Any, n_columns: int) -> int:
    is_int = isinstance(connectivity, Integral) and not isinstance(connectivity, bool)
    if is_int and connectivity > n_columns:
        raise ValueError(
            f"connectivity={connectivity} asks for more synapses than pairs: a row has {n_columns} columns. "
            f"Give an int of 1 to {n_columns}, or a float in (0, 1] for a density."
        )
    if is_int and connectivity >= 1:
        return int(connectivity)
    if isinstance(connectivity, Real) and not isinstance(connectivity, Integral) and 0 < float(connectivity) <= 1:
        return max(1, round(float(connectivity) * n_columns))
    raise ValueError(
        "connectivity must be an int of at least 1 (nonzeros per row) or a float in (0, 1] (density), "
        f"got {connectivity!r}."
    )


def _with_weights(
    columns: np.ndarray, n_columns: int, rng: np.random.Generator, low: float, high: float
) -> sparse.csr_array:
    """Return a matrix of uniform weights at given columns, an int32 array (n_rows, degree)."""
    n_rows, degree = columns.shape
    n_weights = columns.size
    weights = rng.uniform(low, high, n_weights)
    while (zeros := np.flatnonzero(weights == 0.0)).size:  # a stored 0 would be a missing synapse
        weights[zeros] = rng.uniform(low, high, zeros.size)
    row_starts = np.arange(0, n_weights + 1, degree, dtype=np.int32)
    return sparse.csr_array((weights, columns.ravel(), row_starts), shape=(n_rows, n_columns))


def _check_countable(n_rows: int, degree: int) -> None:
    if n_rows * degree > np.iinfo(np.int32).max:
        raise ValueError(
            f"{n_rows} rows of {degree} nonzeros are {n_rows * degree} weights, more than 2**31 - 1; lower "
            "connectivity."
        )


def _distinct_columns(n_rows: int, n_columns: int, degree: int, rng: np.random.Generator) -> np.ndarray:
    """Draw uniformly random sets of columns, one in each row of an int32 array (n_rows, degree), in ascending order."""
    # Few of many columns rarely collide, so a redraw is cheap; otherwise rank one random number per column.
    draw, width = (_redraw_duplicates, degree) if degree * 10 <= n_columns else (_smallest_keys, n_columns)
    columns = np.empty((n_rows, degree), dtype=np.int32)
    block = max(1, _BLOCK_ENTRIES // width)
    for first in range(0, n_rows, block):
        rows = columns[first : first + block]
        rows[:] = draw(len(rows), n_columns, degree, rng)
    return columns


def _redraw_duplicates(n_rows: int, n_columns: int, degree: int, rng: np.random.Generator) -> np.ndarray:
    # Redrawing only the repeated entries treats all columns alike, so every set of columns stays equally likely.
    columns = np.sort(rng.integers(n_columns, size=(n_rows, degree), dtype=np.int32), axis=1)
    clashing = np.arange(n_rows)
    while clashing.size:
        rows = columns[clashing]
        repeated = np.zeros(rows.shape, dtype=bool)
        np.equal(rows[:, 1:], rows[:, :-1], out=repeated[:, 1:])
        has_repeats = repeated.any(axis=1)
        clashing, rows, repeated = clashing[has_repeats], rows[has_repeats], repeated[has_repeats]
        rows[repeated] = rng.integers(n_columns, size=np.count_nonzero(repeated), dtype=np.int32)
        columns[clashing] = np.sort(rows, axis=1)
    return columns


def _smallest_keys(n_rows: int, n_columns: int, degree: int, rng: np.random.Generator) -> np.ndarray:
    keys = rng.random((n_rows, n_columns))
    return np.sort(np.argpartition(keys, degree - 1, axis=1)[:, :degree], axis=1)
