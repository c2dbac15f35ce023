"""Running an annotated dataset through the real pipeline, and judging how much of it leaks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.table import Table

from redact_dask import api, manifest, storage
from redact_dask.bench.leakage.dataset import Dataset
from redact_dask.bench.leakage.metric import Judged, Leakage, Luma, Rectangle, judge, summarise
from redact_dask.config import Config, EncodeSettings
from redact_dask.errors import CheckFailed, ConfigError
from redact_dask.media import index
from redact_dask.media.decode import frames
from redact_dask.media.planes import luma
from redact_dask.monitoring.status import Observer
from redact_dask.storage import layout, scratch
from redact_dask.validation import first_mistake


@dataclass(frozen=True, slots=True)
class PictureClass:
    """Figures on the annotated clips whose pictures have one height."""

    name: str
    """The shorter side of the pictures, as text: ``1080p``."""
    leakage: Leakage


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one configuration."""

    name: str
    """Name of the configuration."""
    leakage: Leakage
    """Figures on the annotated clips."""
    by_picture: tuple[PictureClass, ...]
    """The same for each size of pictures, the smallest first."""
    touched: float | None
    """Share of the pixels that regions cover on face-free clips; None: there are no such clips."""
    touched_by_pixels: float | None
    """Share of the pixels that the output hides on face-free clips; None: there are none."""
    frames_per_second: float
    """Speed of the whole pipeline over all clips."""


class Gate(BaseModel):
    """Thresholds that results must keep; None: the threshold is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    leakage: float | None = Field(None, ge=0, le=1)
    """Largest share of readable faces that may leak."""
    tracks_exposed: int | None = Field(None, ge=0)
    """Most tracks that may leak on at least one frame."""
    longest_exposure: int | None = Field(None, ge=0)
    """Most consecutive frames on which a track may leak."""
    longest_exposure_of_found: int | None = Field(None, ge=0)
    """Most consecutive frames on which a track may leak that is protected on another frame."""
    over_blur: float | None = Field(None, ge=0, le=1)
    """Largest share of the pixels that may be hidden outside faces, by regions or by pixels."""
    touched: float | None = Field(None, ge=0, le=1)
    """Largest share of pixels that may be hidden on face-free clips, by regions or by pixels."""
    frames_per_second: float | None = Field(None, gt=0)
    """Lowest speed allowed."""

    def failures(self, result: Result) -> list[str]:
        """Return a sentence for each threshold that a result fails."""
        found = result.leakage
        measured = {
            "leakage": found.leakage,
            "tracks_exposed": found.tracks_exposed,
            "longest_exposure": found.longest_exposure,
            "longest_exposure_of_found": found.longest_exposure_of_found,
            "over_blur": max(found.over_blur, found.over_blur_by_pixels),
            "touched": max(result.touched or 0.0, result.touched_by_pixels or 0.0),
        }
        failures = [
            f"{result.name}: {key} is {measured[key]:.4g}, more than {limit:g}"
            for key, limit in self.model_dump(exclude={"frames_per_second"}).items()
            if limit is not None and measured[key] > limit
        ]
        speed = result.frames_per_second
        if self.frames_per_second is not None and speed < self.frames_per_second:
            failures.append(
                f"{result.name}: frames_per_second is {speed:.4g}, "
                f"less than {self.frames_per_second:g}"
            )
        return failures


def read_gate(file: Path, dataset: Dataset) -> Gate:
    """Read thresholds from a YAML file.

    Raises
    ------
    ConfigError
        The file cannot be read, a threshold is unknown or wrong, or the dataset lacks the clips to
        check it.
    """
    try:
        gate = Gate.model_validate(yaml.safe_load(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the gate {file}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        key, wrong = first_mistake(error, Gate)
        raise ConfigError(f"the gate {file}: {key or 'it'}: {wrong}") from None
    if gate.touched is not None and not dataset.face_free:
        raise ConfigError(f"the gate {file} has touched, which needs a clip named by --face-free")
    return gate


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
        source, output = folder / "clips", folder / "redacted"
        source.mkdir()
        for clip in dataset.clips:
            place = source / clip
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to((dataset.folder / clip).resolve())
        summary = api.redact(source, output, config, observe=observe)
        for failure in summary.failures:
            raise CheckFailed(f"{failure.path} is quarantined in {failure.stage}: {failure.reason}")
        outputs, regions = _published(str(source), str(output))
        judged = {
            clip: list(_judged(dataset, clip, source / clip, outputs[clip], regions[clip]))
            for clip in dataset.clips
        }
    face_free = summarise(frame for clip in dataset.face_free for frame in judged[clip])
    annotated = [frame for clip in dataset.truth for frame in judged[clip]]
    return Result(
        name,
        summarise(annotated),
        tuple(_by_picture(annotated)),
        face_free.over_blur if dataset.face_free else None,
        face_free.over_blur_by_pixels if dataset.face_free else None,
        summary.frames / summary.wall_s,
    )


def _by_picture(frames: Sequence[Judged]) -> Iterator[PictureClass]:
    for lines in sorted({frame.lines for frame in frames}):
        yield PictureClass(
            f"{lines}p", summarise(frame for frame in frames if frame.lines == lines)
        )


def _published(
    source: str, destination: str
) -> tuple[dict[str, str], dict[str, dict[int, list[Rectangle]]]]:
    """Return the URL of each clip's copy, and the regions of each clip by frame."""
    root, prefix = layout.manifest(destination), storage.canonical(source) + "/"
    outputs: dict[str, str] = {}
    regions: dict[str, dict[int, list[Rectangle]]] = {}
    clips: dict[str, str] = {}
    for row in manifest.published(root):
        clip = row["source"].removeprefix(prefix)
        clips[row["video"]], outputs[clip], regions[clip] = clip, row["output"], defaultdict(list)
    for row in manifest.read(root, "regions").to_pylist():
        box = (row["x0"], row["y0"], row["x1"], row["y1"])
        regions[clips[row["video"]]][row["frame"]].append(box)
    return outputs, regions


