"""Which inputs a liquid's neurons read, where that is more than chance: receptive fields.

A wiring is a holder of parameters with one member, ``synapses(examples, n_units, rng)``; anything that has it will do
(`Wiring`).
"""

from __future__ import annotations

from math import prod
from typing import Any, Protocol

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_choice, check_count

__all__ = ["ReceptiveFields", "Wiring"]

_BLOCK = 1024  # neurons that are worked on at a time, for the sake of memory


class Wiring(Protocol):
    """What a liquid asks of the wiring of its inputs; documented in the classes of this module."""

    def synapses(self, examples: np.ndarray, n_units: int, rng: np.random.Generator) -> sparse.csc_array:
        """Draw the input weights."""


class ReceptiveFields(BaseEstimator):  # type: ignore[misc]
    """Every neuron reads one random rectangle of an image, with weights that add up to zero.

    A neuron's weights are what a random training sample has in its rectangle, less the mean: the neuron responds to
    pieces of other samples that look the same, whatever their brightness. No label is used. Random local fields are
    those of McDonnell et al. [1]_, who draw weights at random or from differences of samples; pieces of samples as
    weights are those of Coates and Ng [2]_.

    Parameters
    ----------
    shape : tuple of int, default=(28, 28)
        Shape of the image: ``(height, width)``, or ``(n_maps, height, width)`` for several maps that a field reads at
        the same place, as the two polarities of events. Its product is the number of inputs.
    size : tuple of two int, default=(4, 14)
        Least and largest height and width of a rectangle, drawn independently; those that do not fit are cut to the
        image.
    weights : {"samples", "normal"}, default="samples"
        Weights within the rectangle before their mean is taken off: what a training sample has there, the rectangle
        being one that holds an input that is not zero; or normally distributed numbers, the rectangle lying anywhere.

    Raises
    ------
    ValueError
        When synapses are drawn, for parameters out of range and for a shape that has not as many inputs as there are.

    References
    ----------
    .. [1] M. D. McDonnell, M. D. Tissera, T. Vladusich, A. van Schaik and J. Tapson, "Fast, simple and accurate
       handwritten digit classification by training shallow neural network classifiers with the 'extreme learning
       machine' algorithm", PLoS ONE 10, 2015.
    .. [2] A. Coates and A. Y. Ng, "The importance of encoding versus training with sparse coding and vector
       quantization", ICML, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import ReceptiveFields
    >>> images = np.random.default_rng(0).uniform(0, 1, (50, 8 * 8))
    >>> W_in = ReceptiveFields((8, 8), size=(3, 4)).synapses(images, n_units=20, rng=np.random.default_rng(0))
    >>> W_in.shape, bool(abs(W_in.sum(axis=1)).max() < 1e-12)
    ((20, 64), True)
    """

    def __init__(self, shape: Any = (28, 28), size: Any = (4, 14), weights: str = "samples") -> None:
        self.shape = shape
        self.size = size
        self.weights = weights

    def synapses(self, examples: np.ndarray, n_units: int, rng: np.random.Generator) -> sparse.csc_array:
        """Draw the input weights.

        Parameters
        ----------
        examples : ndarray of shape (n_examples, n_inputs)
            What the inputs are in some training samples. Neuron i takes row i, again from the first when all are taken.
        n_units : int
            Number of neurons.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        CSC array of shape (n_units, n_inputs)
            float64. The weights of a neuron have a mean of zero and a sum of squares of one, or are all zero where the
            sample has no contrast.
        """
        n_maps, height, width = self._checked_shape(examples.shape[1])
        blocks = []
        for first in range(0, n_units, _BLOCK):
            units = np.arange(first, min(first + _BLOCK, n_units))
            images = examples[units % len(examples)].reshape(-1, n_maps, height, width).astype(float)
            if check_choice("weights", self.weights, ("samples", "normal")) == "normal":
                images = rng.standard_normal(images.shape)
            inside = self._rectangles((images != 0).any(axis=1), rng)[:, None]
            n_inside = n_maps * inside.sum(axis=(1, 2, 3), keepdims=True)
            mean = (images * inside).sum(axis=(1, 2, 3), keepdims=True) / n_inside
            fields = ((images - mean) * inside).reshape(len(units), -1)
            norms = np.linalg.norm(fields, axis=1, keepdims=True)
            # What rounding leaves of a field without contrast is not one.
            contrast = norms > 1e-9 * abs(images).max(axis=(1, 2, 3))[:, None]
            blocks.append(sparse.csr_array(np.where(contrast, fields / np.where(contrast, norms, 1), 0)))
        return sparse.csc_array(sparse.vstack(blocks, format="csc"))

    def _rectangles(self, active: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return masks of rectangles, each around a random active pixel of an image."""
        n, height, width = active.shape
        least, most = self._checked_size()
        pixels = np.argmax(rng.random((n, height * width)) * active.reshape(n, -1), axis=1)
        masks = []
        for pixel, length in zip(divmod(pixels, width), (height, width), strict=True):
            extent = np.minimum(rng.integers(least, most, n, endpoint=True), length)
            begin = np.clip(pixel - rng.integers(extent), 0, length - extent)
            offset = np.arange(length) - begin[:, None]
            masks.append((offset >= 0) & (offset < extent[:, None]))
        return np.asarray(masks[0][:, :, None] & masks[1][:, None, :])

    def _checked_shape(self, n_inputs: int) -> tuple[int, int, int]:
        try:
            shape = tuple(check_count("shape", each) for each in self.shape)
        except (TypeError, ValueError):
            shape = ()
        if len(shape) not in (2, 3) or prod(shape) != n_inputs:
            raise ValueError(
                f"shape={self.shape!r} must be (height, width) or (n_maps, height, width) of {n_inputs} inputs in all"
            )
        n_maps, height, width = shape if len(shape) == 3 else (1, *shape)
        return n_maps, height, width

    def _checked_size(self) -> tuple[int, int]:
        try:
            least, most = (check_count("size", each) for each in self.size)
        except (TypeError, ValueError):
            least, most = 1, 0
        if least > most:
            raise ValueError(f"size={self.size!r} must be two integers, the least and the largest, from 1 on")
        return least, most
