"""Picture of a liquid that settles while its weights learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..diagnostics import Settling
from ._axes import new_axes


class SettlingDisplay:
    """Rates, the astrocyte's state and the branching factor against the snapshots a liquid has learned from.

    Make one by :meth:`from_settling`, which also draws it.

    Parameters
    ----------
    settling : Settling
        What :func:`reservoirs.diagnostics.settling` returns.

    Attributes
    ----------
    axes_ : ndarray of three matplotlib Axes
        Of rates, astrocyte and branching factor.
    figure_ : matplotlib Figure
        The figure they are part of.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from reservoirs.diagnostics import Settling
    >>> from reservoirs.plotting import SettlingDisplay
    >>> course = Settling(np.array([0, 10]), np.array([[90.0, 60.0], [40.0, 30.0]]), np.array([0.3, 0.2]),
    ...                   np.array([1.5, 1.3]), 0.15)
    >>> display = SettlingDisplay.from_settling(course)
    >>> display.axes_[2].get_ylabel()
    'branching factor'
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(self, settling: Settling) -> None:
        self.settling = settling

    @classmethod
    def from_settling(cls, settling: Settling, *, axes: Any = None) -> Self:
        """Draw what was measured.

        Parameters
        ----------
        settling : Settling
            What :func:`reservoirs.diagnostics.settling` returns.
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        SettlingDisplay
        """
        return cls(settling).plot(axes=axes)

    def plot(self, *, axes: Any = None) -> Self:
        """Draw it.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        SettlingDisplay
            Itself.
        """
        course = self.settling
        axes = new_axes(3, sharex=True) if axes is None else np.asarray(axes)
        for rates, name in zip(course.rates.T, ("excitatory", "inhibitory"), strict=True):
            axes[0].plot(course.n_snapshots, rates, ".-", label=name)
        axes[0].set_ylabel("rate (Hz)")
        axes[0].set_ylim(bottom=0)
        axes[0].legend()
        axes[1].plot(course.n_snapshots, course.astrocyte, ".-")
        axes[1].axhline(course.a_plus, color="gray", linestyle=":", label="potentiation")
        axes[1].set_ylabel("depression")
        axes[1].legend()
        axes[2].plot(course.n_snapshots, course.branching, ".-")
        axes[2].axhline(1.0, color="gray", linestyle=":")
        axes[2].set_ylabel("branching factor")
        axes[2].set_xlabel("snapshots")
        # From none on, over orders of magnitude.
        axes[2].set_xscale("symlog", linthresh=max(1, int(course.n_snapshots[course.n_snapshots > 0].min(initial=10))))
        axes[2].set_xlim(left=0)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self
