"""Simulating a run task by task on a cluster that need not exist, as discrete events.

The graph and the policy are those of `redact_dask.cluster.tasks` and `redact_dask.driver.run`: a
window of videos in flight, earlier videos first, chunks in parallel before and after the stage
``track``, one scheduler, one driver, a quota that all share, an object store from which the driver
removes the work of finished videos, and workers that are lost. A
server that does one thing after the other is represented by the time at which it is free again, so
a task needs only two events. So ten thousand workers and a million tasks take seconds, while one
simulated process for each task, as in SimPy, would take far longer.
"""

from __future__ import annotations

import heapq
import math
import operator
import random
from collections.abc import Iterator
from dataclasses import dataclass

from redact_dask.bench.sizing.costs import CHUNKED, Costs
from redact_dask.bench.sizing.object_store import Servers, Store
from redact_dask.bench.sizing.outcome import Outcome
from redact_dask.bench.sizing.predict import Clip, Machine, Workload, crowding, spared_s, task_s
from redact_dask.driver.results import FLUSH_S
from redact_dask.records import STAGES

PROBE, DETECT, TRACK, RENDER, JOIN = range(len(STAGES))
_READY, _END, _HANDLED, _BACK = range(4)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a simulation needs to know beyond a `Machine`."""

    machine: Machine
    """All machines of the cluster, as one."""
    window: int | None = None
    """Most videos in flight; default: two for each slot and two more, like the driver's."""
    store: Store | None = None
    """Object store that holds source and destination; None: what it takes counts as nothing."""
    losses_per_hour: float = 0.0
    """How often each slot loses its worker, times an hour; the slot's task then begins again."""
    replace_s: float = 0.0
    """Time until another worker has replaced a lost one, seconds."""


def simulate(workload: Workload, costs: Costs, cluster: Cluster, seed: int = 0) -> Outcome:
    """Simulate a run.

    Parameters
    ----------
    workload
        The videos. Some thousands of one kind can stand for millions, see `Outcome.extended_s`.
    costs
        Costs of the stages.
    cluster
        The cluster that does the work.
    seed
        Seed of the random losses of workers.
    """
    return _Run(workload, costs, cluster, seed).run()


