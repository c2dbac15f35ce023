"""Beyond two cores: where the next bottleneck lies for 10 to 10,000 workers and 10 million videos.

    python benchmarks/simulation.py --plot docs/pages/simulation.svg

A simulation (`redact_dask.bench.sizing.simulate`) of the same graph and policy, with stage costs
that were measured with one worker, and the requests to an object store that ``object_store.py``
counts. A run is simulated for three windows of videos, and goes on at the pace of the middle one:
the millions are not gone through one by one.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path

import click

from redact_dask.bench.sizing import plots
from redact_dask.bench.sizing.costs import CHUNKED, Cost, Costs, Line
from redact_dask.bench.sizing.object_store import (
    READS_PER_S,
    WRITES_PER_S,
    Count,
    Requests,
    Store,
)
from redact_dask.bench.sizing.outcome import Outcome
from redact_dask.bench.sizing.predict import Clip, Machine, Workload
from redact_dask.bench.sizing.simulate import Cluster, simulate
from redact_dask.records import STAGES

RATE = 30
CLIP_S = 60
LONG_S = 36_000
MANY = 10_000_000
WORKERS = (10, 30, 100, 300, 1000, 3000, 10_000)
SHARDS = 16
COSTS = Costs(
    {
        "probe": Cost(Line(0.03, 0.00004)),
        "detect": Cost(Line(0.0, 0.0285)),
        "track": Cost(Line(0.0, 0.00025)),
        "render": Cost(Line(0.0, 0.0193)),
        "join": Cost(Line(0.134, 0.0022)),
    },
    check=Line(0.0, 0.0014),
)
"""Of CenterFace with the defaults at 960x540, a face on every frame: 51 ms of CPU a frame.

