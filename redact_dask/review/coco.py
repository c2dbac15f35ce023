"""Regions as a file for detection in the format of COCO, and back.

The format is documented at https://cocodataset.org/#format-data, under "Object Detection": images,
annotations and categories. A frame is an image, and the attribute ``track_id`` of an annotation
tells its track, as CVAT and FiftyOne write it. Boxes are in pixels of the upright picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from redact_dask.errors import UsageError
from redact_dask.records import FACE
from redact_dask.review.comparison import Sheet, tag
from redact_dask.review.copied_stream import CopiedStream
from redact_dask.review.written import Row, regions


def lines(copy: CopiedStream) -> Iterator[str]:
    """Yield the text of a file that has the regions of a copy, a box at a time."""
    size = dict(zip(("width", "height"), copy.upright.size, strict=True))
    labels = sorted({FACE, *copy.regions.labels})
    number = {label: rank for rank, label in enumerate(labels, 1)}
    info = {"description": f"redact_dask: {copy.path}", "copy": tag(copy)}
    categories = [{"id": number[label], "name": label} for label in labels]
    yield f'{{"info": {json.dumps(info)},\n"categories": {json.dumps(categories)},\n"images": [\n'
    for frame in range(copy.frames):
        image = {"id": frame, "file_name": f"frame_{frame:06}.png"} | size
        yield f"{json.dumps(image)}{',' if frame + 1 < copy.frames else ''}\n"
    yield '],\n"annotations": [\n'
    count = len(copy.regions)
    for rank, region in enumerate(copy.regions):
        x0, y0, x1, y1 = copy.upright.shown((region.x0, region.y0, region.x1, region.y1))
        annotation = {
            "id": rank + 1,
            "image_id": region.frame,
            "category_id": number[region.label],
            "bbox": [round(side, 3) for side in (x0, y0, x1 - x0, y1 - y0)],
            "area": round((x1 - x0) * (y1 - y0), 3),
            "iscrowd": 0,
            "attributes": {
                "track_id": region.track,
                "why": region.origin,
                "copy": tag(copy),
            },
        }
        yield f"{json.dumps(annotation)}{',' if rank + 1 < count else ''}\n"
    yield "]}\n"


def read(path: Path) -> Sheet:
    """Return what a file says.

    Raises
    ------
    UsageError
        The file is damaged, or of another format.
    OSError
        The file cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return _sheet(json.load(file))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{path} is no file of COCO with images, annotations and categories: it {told}"
        ) from error


def _sheet(content: dict[str, Any]) -> Sheet:
    frames = {image["id"]: _frame(image) for image in content["images"]}
    sizes = {(int(image["width"]), int(image["height"])) for image in content["images"]}
    if len(sizes) != 1 or sorted(frames.values()) != [*range(len(frames))]:
        raise ValueError("has images of several sizes, or not every frame of a video")
    labels = {category["id"]: str(category["name"]) for category in content["categories"]}
    rows: list[Row] = []
    copies = {content.get("info", {}).get("copy", "")}
    for rank, annotation in enumerate(content["annotations"]):
        about = annotation.get("attributes", {})
        copies.add(about.get("copy", ""))
        x, y, width, height = map(float, annotation["bbox"])
        # What has no track is a track of its own, behind all others.
        track = int(about.get("track_id", 2**30 + rank))
        box = np.array([x, y, x + width, y + height])
        if not np.isfinite(box).all():
            raise ValueError("has a box without a finite place")
        place = frames[annotation["image_id"]]
        rows.append((track, labels[annotation["category_id"]], place, box))
    return Sheet(len(frames), sizes.pop(), frozenset(copies - {""}), regions(rows))


def _frame(image: dict[str, Any]) -> int:
    """Return the frame of an image, which is the last number in the name of its file."""
    return int(re.findall(r"\d+", str(image["file_name"]).rpartition(".")[0])[-1])