class _Run:
    """The state of a simulated run.

    An event is ``(time, number, kind, rank, stage)``: ``_READY`` means that a task can start,
    ``_END`` that it ended, ``_HANDLED`` that the driver has handled the end of a ``probe`` or
    ``join``, and ``_BACK`` that a lost worker is replaced. ``rank`` is the number of a video.
    """

    def __init__(self, workload: Workload, costs: Costs, cluster: Cluster, seed: int) -> None:
        self._workload, self._costs, self._cluster = workload, costs, cluster
        self._machine = cluster.machine
        self._window = cluster.window or 2 * self._machine.slots + 2
        self._random = random.Random(seed)  # noqa: S311 (nothing secret)
        self._events: list[tuple[float, int, int, int, int]] = []
        self._ready: list[tuple[int, int, int]] = []
        self._number = 0
        self._free = self._machine.slots
        self._scheduler = self._driver = self._quota = 0.0
        self._store, self._servers = cluster.store, Servers(cluster.store)
        self._flushed = self._removed = 0.0
        self._settled: list[int] = []
        self._halved: set[int] = set()
        self._busy_s = self._lost_s = self._driver_s = self._removing_s = 0.0
        self._tasks = 0
        self._landed: list[float] = []
        waiting = sum(times * self._waits_s(clip) for clip, times in workload.groups)
        speed = self._machine.speed / crowding(workload, costs, self._machine, waiting)
        self._kinds = [
            (
                clip.chunks,
                [task_s(clip, stage, costs, speed) + self._wait_s(clip, stage) for stage in STAGES],
                clip.frames / clip.chunks * costs.calls_per_frame,
                spared_s(clip, costs, speed),
            )
            for clip, _ in workload.groups
        ]
        self._coming = self._videos()
        self._kind: dict[int, int] = {}
        self._left: dict[int, int] = {}

    def _videos(self) -> Iterator[tuple[int, int]]:
        """Yield the rank of each video, and the index of its group."""
        rank = 0
        for kind, (_, times) in enumerate(self._workload.groups):
            for _ in range(times):
                yield rank, kind
                rank += 1

    def run(self) -> Outcome:
        """Go through all events."""
        for _ in range(self._window):
            self._launch(0.0)
        now = 0.0
        while self._events:
            now, _, kind, rank, stage = heapq.heappop(self._events)
            if kind == _READY:
                self._number += 1
                heapq.heappush(self._ready, (rank, self._number, stage))
            elif kind == _END:
                self._free += 1
                self._finish(now, rank, stage)
            elif kind == _BACK:
                self._free += 1
            elif stage == PROBE:
                self._submit(now, rank, DETECT)
            else:
                self._land(now, rank)
                self._launch(now)
            while self._free and self._ready:
                rank, _, stage = heapq.heappop(self._ready)
                self._start(now, rank, stage)
        self._flush(now)
        return self._outcome(max(now, self._removed))

    def _push(self, at: float, kind: int, rank: int, stage: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, kind, rank, stage))

    def _launch(self, now: float) -> None:
        """Begin the next video, if there is one."""
        for rank, kind in self._coming:
            self._kind[rank] = kind
            self._submit(now, rank, PROBE)
            return

    def _submit(self, now: float, rank: int, stage: int) -> None:
        """Let the scheduler accept the tasks of a stage, one after the other."""
        chunks = self._kinds[self._kind[rank]][0]
        tasks = chunks if STAGES[stage] in CHUNKED else 1
        self._left[rank] = tasks
        self._tasks += tasks
        for _ in range(tasks):
            self._scheduler = max(self._scheduler, now) + self._machine.scheduler_s
            self._push(self._scheduler, _READY, rank, stage)

    def _start(self, now: float, rank: int, stage: int) -> None:
        """Start a task on a free slot, and schedule its end, or the loss of its worker."""
        self._free -= 1
        chunks, seconds, calls, spared = self._kinds[self._kind[rank]]
        cluster = self._cluster
        if cluster.losses_per_hour:
            lost = self._random.expovariate(cluster.losses_per_hour / 3600)
            if lost < seconds[stage]:
                self._lost_s += lost
                self._push(now + lost, _READY, rank, stage)
                self._push(now + lost + cluster.replace_s, _BACK, rank, stage)
                return
        self._busy_s += seconds[stage]
        end = now + seconds[stage]
        busy = self._machine.slots - self._free + len(self._halved)
        if stage == JOIN and spared and busy < self._machine.cores:
            self._halved.add(rank)
            end -= spared
        if stage == DETECT and calls:
            self._quota = max(self._quota, now) + calls / self._machine.tps
            end = max(end, self._quota)
        if self._store:
            loads = self._store.requests[STAGES[stage]].loads(chunks)
            end = max(end, self._servers.serve(now, loads))
        self._push(end, _END, rank, stage)

    def _finish(self, now: float, rank: int, stage: int) -> None:
        """Let the driver handle the end of a task, and go on if it was the last of its stage."""
        self._drive(now, self._machine.driver_s)
        self._halved.discard(rank)
        self._left[rank] -= 1
        if self._left[rank]:
            return
        if stage in {PROBE, JOIN}:
            self._push(self._driver, _HANDLED, rank, stage)
        else:
            self._submit(now, rank, stage + 1)

    def _drive(self, now: float, seconds: float) -> None:
        """Keep the driver busy, as soon as it is free."""
        self._driver = max(self._driver, now) + seconds
        self._driver_s += seconds

    def _land(self, now: float, rank: int) -> None:
        """Settle a video that is published; from time to time, remove the work of those that are.

        The threads that remove work share one core with the driver, as Python runs one at a time.
        """
        self._landed.append(now)
        chunks = self._kinds[self._kind.pop(rank)][0]
        if self._store:
            self._settled.append(chunks)
            self._drive(now, self._store.removal_cpu_s)
        if now - self._flushed > FLUSH_S:
            self._flush(now)

    def _flush(self, now: float) -> None:
        """Let the driver wait until earlier work is removed, and begin to remove what has come."""
        self._flushed = now
        self._driver = max(self._driver, self._removed)
        if not self._store:
            return
        seconds = sum(map(self._store.removal_s, self._settled))
        self._removing_s += seconds
        begun = max(self._driver, now)
        self._removed = begun + seconds
        for chunks in self._settled:
            served = self._servers.serve(begun, self._store.removal.loads(chunks))
            self._removed = max(self._removed, served)
        self._settled.clear()

    def _wait_s(self, clip: Clip, stage: str) -> float:
        return self._store.wait_s(stage, clip.chunks) if self._store else 0.0

    def _waits_s(self, clip: Clip) -> float:
        """Return the seconds for which all tasks of a video wait for the store."""
        return math.fsum(
            (clip.chunks if stage in CHUNKED else 1) * self._wait_s(clip, stage) for stage in STAGES
        )

    def _alone_s(self, chunks: int, seconds: list[float], _calls: float, spared: float) -> float:
        """Return the seconds of a video that has all slots to itself."""
        waves = math.ceil(chunks / self._machine.slots)
        times = [waves if stage in CHUNKED else 1 for stage in STAGES]
        return float(sum(map(operator.mul, times, seconds))) - (
            spared if self._machine.cores > 1 else 0.0
        )

    def _outcome(self, now: float) -> Outcome:
        machine = self._machine
        calls = self._workload.frames * self._costs.calls_per_frame
        longest = max(self._alone_s(*kind) for kind in self._kinds)
        use = {
            "slots": (self._busy_s + self._lost_s) / machine.slots,
            "scheduler": self._tasks * machine.scheduler_s,
            "driver": self._driver_s,
            "removal of work": self._removing_s,
            "API quota": calls / machine.tps,
            "longest video": longest,
        } | self._servers.use_s
        return Outcome(
            wall_s=now + self._costs.start_s,
            videos=self._workload.videos,
            window=self._window,
            landed=self._landed,
            lost_s=self._lost_s,
            use={name: seconds / now for name, seconds in use.items()},
        )
