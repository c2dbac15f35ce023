"""Regions as a file of CVAT, in its format "CVAT for video 1.1", and back.

The format is documented at https://docs.cvat.ai/docs/manual/advanced/xml_format, "Version 1.1" and
"Interpolation". Boxes are in pixels of the upright picture, as CVAT shows it. Between two key
frames, a track moves straight from box to box. It is away from a key frame with ``outside`` on,
until the next one without.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from redact_dask.errors import UsageError
from redact_dask.records import FACE, ORIGINS
from redact_dask.review.comparison import Sheet, tag
from redact_dask.review.copied_stream import CopiedStream
from redact_dask.review.written import Box, Row, regions

_SIZES = ("size", "width", "height")
"""Elements of the file's head that tell how many pictures there are, and their size."""
_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <name>{name}</name>
      <size>{frames}</size>
      <mode>interpolation</mode>
      <overlap>0</overlap>
      <start_frame>0</start_frame>
      <stop_frame>{last}</stop_frame>
      <labels>{labels}
      </labels>
      <original_size>
        <width>{width}</width>
        <height>{height}</height>
      </original_size>
    </task>
  </meta>
"""
_LABEL = """
        <label>
          <name>{name}</name>
          <attributes>{attributes}
          </attributes>
        </label>"""
_ATTRIBUTE = """
            <attribute>
              <name>{}</name>
              <mutable>{}</mutable>
              <input_type>text</input_type>
              <default_value></default_value>
              <values></values>
            </attribute>"""
_ATTRIBUTES = {"track": False, "copy": False, "why": True}
"""Attributes of each box, and whether they may change from frame to frame."""


def lines(copy: CopiedStream) -> Iterator[str]:
    """Yield the text of a file that has the regions of a copy, a track at a time.

    Each box is a key frame: nothing is left to be interpolated.
    """
    width, height = copy.upright.size
    attributes = "".join(_ATTRIBUTE.format(*one) for one in _ATTRIBUTES.items())
    labels = sorted({FACE, *copy.regions.labels})
    yield _HEAD.format(
        name=escape(copy.path),
        frames=copy.frames,
        last=copy.frames - 1,
        labels="".join(_LABEL.format(name=escape(n), attributes=attributes) for n in labels),
        width=width,
        height=height,
    )
    found = copy.regions
    order = np.lexsort((found.frame, found.track))
    cuts = np.flatnonzero(np.diff(found.track[order])) + 1
    for rows in np.split(order, cuts) if len(found) else []:
        label = quoteattr(str(found.kinds[found.kind[rows[0]], 0]))
        track = int(found.track[rows[0]])
        yield f'  <track id="{track}" label={label} source="auto">\n'
        frames = found.frame[rows].tolist()
        boxes = map(copy.upright.shown, found.box[rows].tolist())
        for rank, (frame, box) in enumerate(zip(frames, boxes, strict=True)):
            about = {"track": track, "copy": tag(copy), "why": ORIGINS[found.origin[rows[rank]]]}
            yield _box(frame, box, about, outside=False)
            if frame + 1 < copy.frames and frame + 1 not in frames[rank + 1 : rank + 2]:
                yield _box(frame + 1, box, about, outside=True)
        yield "  </track>\n"
    yield "</annotations>\n"


def _box(frame: int, box: Iterable[float], about: dict[str, Any], *, outside: bool) -> str:
    names = ("xtl", "ytl", "xbr", "ybr")
    sides = " ".join(f'{name}="{side:.2f}"' for name, side in zip(names, box, strict=True))
    inside = "".join(
        f'<attribute name="{name}">{value}</attribute>' for name, value in about.items()
    )
    return (
        f'    <box frame="{frame}" outside="{outside:d}" occluded="0" keyframe="1" {sides} '
        f'z_order="0">{inside}</box>\n'
    )


def read(path: Path) -> Sheet:
    """Return what a file says; it may be the ZIP file that CVAT makes, with annotations.xml in it.

    A file with a document type is refused. Nothing else can define entities, whose expansion may
    fill the memory, and CVAT writes none: so Python's own parser is safe.

    Raises
    ------
    UsageError
        The file is damaged, of another format, or holds shapes that have no place.
    OSError
        The file cannot be read.
    """
    parser = expat.ParserCreate()
    reader = _Reader()
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.tell
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    try:
        with _content(path) as file:
            parser.ParseFile(file)
        return reader.sheet()
    except (KeyError, ValueError, expat.ExpatError, zipfile.BadZipFile) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{path}, near line {parser.CurrentLineNumber}: {told}; export it from CVAT as "
            '"CVAT for video 1.1"'
        ) from error


@contextmanager
def _content(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open("annotations.xml") as file:
        yield file


class _Reader:
    """Takes the parts of a file as the parser meets them."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._text = ""
        self._name = ""
        self._sizes: dict[str, int] = {}
        self._copies: set[str] = set()
        self._track = 0
        self._label = ""
        self._shapes: list[tuple[int, bool, Box]] = []
        self._rows: list[Row] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._path[-1:] == ["track"]:
            frame, outside = int(attributes["frame"]), attributes.get("outside", "0") == "1"
            if not 0 <= frame < self._sizes["size"] + outside:
                raise ValueError(f"it has a shape on frame {frame} of {self._sizes['size']}")
            self._shapes.append((frame, outside, _bounds(name, attributes)))
        elif name == "track":
            self._label, self._shapes = attributes["label"], []
        elif name == "image":
            raise ValueError("it holds single images")
        self._path.append(name)
        self._text, self._name = "", attributes.get("name", "")

    def tell(self, text: str) -> None:
        self._text += text

    def end(self, name: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        if name == "attribute" and self._name == "copy" and "track" in self._path:
            self._copies |= {self._text.strip()} - {""}
        elif (parent in ("task", "job") and name == "size") or parent == "original_size":
            self._sizes[name] = int(self._text)
        elif parent in ("task", "job") and name == "frame_filter" and self._text.strip():
            raise ValueError("its task leaves out frames of the video")
        elif name == "track":
            self._rows += self._places()
            self._track += 1
        self._text = ""

    @staticmethod
    def refuse_document_type(*_: object) -> None:
        raise ValueError("it has a document type, as CVAT writes none")

    def sheet(self) -> Sheet:
        frames, width, height = (self._sizes[name] for name in _SIZES)
        return Sheet(frames, (width, height), frozenset(self._copies), regions(self._rows))

    def _places(self) -> Iterator[Row]:
        """Yield the box of the track that ends here on each frame on which it is there."""
        shapes = sorted(self._shapes, key=lambda shape: shape[0])
        if not shapes:
            return
        # What is not away at its end stays there, as CVAT shows it.
        _, outside, box = shapes[-1]
        if not outside:
            shapes.append((self._sizes["size"], True, box))
        for (frame, outside, box), (after, _, then) in pairwise(shapes):
            for number in range(frame, after) if not outside else ():
                share = (number - frame) / (after - frame)
                yield self._track, self._label, number, box + share * (then - box)


def _bounds(name: str, told: dict[str, str]) -> Box:
    """Return the box around a shape."""
    if name == "ellipse":
        x, y, across, down = (float(told[key]) for key in ("cx", "cy", "rx", "ry"))
        corners = [(x - across, y - down), (x + across, y + down)]
    elif name == "box":
        x0, y0, x1, y1 = (float(told[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        corners = [(x0, y0), (x1, y1)]
    elif "points" in told:
        corners = [_point(point) for point in told["points"].split(";")]
    else:
        raise ValueError(f"a track holds the shape {name}, which has no box: draw a rectangle")
    (x0, y0), (x1, y1) = map(min, zip(*corners, strict=True)), map(max, zip(*corners, strict=True))
    if angle := math.radians(float(told.get("rotation", 0))):
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        along, aside = abs(math.cos(angle)), abs(math.sin(angle))
        across = ((x1 - x0) * along + (y1 - y0) * aside) / 2
        down = ((x1 - x0) * aside + (y1 - y0) * along) / 2
        x0, y0, x1, y1 = x - across, y - down, x + across, y + down
    bounds = np.array([x0, y0, x1, y1])
    if not np.isfinite(bounds).all():
        raise ValueError("a shape has no finite place")
    return bounds


def _point(text: str) -> tuple[float, float]:
    x, y = text.split(",")
    return float(x), float(y)
