"""Echo-state networks: 300 units, 10 links each."""

import numpy as np

from reservoirs import EchoStateNetwork, ESNForecaster


class EchoStates:
    """Harvests, a fit, a closed loop and single steps."""

    params = ("float32", "float64")
    param_names = ("dtype",)

    def setup(self, dtype):
        rng = np.random.default_rng(0)
        self.one = rng.uniform(-1, 1, (10_000, 1)).astype(dtype)
        self.many = rng.uniform(-1, 1, (64, 200, 1)).astype(dtype)
        self.network = EchoStateNetwork(300, random_state=0).fit(self.one)
        self.forecaster = ESNForecaster(300, alpha=1e-6, random_state=0).fit(self.one)
        self.rows, self.stream = list(self.one[:1000]), self.forecaster.stream()

    def time_harvest(self, dtype):
        self.network.transform(self.one)

    def time_harvest_64_sequences(self, dtype):
        self.network.transform(self.many)

    def time_fit(self, dtype):
        self.forecaster.fit(self.one)

    def time_closed_loop(self, dtype):
        self.forecaster.forecast(10_000)

    def time_1000_steps(self, dtype):
        for row in self.rows:
            self.stream.step(row)

    def peakmem_fit(self, dtype):
        self.forecaster.fit(self.one)
