"""Running an annotated dataset through the real pipeline, and judging how much of it leaks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from redact_dask import api, manifest, storage
from redact_dask.bench.leakage.dataset import Dataset
from redact_dask.bench.leakage.metric import (
    Judged,
    Leakage,
    Luma,
    Rectangle,
    judge,
    summarise,
)
from redact_dask.config import Config, EncodeSettings
from redact_dask.errors import CheckFailed
from redact_dask.media import index
from redact_dask.media.decode import frames
from redact_dask.media.planes import luma
from redact_dask.monitoring.status import Observer
from redact_dask.records import FACE
from redact_dask.redaction import zones
from redact_dask.storage import layout, scratch

Places = Mapping[str, Mapping[int, Sequence[Rectangle]]]
"""The regions of a clip, by label and frame."""


@dataclass(frozen=True, slots=True)
class PictureClass:
    """Figures of a label on the annotated clips whose pictures have one height."""

    name: str
    """The shorter side of the pictures, as text: ``1080p``."""
    leakage: Leakage


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a label on the clips whose truth tells of it."""

    leakage: Leakage
    by_picture: tuple[PictureClass, ...]
    """The same for each size of pictures, the smallest first."""


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one configuration."""

    name: str
    """Name of the configuration."""
    labels: Mapping[str, Figures]
    """Figures of each label, sorted by label."""
    touched: float | None
    """Share of the pixels that regions cover on face-free clips; None: there are no such clips."""
    touched_by_pixels: float | None
    """Share of the pixels that the output hides on face-free clips; None: there are none."""
    frames_per_second: float
    """Speed of the whole pipeline over all clips."""


def measure(dataset: Dataset, name: str, config: Config, observe: Observer | None) -> Result:
    """Redact all clips of a dataset into a temporary folder, and judge the output.

    Parameters
    ----------
    dataset
        Clips and their true faces.
    name
        Name of the configuration.
    config
        All settings of the run.
    observe
        Observer of the run, as in `redact`.

    Raises
    ------
    CheckFailed
        A clip was quarantined, so the dataset cannot be judged.
    """
    with scratch.folder() as folder:
        return measure_in(folder, dataset, name, config, observe)


def measure_in(
    folder: Path, dataset: Dataset, name: str, config: Config, observe: Observer | None
) -> Result:
    """Measure as `measure` does, in a folder that stays.

    If the folder is used again for other settings of tracking, no detector looks again.
    """
    source, output = folder / "clips", folder / "redacted"
    for clip in dataset.clips:
        place = source / clip
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to((dataset.folder / clip).resolve())
    summary = api.redact(source, output, config, observe=observe)
    for failure in summary.failures:
        raise CheckFailed(f"{failure.path} is quarantined in {failure.stage}: {failure.reason}")
    outputs, regions = _published(str(source), str(output))
    covered = {clip: [*_covered(config, clip, str(source / clip))] for clip in dataset.clips}
    annotated: defaultdict[str, list[Judged]] = defaultdict(list)
    for clip, truth in dataset.truth.items():
        labels = dataset.labels_of(clip)
        for number, (before, after) in enumerate(_both(source / clip, outputs[clip])):
            on_frame = truth.get(number, ())
            for label in labels:
                own, others = _of_label(regions[clip], label, number)
                true = [one for one in on_frame if one.label == label]
                found = judge(number, true, [*own, *covered[clip]], before, after, others)
                annotated[label].append(found)
    free = [
        judge(number, (), [*_on_frame(regions[clip], number), *covered[clip]], before, after)
        for clip in dataset.face_free
        for number, (before, after) in enumerate(_both(source / clip, outputs[clip]))
    ]
    face_free = summarise(free, FACE)
    return Result(
        name,
        {label: _figures(annotated[label], label) for label in sorted(annotated)},
        face_free.over_blur if free else None,
        face_free.over_blur_by_pixels if free else None,
        summary.frames / summary.wall_s,
    )


def _figures(frames: Sequence[Judged], label: str) -> Figures:
    by_picture = (
        PictureClass(f"{lines}p", summarise((f for f in frames if f.lines == lines), label))
        for lines in sorted({frame.lines for frame in frames})
    )
    return Figures(summarise(frames, label), tuple(by_picture))


def _published(source: str, destination: str) -> tuple[dict[str, str], dict[str, Places]]:
    """Return the URL of each clip's copy, and the regions of each clip."""
    root, prefix = layout.manifest(destination), storage.canonical(source) + "/"
    clips = {row["video"]: row for row in manifest.published(root)}
    names = {video: row["source"].removeprefix(prefix) for video, row in clips.items()}
    regions: dict[str, defaultdict[str, defaultdict[int, list[Rectangle]]]] = {
        name: defaultdict(lambda: defaultdict(list)) for name in names.values()
    }
    for row in manifest.read(root, "regions").to_pylist():
        if row["run"] == clips[row["video"]]["run"]:  # An earlier copy hid something else.
            box = (row["x0"], row["y0"], row["x1"], row["y1"])
            regions[names[row["video"]]][row["label"]][row["frame"]].append(box)
    return {names[video]: row["output"] for video, row in clips.items()}, {**regions}


def _on_frame(regions: Places, frame: int) -> list[Rectangle]:
    """Return the regions of all labels on a frame."""
    return [box for boxes in regions.values() for box in boxes.get(frame, ())]


def _of_label(
    regions: Places, label: str, frame: int
) -> tuple[Sequence[Rectangle], Sequence[Rectangle]]:
    """Return the regions of a label on a frame, and those of all others."""
    others = {name: boxes for name, boxes in regions.items() if name != label}
    return regions.get(label, {}).get(frame, ()), _on_frame(others, frame)


def _covered(config: Config, clip: str, url: str) -> Iterator[Rectangle]:
    """Yield what zones hide on each frame of a clip, row by row: it protects all labels."""
    if not zones.hides(config.zones, clip, None):
        return
    area = zones.hidden(config.zones, clip, index.scan(url, EncodeSettings()).info)
    for row, pixels in enumerate(area.luma if area else ()):
        borders = np.flatnonzero(np.diff(pixels, prepend=False, append=False))
        for left, right in zip(borders[::2].tolist(), borders[1::2].tolist(), strict=True):
            yield left, row, right, row + 1


def _both(source: Path, output: str) -> Iterator[tuple[Luma, Luma]]:
    """Yield each frame of a clip before and after redaction."""
    return zip(pictures(str(source)), pictures(output), strict=True)


def pictures(url: str) -> Iterator[Luma]:
    """Yield the luma of every frame of a video, in the order of the pipeline's frame numbers."""
    scanned = index.scan(url, EncodeSettings())
    for chunk in scanned.chunks(math.inf):
        for frame in frames(url, scanned.info, chunk):
            levels = 2 ** (frame.format.components[0].bits - 8)
            yield luma(frame).astype(np.float32) / levels