def _judged(
    dataset: Dataset,
    clip: str,
    source: Path,
    output: str,
    regions: Mapping[int, Sequence[Rectangle]],
) -> Iterator[Judged]:
    """Judge every frame of one clip."""
    truth = dataset.truth.get(clip, {})
    both = zip(pictures(str(source)), pictures(output), strict=True)
    for frame, (before, after) in enumerate(both):
        yield judge(frame, truth.get(frame, ()), regions.get(frame, ()), before, after)


def pictures(url: str) -> Iterator[Luma]:
    """Yield the luma of every frame of a video, in the order of the pipeline's frame numbers."""
    scanned = index.scan(url, EncodeSettings())
    for chunk in scanned.chunks(math.inf):
        for frame in frames(url, scanned.info, chunk):
            levels = 2 ** (frame.format.components[0].bits - 8)
            yield luma(frame).astype(np.float32) / levels


def table(results: Iterable[Result]) -> Table:
    """Return the results as a table for a terminal, one column for each configuration."""
    results = list(results)
    shown = Table("", *(result.name for result in results))
    for column in shown.columns[1:]:
        column.justify = "right"
    rows = [_rows(result) for result in results]
    for label in dict.fromkeys(label for row in rows for label in row):
        shown.add_row(label, *(row.get(label, "") for row in rows))
    return shown


def _rows(result: Result) -> dict[str, str]:
    found = result.leakage
    rows = {f"leakage, {found.face_frames} readable faces": _percent(found.leakage)}
    rows |= {f"  {c.name}, {c.face_frames}": _percent(c.leakage) for c in found.by_height}
    rows |= {
        "  by the regions": _percent(found.leakage_by_regions),
        "  by the pixels": _percent(found.leakage_by_pixels),
        "  left to the regions": _percent(found.undecided),
        f"tracks exposed, of {found.tracks}": str(found.tracks_exposed),
        "longest exposure, frames": str(found.longest_exposure),
        "  of tracks ever protected": str(found.longest_exposure_of_found),
        "over-blur by the regions": _percent(found.over_blur),
        "over-blur by the pixels": _percent(found.over_blur_by_pixels),
    }
    if result.touched is not None and result.touched_by_pixels is not None:
        rows["face-free clips touched by the regions"] = _percent(result.touched)
        rows["face-free clips touched by the pixels"] = _percent(result.touched_by_pixels)
    if len(result.by_picture) > 1:
        for picture in result.by_picture:
            rows |= _picture_rows(picture)
    return rows | {"frames/s": f"{result.frames_per_second:.1f}"}


def _picture_rows(picture: PictureClass) -> dict[str, str]:
    name, found = picture.name, picture.leakage
    rows = {f"{name}: leakage, {found.face_frames} readable faces": _percent(found.leakage)}
    rows |= {f"  {name}, faces of {c.name}": _percent(c.leakage) for c in found.by_height}
    return rows | {
        f"  {name}: longest exposure of tracks ever protected": str(
            found.longest_exposure_of_found
        ),
        f"  {name}: over-blur by the regions": _percent(found.over_blur),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def as_json(results: Iterable[Result], failures: Iterable[str]) -> dict[str, Any]:
    """Return the results as data for JSON."""
    return {"results": [asdict(result) for result in results], "gate": list(failures)}
