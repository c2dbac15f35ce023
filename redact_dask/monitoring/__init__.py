"""Shows a run in progress: on a terminal, in a notebook, beside Dask's dashboard, and in logs."""
