# What a Dask Gateway server needs beside its own settings, to run clusters for redact_dask.
# Dask has no programs dask-scheduler and dask-worker any more, which the server calls by itself.
c.ClusterConfig.scheduler_cmd = ["dask", "scheduler"]
c.ClusterConfig.worker_cmd = ["dask", "worker"]
c.ClusterConfig.worker_cores = 1
c.ClusterConfig.worker_memory = "2 G"  # enough for 3840x2160
c.ClusterConfig.idle_timeout = 600  # seconds until what a killed driver has left ends
