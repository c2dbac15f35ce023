"""Showing a run that goes on: on a terminal, in a notebook, beside Dask's dashboard, in logs."""
