"""How many annotated faces stay visible, judged by the regions of a real run.

    .venv/bin/python benchmarks/leakage.py --dataset DIR [--set SECTION.KEY=VALUE]...

DIR holds clips and their ``truth.csv`` with the columns clip, frame, track, x0, y0, x1, y1
(pixels), height, readable. A face is protected on a frame if what is hidden covers at least 0.9 of
its box, the metric of SGBlur-Video; over-blur is the share of pixels that are hidden outside every
true face, over the frames that have any.
"""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import redact_dask
from redact_dask import config, manifest
from redact_dask.media import index

COVERED = 0.9
HEIGHTS = (0, 24, 40, 80)

Box = tuple[float, float, float, float]
Frame = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Face:
    """A true face on one frame."""

    track: tuple[str, str]
    frame: int
    box: Box
    height: float
    readable: bool


@click.command()
@click.option("--dataset", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE")
def main(dataset: Path, assignments: tuple[str, ...]) -> None:
    """Redact the annotated clips and print what leaks."""
    truth = read_truth(dataset / "truth.csv")
    with tempfile.TemporaryDirectory() as name:
        source, output = Path(name, "clips"), Path(name, "redacted")
        source.mkdir()
        for clip in sorted({clip for clip, _ in truth}):
            (source / clip).symlink_to((dataset / clip).resolve())
        summary = redact_dask.redact(source, output, config.load(assignments=assignments))
        if summary.quarantined:
            raise click.ClickException(f"quarantined: {summary.failures}")
        regions = read_regions(output / "_manifest")
        sizes = {clip: size(source / clip) for clip, _ in truth}
    report(truth, regions, sizes)
    print(f"{summary.frames / summary.wall_s:.1f} frames/s")


def read_truth(file: Path) -> dict[Frame, list[Face]]:
    """Return the true faces of each clip and frame."""
    truth: defaultdict[Frame, list[Face]] = defaultdict(list)
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            box = (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))
            frame, track = int(row["frame"]), (row["clip"], row["track"])
            face = Face(track, frame, box, float(row["height"]), row["readable"] == "1")
            truth[row["clip"], frame].append(face)
    return truth


def read_regions(root: Path) -> dict[Frame, list[Box]]:
    """Return what was hidden on each clip and frame."""
    videos = manifest.read(str(root), "videos", ["video", "source"]).to_pylist()
    clips = {row["video"]: row["source"].rpartition("/")[2] for row in videos}
    regions: defaultdict[Frame, list[Box]] = defaultdict(list)
    for row in manifest.read(str(root), "regions").to_pylist():
        box = (row["x0"], row["y0"], row["x1"], row["y1"])
        regions[clips[row["video"]], row["frame"]].append(box)
    return regions


def size(clip: Path) -> tuple[int, int]:
    """Return height and width of the picture, pixels."""
    facts = index.scan(str(clip), config.EncodeSettings()).facts
    return facts.height, facts.width


def mask(boxes: Iterable[Box], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels that any box covers, shape (height, width)."""
    covered = np.zeros(shape, np.bool_)
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(int(np.floor(y0)), 0), max(int(np.ceil(y1)), 0))
        columns = slice(max(int(np.floor(x0)), 0), max(int(np.ceil(x1)), 0))
        covered[rows, columns] = True
    return covered


def report(
    truth: dict[Frame, list[Face]],
    regions: dict[Frame, list[Box]],
    sizes: dict[str, tuple[int, int]],
) -> None:
    """Print leakage by height, exposed tracks, the longest exposure, and over-blur."""
    leaks: list[tuple[Face, bool]] = []
    outside = pixels = 0
    for (clip, frame), faces in truth.items():
        hidden = mask(regions[clip, frame], sizes[clip])
        outside += int((hidden & ~mask((face.box for face in faces), sizes[clip])).sum())
        pixels += hidden.size
        for face in faces:
            box = mask([face.box], sizes[clip])
            if face.readable and box.any():
                leaks.append((face, bool(hidden[box].mean() < COVERED)))
    print("| readable faces | face-frames | leak |\n|---|---|---|")
    for low, high in zip((0, *HEIGHTS), (np.inf, *HEIGHTS[1:], np.inf), strict=True):
        group = [leaked for face, leaked in leaks if low <= face.height < high]
        name = "all" if (low, high) == (0, np.inf) else f"{low} to {high} px high"
        print(f"| {name} | {len(group)} | {100 * np.mean(group or [0]):.1f} % |")
    exposed: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for face, leaked in leaks:
        if leaked:
            exposed[face.track].add(face.frame)
    tracks = len({face.track for face, _ in leaks})
    longest = max((longest_run(frames) for frames in exposed.values()), default=0)
    print(f"{len(exposed)} of {tracks} tracks ever exposed, for {longest} frames at the longest")
    print(f"over-blur {100 * outside / pixels:.1f} % of the pixels of frames with a face")


def longest_run(frames: set[int]) -> int:
    """Return the length of the longest row of consecutive frames."""
    starts = (frame for frame in frames if frame - 1 not in frames)
    return max(next(n for n in range(1, len(frames) + 1) if s + n not in frames) for s in starts)


if __name__ == "__main__":
    main()
