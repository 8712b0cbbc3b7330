"""Benchmarks against peers; each prints the ratios of one run."""
