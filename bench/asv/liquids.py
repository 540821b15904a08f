"""Liquids: the published column of 1000 neurons, a few samples of random rates."""

import numpy as np

from reservoirs import LiquidStateMachine
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import AstrocyteSTDP


class Liquids:
    """Features of a static liquid, and weights that learn."""

    def setup(self):
        self.X = np.random.default_rng(0).uniform(0, 1, (8, 784))
        how = {"encoder": RateEncoder(), "random_state": 0}
        self.static = LiquidStateMachine("nalsm-1000", **how).fit(self.X)
        self.learning = LiquidStateMachine("nalsm-1000", plasticity=AstrocyteSTDP(n_snapshots=20), **how)

    def time_transform(self):
        self.static.transform(self.X)

    def time_learning(self):
        self.learning.fit(self.X)
