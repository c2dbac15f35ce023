"""Beyond two cores: where the next bottleneck lies for 10 to 10,000 workers and 10 million videos.

    python benchmarks/simulation.py --plot docs/pages/simulation.svg

A simulation (`redact_dask.bench.sizing.simulate`) of the same graph and policy, with stage costs
that were measured with one worker. A run is simulated for three windows of videos, and goes on at
the pace of the middle one: the millions are not gone through one by one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from redact_dask.bench.sizing import plots
from redact_dask.bench.sizing.costs import Cost, Costs, Line
from redact_dask.bench.sizing.predict import Clip, Machine, Workload
from redact_dask.bench.sizing.simulate import Cluster, Outcome, simulate

RATE = 30
CLIP_S = 60
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
    }
)
"""Of CenterFace with the defaults at 960x540, a face on every frame: 51 ms of CPU a frame."""
LOOKS_PER_FRAME = 1 / 3
TPS = 100.0
REQUESTS_PER_TASK = 10.0
"""Assumed, not counted."""
REQUESTS_PER_S = 3500.0
"""Writes that S3 takes for a prefix (docs.aws.amazon.com, "Best practices design patterns")."""


@click.command()
@click.option("--plot", default="simulation.svg", type=click.Path(path_type=Path))
def main(plot: Path) -> None:
    """Print Markdown tables, and draw them."""
    curves = {name: [run(workers, **how) for workers in WORKERS] for name, how in WAYS.items()}
    print(table(curves))
    long = {workers: with_a_long_video(workers) for workers in WORKERS}
    print("\n| workers | a day's 1,000 clips and one of 10 h | the clips alone | used most |")
    print("|---:|---:|---:|---|")
    for workers, (both, clips) in long.items():
        print(
            f"| {workers:,} | {both.wall_s / 60:.1f} min | {clips.wall_s / 60:.1f} min "
            f"| {both.bottleneck} |"
        )
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
    f"10 s, {SHARDS} shards": {"shards": SHARDS},
    f"10 s, {SHARDS} shards, one prefix": {"shards": SHARDS, "requests": REQUESTS_PER_TASK},
    f"10 s, an API of {TPS:g} calls/s": {"tps": TPS},
}
LOSSES = (0.05, 0.2, 1, 5, 20)


def run(
    workers: int,
    chunk_s: float = 10,
    shards: float = 1,
    requests: float = 0,
    tps: float = 0,
    losses_per_hour: float = 0,
    replace_s: float = 0,
) -> Outcome:
    """Simulate clips of a minute; of several shards, one stands for all."""
    slots = max(1, round(workers / shards))
    costs = replace(COSTS, calls_per_frame=LOOKS_PER_FRAME if tps else 0.0)
    machine = Machine(slots, slots, tps=tps / shards if tps else float("inf"))
    cluster = Cluster(
        machine,
        requests_per_task=requests,
        requests_per_s=REQUESTS_PER_S / shards,
        losses_per_hour=losses_per_hour,
        replace_s=replace_s,
    )
    videos = max(400, 3 * (2 * slots + 2))
    work = Workload("clips", ((Clip(CLIP_S * RATE, round(CLIP_S / chunk_s)), videos),))
    return simulate(work, costs, cluster)


def with_a_long_video(workers: int) -> tuple[Outcome, Outcome]:
    """Simulate a thousand clips, the longest video begun last; and without it."""
    short, long = Clip(CLIP_S * RATE, 6), Clip(36_000 * RATE, 3600)
    cluster = Cluster(Machine(workers, workers))
    both = Workload("with a long one", ((short, 1000), (long, 1)))
    clips = Workload("without", ((short, 1000),))
    return simulate(both, COSTS, cluster), simulate(clips, COSTS, cluster)


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
    long: dict[int, tuple[Outcome, Outcome]],
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
    for number, name in enumerate(("1,000 clips and a video of 10 h", "the clips alone")):
        minutes = [pair[number].wall_s / 60 for pair in long.values()]
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
