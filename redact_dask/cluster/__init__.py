"""Everything that knows Dask: clients, tasks, what workers are made to do, and whether they can."""
