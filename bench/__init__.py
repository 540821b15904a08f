"""Benchmarks: how accurate and how fast the package is. Run one as ``python -m bench.NAME``."""
