"""Sizing in five minutes: worker shapes on the demonstration's man, with a CPU and with an API.

    python benchmarks/sizes.py --output sizes

``redact-dask bench sizes`` on clips of 2 and 4 s, and once more with a stand-in for Amazon
Rekognition that answers after 0.8 s and takes few calls at once, so that waiting decides, not the
CPU. Then the figures of the method that this project started from, by the same model.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import imageio_ffmpeg
from standin import Standin

from redact_dask.demo import fetch_clips
from redact_dask.sizing.costs import NOTHING, Cost, Costs, Line
from redact_dask.sizing.model import Clip, Machine, Workload, predict

LATENCY_S = 0.8
IN_FLIGHT = 4
"""Calls that a worker waits for."""


@click.command()
@click.option("--output", default="sizes", type=click.Path(path_type=Path))
@click.option("--rounds", default=3)
def main(output: Path, rounds: int) -> None:
    """Print Markdown tables; write them and plots."""
    with tempfile.TemporaryDirectory() as name:
        short, long = (make_clip(Path(name), seconds) for seconds in (2, 4))
        clips = [short, long, short]
        bench(output / "cpu", rounds, clips, "--chunk=2")
        rekognition = f"detect.options.rekognition={{tps: 1000, in_flight: {IN_FLIGHT}}}"
        with Standin(f"--latency={LATENCY_S}") as standin:
            os.environ.update(standin.environment)
            options = ["--chunk=2", "--detector=rekognition", f"--set={rekognition}"]
            bench(output / "api", 1, [short, short], *options)
    print(original())


def bench(output: Path, rounds: int, clips: list[Path], *options: str) -> None:
    """Run the command, without the table of prices."""
    command = [sys.executable, "-m", "redact_dask", "bench", "sizes", *clips, *options]
    command += [f"--repeats={rounds}", f"--output={output}"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(told.partition("## Predicted")[0])
    print(f"tables and plots  {output}\n", flush=True)


def make_clip(folder: Path, seconds: int) -> Path:
    """Make a clip of the man of that length, with a keyframe a second."""
    man, *_ = fetch_clips(folder / "demo")
    path = folder / f"{seconds}.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", "-1"]
    command += ["-i", str(man), "-vf", "scale=640:360,fps=30", "-c:v", "libx264", "-g", "30"]
    subprocess.run([*command, "-t", str(seconds), str(path)], check=True)
    return path


FRAMES = 195
"""Of the clip in the article: 6.5 s, taken for 30 frames a second."""


def original() -> str:
    """Return what the model makes of the method of `original.py`.

    A frame is waited for and computed, one after the other; each of n processes has the n-th part
    of the frames. As a graph, `detect` has a chunk for each process, and is all there is. What a
    frame takes comes from one process alone: 168 s of the article, 221 s of the one that was made
    anew here, whose stand-in waits 0.8 s of that. The article does not tell its latency, but its
    cores were not used up: 0.8 s are taken there too.
    """
    rows = []
    for name, one_s, cores, processes, told_s in (
        ("article, 16 vCPUs, 16 processes", 168.0, 16, 16, 15.7),
        ("made anew, 2 cores, 16 processes", 221.0, 2, 16, 35.6),
    ):
        wait_s = LATENCY_S
        computed = Cost(Line(0, one_s / FRAMES - wait_s), Line(0, wait_s))
        nothing = Cost(NOTHING)
        stages = dict.fromkeys(("probe", "track", "render", "join"), nothing)
        costs = Costs({**stages, "detect": computed})
        machine = Machine(processes, cores, scheduler_s=0, driver_s=0)
        work = Workload(name, ((Clip(FRAMES, processes), 1),))
        wall_s = predict(work, costs, machine).wall_s
        rows.append(
            f"| {name} | {one_s:.0f} | {told_s} | {wall_s:.1f} | {wall_s / told_s - 1:+.1%} |"
        )
    head = "| original method | 1 process, s | measured s | model s | error |\n|---|---:|---:|---:|---:|"
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