The check is two thirds of ``join``, as the steps in a manifest tell.
"""
LOOKS_PER_FRAME = 1 / 3
TPS = 100.0
S3 = Store(
    {
        "probe": Requests(source=Count(1, 1.5), gets=Count(3), lists=Count(3)),
        "detect": Requests(source=Count(4.83), gets=Count(1), lists=Count(1), puts=Count(1)),
        "track": Requests(gets=Count(1, 1), lists=Count(1, 1), puts=Count(0, 1)),
        "render": Requests(source=Count(4.83), gets=Count(4), lists=Count(1), puts=Count(2)),
        "join": Requests(source=Count(0, 6.4), gets=Count(9, 4), lists=Count(1), puts=Count(2)),
    },
    removal=Requests(lists=Count(1), deletes=Count(1), deleted=Count(0, 3)),
    removal_cpu_s=0.0066,
)
"""Of a clip of a minute with as many bytes a second, in chunks of 10 s, and of as many chunks as a
video has (benchmarks/object_store.py)."""


@click.command()
@click.option("--plot", default="simulation.svg", type=click.Path(path_type=Path))
def main(plot: Path) -> None:
    """Print Markdown tables, and draw them."""
    curves = {name: [run(workers, **how) for workers in WORKERS] for name, how in WAYS.items()}
    print(table(curves))
    long = {workers: with_a_long_video(workers) for workers in WORKERS}
    print("\n| workers | a day's 1,000 clips and one of 10 h | the clips alone | both in S3 |")
    print("|---:|---:|---:|---:|")
    for workers, (both, clips, in_s3) in long.items():
        print(
            f"| {workers:,} | {both.wall_s / 60:.1f} min | {clips.wall_s / 60:.1f} min "
            f"| {in_s3.wall_s / 60:.1f} min |"
        )
    print(f"\n{prices()}")
    lost = {rate: run(100, losses_per_hour=rate, replace_s=120) for rate in LOSSES}
    print("\n| losses of a worker an hour | slower by | lost work |\n|---:|---:|---:|")
    base = run(100)
    for rate, outcome in lost.items():
        slower = base.videos_per_s / outcome.videos_per_s - 1
        share = outcome.lost_s / (outcome.wall_s * 100)
        print(f"| {rate:g} | {slower:.1%} | {share:.2%} |")
    draw(curves, long, lost, base, plot)


WAYS: dict[str, dict[str, float]] = {
    "chunks of 10 s": {},
    "chunks of 60 s": {"chunk_s": 60},
    f"{SHARDS} shards": {"shards": SHARDS},
    "S3": {"prefixes": 1},
    f"S3, {SHARDS} shards, one prefix": {"shards": SHARDS, "prefixes": 1},
    f"S3, {SHARDS} shards and prefixes": {"shards": SHARDS, "prefixes": SHARDS},
    f"an API of {TPS:g} calls/s": {"tps": TPS},
}
"""Chunks are of 10 s where nothing else is said, and files on a file system that takes no time."""
LOSSES = (0.05, 0.2, 1, 5, 20)


def run(
    workers: int,
    chunk_s: float = 10,
    shards: float = 1,
    prefixes: float = 0,
    tps: float = 0,
    losses_per_hour: float = 0,
    replace_s: float = 0,
) -> Outcome:
    """Simulate clips of a minute; of several shards, one stands for all.

    In S3, shards share as many prefixes as there are, for source and destination each; 0: the files
    are not in S3.
    """
    slots = max(1, round(workers / shards))
    costs = replace(COSTS, calls_per_frame=LOOKS_PER_FRAME if tps else 0.0)
    machine = Machine(slots, slots, tps=tps / shards if tps else float("inf"))
    share = prefixes / shards
    store = replace(S3, reads_per_s=READS_PER_S * share, writes_per_s=WRITES_PER_S * share)
    cluster = Cluster(
        machine,
        store=store if prefixes else None,
        losses_per_hour=losses_per_hour,
        replace_s=replace_s,
    )
    videos = max(400, 3 * (2 * slots + 2))
    work = Workload("clips", ((Clip(CLIP_S * RATE, round(CLIP_S / chunk_s)), videos),))
    return simulate(work, costs, cluster)


def with_a_long_video(workers: int) -> list[Outcome]:
    """Simulate a thousand clips, the longest video begun last; without it; and with it in S3."""
    short = Clip(CLIP_S * RATE, chunks(CLIP_S, workers, 1001))
    long = Clip(LONG_S * RATE, chunks(LONG_S, workers, 1001))
    machine = Machine(workers, workers)
    both = Workload("with a long one", ((short, 1000), (long, 1)))
    clips = Workload("without", ((short, 1000),))
    ways = ((both, None), (clips, None), (both, S3))
    return [simulate(work, COSTS, Cluster(machine, store=store)) for work, store in ways]


def chunks(seconds: float, workers: int, videos: int) -> int:
    """Return the chunks of a video by the default: shorter ones where there are fewer videos."""
    return round(seconds / min(10, seconds / ceil(workers / videos)))


def prices() -> str:
    """Return what the requests of many clips cost, and those of the long video."""
    told = []
    for name, seconds, videos in (
        (f"{MANY:,} clips", CLIP_S, MANY),
        ("a video of 10 h", LONG_S, 1),
    ):
        n = seconds // 10
        tasks = {stage: n if stage in CHUNKED else 1 for stage in STAGES}
        told.append(f"${videos * S3.dollars(tasks, n):,.2f} for {name}")
    return f"Requests to S3 cost {' and '.join(told)}."


def table(curves: dict[str, list[Outcome]]) -> str:
    """Return hours for many videos, and the bottleneck."""
    lines = [
        f"Hours for {MANY:,} clips of {CLIP_S} s, and what is used most:\n",
        f"| workers | {' | '.join(curves)} |",
        f"|---:|{'---|' * len(curves)}",
    ]
    for row, workers in enumerate(WORKERS):
        cells = []
        for name, outcomes in curves.items():
            shards = WAYS[name].get("shards", 1)
            if workers < shards:
                cells.append("")
                continue
            outcome = outcomes[row]
            hours = outcome.extended_s(round(MANY / shards)) / 3600
            cells.append(
                f"{hours:,.0f} ({outcome.bottleneck} {outcome.use[outcome.bottleneck]:.0%})"
            )
        lines.append(f"| {workers:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(
    curves: dict[str, list[Outcome]],
    long: dict[int, list[Outcome]],
    lost: dict[float, Outcome],
    base: Outcome,
    file: Path,
) -> None:
    """Draw three pictures side by side."""
    plots.prepare()
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    figure = Figure((13, 4), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    for name, outcomes in curves.items():
        shards = WAYS[name].get("shards", 1)
        hourly = {
            workers: 3600 * shards * outcome.videos_per_s
            for workers, outcome in zip(WORKERS, outcomes, strict=True)
            if workers >= shards
        }
        first.plot(list(hourly), list(hourly.values()), marker=".", label=name)
    first.plot(WORKERS, [3600 * w * base.videos_per_s / 100 for w in WORKERS], "k:", label="ideal")
    first.set(xscale="log", yscale="log", xlabel="workers", ylabel="clips of a minute an hour")
    first.legend()
    for number, name in enumerate(
        ("1,000 clips and a video of 10 h", "the clips alone", "clips and video, in S3")
    ):
        minutes = [outcomes[number].wall_s / 60 for outcomes in long.values()]
        second.plot(list(long), minutes, marker=".", label=name)
    second.set(xscale="log", yscale="log", xlabel="workers", ylabel="minutes")
    plots.plain(second.yaxis)
    second.legend()
    slower = [100 * (base.videos_per_s / one.videos_per_s - 1) for one in lost.values()]
    third.plot(list(lost), slower, marker=".")
    third.set(xscale="log", xlabel="losses of a worker an hour", ylabel="slower by, %")
    plots.plain(third.xaxis)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
