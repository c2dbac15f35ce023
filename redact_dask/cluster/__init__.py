"""Dask clusters: connecting to them, checking their workers, and running the stages as tasks."""
