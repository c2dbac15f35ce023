"""What the media engine costs beside a plain transcode: one thread, one 1080p30 clip, one run.

    .venv/bin/python benchmarks/media.py

(a) ffmpeg decodes and encodes with libx264, same crf and preset; (b) the engine with a region on
every frame; (c) on every fifth GOP; (d) on none. The engine's times are those of probe, render and
join, with the check of the result; the detector and decoding for it are left out, and the decoding
is measured apart. The last rows are `join` alone, with a region on every twentieth GOP, by both
checks. Rounds are interleaved, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import imageio_ffmpeg
from clips import fetch_clips

from redact_dask import Config, load_config, storage
from redact_dask.media import decode, digests
from redact_dask.pipeline import checkpoints, stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Probed, Region, RegionOrigin, Regions, Rendered, Tracked
from redact_dask.sources import listing

GOP = 30


def ffmpeg(*arguments: str | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def make_clip(folder: Path, seconds: int) -> Path:
    """Loop the demonstration's street at 1080p30, with a keyframe every second."""
    street = fetch_clips(folder)[1]
    clip = folder / "street-1080p30.mp4"
    looped = ["-stream_loop", "-1", "-i", street, "-t", str(seconds)]
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", str(GOP)]
    encoder += ["-sc_threshold", "0"]  # as cameras do: a GOP is as long as any other
    ffmpeg(*looped, "-vf", "fps=30,scale=1920:1080:flags=lanczos,format=yuv420p", *encoder, clip)
    return clip


def transcode(clip: Path, folder: Path, config: Config) -> None:
    encode = config.encode
    encoder = ["-c:v", "libx264", "-preset", encode.preset, "-crf", str(encode.crf)]
    one = ["-threads", "1", "-filter_threads", "1"]
    ffmpeg("-threads", "1", "-i", clip, *one, *encoder, folder / "transcoded.mp4")


def engine(job: Job, packets: bytes, every: int | None) -> None:
    """Run the stages with three regions on each frame of every n-th GOP."""
    probed = stages.probe(job)
    tracked, rendered = render(job, probed, packets, every)
    stages.join(job, probed, [tracked], rendered)
    storage.remove(job.work)  # What is committed would not be done again.


def render(
    job: Job, probed: Probed, packets: bytes, every: int | None
) -> tuple[Tracked, list[Rendered]]:
    """Render with three regions on each frame of every n-th GOP."""
    hidden = [n for n in range(probed.info.frames) if every and n // GOP % every == 0]
    boxes = [(300 + 500 * k, 400, 420 + 500 * k, 550) for k in range(3)]
    regions = (
        Region(n, track, *box, RegionOrigin.DETECTED, "face", "told")
        for n in hidden
        for track, box in enumerate(boxes)
    )
    plan = checkpoints.save_plan(job.work, Regions.of(regions), probed.chunks)
    tracked = Tracked(plan, (("face", len(boxes)),), (), probed.timing, packets)
    return tracked, [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]


def decode_all(job: Job, probed: Probed) -> bytes:
    """Decode all frames; return the digests of their packets."""
    found: dict[int, bytes] = {}
    for chunk in probed.chunks:
        for _ in decode.frames(job.video.source, probed.info, chunk, found):
            pass
    return digests.in_order(found, probed.pts)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return CPU seconds, of child processes too, and wall seconds."""
    before, start = os.times(), time.perf_counter()
    work()
    after, end = os.times(), time.perf_counter()
    return sum(after[:4]) - sum(before[:4]), end - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--joins", action="store_true", help="measure the last rows only")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    options = parser.parse_args()
    config = load_config(assignments=options.settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = make_clip(folder, options.seconds)
        video = next(listing.list_videos(str(clip), str(folder / "out")))
        job = Job(video, (folder / "out").as_uri(), (folder / "work").as_uri(), config)
        probed = stages.probe(job)
        frames, packets = probed.info.frames, decode_all(job, probed)
        rows: dict[str, Callable[[], object]] = {
            "(a) ffmpeg decode + libx264": lambda: transcode(clip, folder, config),
            "(b) regions on every frame": lambda: engine(job, packets, 1),
            "(c) regions on 20 % of GOPs": lambda: engine(job, packets, 5),
            "(d) no region": lambda: engine(job, packets, None),
            "decoding for a detector": lambda: decode_all(job, probed),
        }
        if options.joins:
            rows = {}
        few = replace(job, work=f"{job.work}-few")
        tracked, rendered = render(few, probed, packets, 20)
        for check in ("full", "quick"):
            checked = replace(few, config=config.model_copy(update={"check": check}))
            rows[f"join, regions on 5 % of GOPs, check: {check}"] = partial(
                stages.join, checked, probed, [tracked], rendered
            )
        found: dict[str, list[tuple[float, float]]] = {row: [] for row in rows}
        for _ in range(options.rounds):
            for row, work in rows.items():
                found[row].append(timed(work))
    base = statistics.median(cpu for cpu, _ in next(iter(found.values())))
    print(f"{frames} frames, {options.rounds} rounds, medians")
    print("| | CPU ms a frame | wall ms a frame | CPU by (a) | (a) by CPU |")
    print("|---|---|---|---|---|")
    for row, times in found.items():
        cpu = statistics.median(cpu for cpu, _ in times)
        wall = statistics.median(wall for _, wall in times)
        per_frame = f"{1e3 * cpu / frames:.1f} | {1e3 * wall / frames:.1f}"
        print(f"| {row} | {per_frame} | {cpu / base:.2f} | {base / cpu:.2f} |")


if __name__ == "__main__":
    main()
