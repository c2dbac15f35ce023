"""What a run with counted requests tells: costs of stages, and requests of tasks, as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from redact_dask.bench.sizing import costs
from redact_dask.bench.sizing.costs import Cost, Costs, Line
from redact_dask.bench.sizing.object_store import Count, Requests
from redact_dask.bench.sizing.predict import Clip, Workload
from redact_dask.records import STAGES

KINDS = ("source", "gets", "lists", "puts", "deletes", "deleted")


@dataclass
class Measured:
    """A run of all clips."""

    wall_s: float
    tasks: list[dict[str, Any]]
    """Rows of the manifest's ``chunks``."""
    counts: Counter[tuple[str, str, str]]
    """Requests, by stage, video and kind; empty if they were not counted, as the next two."""
    cpu_s: Counter[tuple[str, str]]
    """CPU seconds, by stage and video."""
    latency_s: float
    """Time until an answer of the store began, seconds."""
    others: float
    """Cores that other processes kept busy, the store's among them."""

    @property
    def chunks(self) -> dict[str, int]:
        """Number of chunks of each video, in the order in which they were begun."""
        probes = sorted(
            (r for r in self.tasks if r["stage"] == "probe"), key=lambda r: r["started"]
        )
        detects = Counter(row["video"] for row in self.tasks if row["stage"] == "detect")
        return {row["video"]: detects[row["video"]] for row in probes}

    @property
    def workload(self) -> Workload:
        """The clips."""
        frames = {row["video"]: row["frames"] for row in self.tasks if row["stage"] == "probe"}
        groups = tuple((Clip(frames[video], n), 1) for video, n in self.chunks.items())
        return Workload("clips", groups)

    @property
    def costs(self) -> Costs:
        """What the stages cost, in CPU time: wall time tells of other work on the machine, too."""
        found = costs.of_rows(self.tasks, self.wall_s, 1, checks_all=True)
        joins = [row for row in self.tasks if row["stage"] == "join"]
        wall_s = sum((row["ended"] - row["started"]).total_seconds() for row in joins)
        share = sum(row["seconds"]["check"] for row in joins) / wall_s
        cpu = {stage: costs.fit(self._points(stage)) for stage in STAGES}
        check = Line(cpu["join"].fixed_s * share, cpu["join"].per_frame_s * share)
        stages = {stage: Cost(line) for stage, line in cpu.items()}
        return replace(found, stages=stages, check=check)

    def _points(self, stage: str) -> list[tuple[float, float]]:
        """Return frames and CPU seconds of a task of a stage, for each video."""
        points = []
        for video in self.chunks:
            rows = [r for r in self.tasks if (r["stage"], r["video"]) == (stage, video)]
            frames = sum(row["frames"] for row in rows) / len(rows)
            points.append((frames, self.cpu_s[stage, video] / len(rows)))
        return points

    @property
    def removal(self) -> Requests:
        """The driver's requests for each video by which it removes work."""
        videos = len(self.chunks)
        each = {kind: self.counts["removal", "", kind] / videos for kind in KINDS}
        per_chunk = each.pop("deleted") / (sum(self.chunks.values()) / videos)
        counts = {kind: Count(number) for kind, number in each.items()}
        return Requests(**counts, deleted=Count(0.0, per_chunk))


def requests_of(one: Measured) -> dict[str, Requests]:
    """Return the requests of a task of each stage, as lines over the chunks of its video."""
    found = {}
    for stage in STAGES:
        lines = {}
        for kind in KINDS:
            points = []
            for video, chunks in one.chunks.items():
                tasks = chunks if stage in costs.CHUNKED else 1
                points.append((chunks, one.counts[stage, video, kind] / tasks))
            line = costs.fit(points)
            lines[kind] = Count(round(line.fixed_s, 2), round(line.per_frame_s, 2))
        found[stage] = Requests(**lines)
    return found


def table_of_requests(one: Measured, requests: Mapping[str, Requests]) -> str:
    """Return the requests of a task of each stage; n is the number of chunks of the video."""
    lines = [f"| requests of a task | {' | '.join(KINDS)} |", f"|---|{'---|' * len(KINDS)}"]

    def told(count: Count) -> str:
        more = f" + {count.per_chunk:g} n" if count.per_chunk else ""
        return f"{count.fixed:g}{more}"

    for stage, found in [*requests.items(), ("removal", one.removal)]:
        lines.append(f"| {stage} | {' | '.join(told(getattr(found, kind)) for kind in KINDS)} |")
    own = Counter({k: n for (stage, _, k), n in one.counts.items() if stage == "driver"})
    lines.append(f"| driver, all of the run | {' | '.join(str(own[kind]) for kind in KINDS)} |")
    return "\n".join(lines)


def table_of_costs(one: Measured) -> str:
    """Return the costs of the stages, as lines over the frames."""
    lines = [f"\n{one.wall_s:.1f} s, others on {one.others:.2f} cores", ""]
    lines += ["| stage | CPU s | ms a frame |", "|---|---:|---:|"]
    found = {stage: cost.cpu for stage, cost in one.costs.stages.items()} | {
        "check, in join": one.costs.check
    }
    lines += [
        f"| {name} | {line.fixed_s:.3f} | {1000 * line.per_frame_s:.3f} |"
        for name, line in found.items()
    ]
    return "\n".join(
        [
            *lines,
            f"\nbetween two tasks {one.costs.gap_s:.3f} s, start {one.costs.start_s:.2f} s",
            f"an answer after {1000 * one.latency_s:.1f} ms",
        ]
    )
