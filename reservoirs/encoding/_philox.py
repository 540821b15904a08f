"""Random numbers that are a function of place: Philox4x32-10, and the spikes drawn with it.

Every number depends on a seed, on the content of the sample and on where in the sample it is used, so a sample's spikes
depend neither on its neighbours nor on how many threads ran. The compiled core draws the same numbers.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_WORDS = 4

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


def philox(counter: tuple[np.ndarray | np.uint64, ...], seed: int) -> tuple[np.ndarray, ...]:
    """Return the four words of Philox4x32-10 for each counter.

    Parameters
    ----------
    counter : tuple of four uint64 ndarrays or scalars that broadcast
        The words of the counters, each below 2^32.
    seed : int
        The 64 bits of the key.

    Returns
    -------
    tuple of four uint64 ndarrays
        Words below 2^32.

    References
    ----------
    J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    a, b, c, d = counter
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = _MULTIPLIERS[0] * a, _MULTIPLIERS[1] * c
        a = (second >> _HALF) ^ b ^ np.uint64(key[0])
        c = (first >> _HALF) ^ d ^ np.uint64(key[1])
        b, d = second & _LOW, first & _LOW
        key = [(word + weyl) & 0xFFFFFFFF for word, weyl in zip(key, _WEYL, strict=True)]
    return np.asarray(a), np.asarray(b), np.asarray(c), np.asarray(d)


def uniform(words: np.ndarray) -> np.ndarray:
    """Return words below 2^32 as float64 inside (0, 1)."""
    return (words + 0.5) * 2.0**-32


def fnv1a(rows: np.ndarray) -> np.ndarray:
    """Return the FNV-1a hash, 64 bits, of the little-endian bytes of each row of float64."""
    columns = np.ascontiguousarray(np.ascontiguousarray(rows, dtype="<f8").view(np.uint8).T).astype(np.uint64)
    hashes = np.full(len(rows), _FNV_OFFSET)
    for column in columns:
        hashes = (hashes ^ column) * _FNV_PRIME
    return hashes


def bernoulli_spikes(probabilities: np.ndarray, n_steps: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw spikes that come in every step with the channel's probability, jumping from one spike to the next.

    Draw k of a channel c, which is word ``k % 4`` of the counter (k // 4, c, content) with content the row's hash,
    becomes u in (0, 1) and moves time on by ``1 + floor(log(u) / log1p(-p))`` steps, from -1.

    Parameters
    ----------
    probabilities : float64 ndarray of shape (n_samples, n_channels)
        Probability of a spike in a step, in [0, 1].
    n_steps : int
        Number of steps of each sample.
    seed : int
        64 bits.

    Returns
    -------
    list of n_samples pairs (step, channel) of int64 ndarrays
        In order of step, then of channel.
    """
    sample, channel = np.nonzero(probabilities)
    content = fnv1a(probabilities)
    with np.errstate(divide="ignore"):  # p = 1 gives log1p(-1) = -inf: a spike in every step
        log_miss = np.log1p(-probabilities[sample, channel])
    step = np.full(len(sample), -1.0)
    samples, steps, channels = [sample[:0]], [step[:0]], [channel[:0]]
    block = 0
    while len(sample):
        hashed = content[sample]
        words = philox(
            (np.uint64(block) + np.zeros_like(hashed), channel.astype(np.uint64), hashed & _LOW, hashed >> _HALF), seed
        )
        for word in words:
            with np.errstate(over="ignore"):  # the next spike of a tiny p is infinitely far away
                step = step + 1.0 + np.floor(np.log(uniform(word)) / log_miss)
            inside = step < n_steps
            samples.append(sample[inside])
            steps.append(step[inside])
            channels.append(channel[inside])
        going = step < n_steps
        sample, channel, log_miss, step = sample[going], channel[going], log_miss[going], step[going]
        block += 1
    return _split(np.concatenate(samples), np.concatenate(steps), np.concatenate(channels), len(probabilities))


def _split(
    sample: np.ndarray, step: np.ndarray, channel: np.ndarray, n_samples: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    order = np.lexsort((channel, step, sample))
    sample, step, channel = sample[order], step[order].astype(np.int64), channel[order]
    bounds = np.searchsorted(sample, np.arange(n_samples + 1))
    return [(step[a:b], channel[a:b]) for a, b in pairwise(bounds)]
