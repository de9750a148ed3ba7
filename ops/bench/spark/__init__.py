"""Benchmarks of Spark on the environment `bench`."""
