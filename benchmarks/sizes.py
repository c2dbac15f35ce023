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
from clips import fetch_clips
from standin import Standin

from redact_dask.bench.sizing.costs import NOTHING, Cost, Costs, Line
from redact_dask.bench.sizing.predict import Clip, Machine, Workload, predict

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
"""Of the article's clip: 6.5 s, taken for 30 frames a second."""
UNDIVIDED_S = 5.5
"""What the article's run must have spent on work that is not divided, by the model: (15.7 - 168/16)
/ (1 - 1/16). It is fitted, nothing else tells it."""


def original() -> str:
    """Return what the model makes of the method of `original.py`.

    As a graph, it is one stage of as many chunks as processes: a frame is waited for and computed,
    one after the other. What a frame takes comes from the run of one process; 0.8 s of it are taken
    for waiting, as with our stand-in: the article does not tell. Where the cores are not used up,
    which part is waiting makes no difference.
    """
    rows = [
        "| original method | 1 process, s | 16 processes, s | model, s | error |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one_s, cores, undivided_s, told_s in (
        ("article, 16 vCPUs, all work divided", 168.0, 16, 0.0, 15.7),
        (f"article, {UNDIVIDED_S} s not divided (fitted)", 168.0, 16, UNDIVIDED_S, 15.7),
        ("made anew, 2 cores, all work divided", 221.0, 2, 0.0, 35.6),
    ):
        frame_s = (one_s - undivided_s) / FRAMES
        detect = Cost(Line(0, frame_s - LATENCY_S), Line(0, LATENCY_S))
        others = dict.fromkeys(("probe", "track", "render", "join"), Cost(NOTHING))
        costs = Costs({**others, "detect": detect}, start_s=undivided_s)
        machine = Machine(16, cores, scheduler_s=0, driver_s=0)
        wall_s = predict(Workload(name, ((Clip(FRAMES, 16), 1),)), costs, machine).wall_s
        error = wall_s / told_s - 1
        rows.append(f"| {name} | {one_s:.0f} | {told_s} | {wall_s:.1f} | {error:+.0%} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
