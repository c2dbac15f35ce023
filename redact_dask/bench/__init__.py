"""Benchmarks: how many faces leak, how fast worker shapes are, and what machines would cost."""
