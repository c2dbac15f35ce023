"""Finds workers that Dask has paused because their memory is nearly full, and restarts them.

A paused worker finishes its tasks, but begins none until it has let go of memory. If it has no task
any more, nothing will let go: a run would wait for ever.
"""

from __future__ import annotations

from distributed import Client, Scheduler, Status

PATIENCE_S = 30.0
"""Seconds that a worker stays paused without a task until it is restarted: Python may still free
memory by itself."""


class PausedWorkers:
    """Watches the workers of a cluster.

    Parameters
    ----------
    client
        Client of the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._since: dict[str, float] = {}
        """When each paused worker was first seen without a task, seconds."""

    def check(self, now: float) -> int:
        """Restart the workers that have been paused for too long; return how many are paused.

        A worker that no nanny looks after cannot be restarted.

        Parameters
        ----------
        now
            Time on a clock that never goes back, seconds.
        """

        # A nested function is sent as code: the scheduler need not have the package.
        def find(dask_scheduler: Scheduler) -> dict[str, bool]:
            return {
                worker.address: worker.nanny is not None and not worker.executing
                for worker in dask_scheduler.workers.values()
                if worker.status == Status.paused
            }

        paused = self._client.run_on_scheduler(find)
        idle = {worker for worker, can_restart in paused.items() if can_restart}
        self._since = {worker: self._since.get(worker, now) for worker in idle}
        late = [worker for worker, since in self._since.items() if now - since >= PATIENCE_S]
        if late:
            self._client.restart_workers(late, raise_for_error=False)
        return len(paused)
