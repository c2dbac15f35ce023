"""The frozen records that stages and subpackages pass to each other.

Conventions, everywhere in the package:

- A *frame* is the number of a picture in presentation order, from 0, over the whole video.
- *pts* are presentation timestamps in ticks of the source video stream's ``time_base``.
- Boxes are ``x0, y0, x1, y1`` in pixels of the *stored* picture (before any display rotation), with
  the origin at the upper left corner; ``x0, y0`` belong to the box, ``x1, y1`` do not.
"""

from redact_dask.records.columns import (
    FACE,
    ORIGINS,
    Detection,
    Detections,
    Region,
    RegionOrigin,
    Regions,
)
from redact_dask.records.results import (
    STAGES,
    CameraStep,
    Damage,
    Detected,
    Failure,
    Joined,
    Probed,
    Tracked,
    Usage,
    attach_usage,
    usage_of,
)
from redact_dask.records.segments import (
    Footage,
    Piece,
    PublishedPiece,
    PublishedStream,
    Rendered,
    Segment,
    TaskTiming,
)
from redact_dask.records.video import (
    Appearance,
    Chunk,
    Clock,
    Fields,
    Gop,
    Keyframe,
    StreamInfo,
    Video,
    video_id,
)

__all__ = [
    "FACE",
    "ORIGINS",
    "STAGES",
    "Appearance",
    "CameraStep",
    "Chunk",
    "Clock",
    "Damage",
    "Detected",
    "Detection",
    "Detections",
    "Failure",
    "Fields",
    "Footage",
    "Gop",
    "Joined",
    "Keyframe",
    "Piece",
    "Probed",
    "PublishedPiece",
    "PublishedStream",
    "Region",
    "RegionOrigin",
    "Regions",
    "Rendered",
    "Segment",
    "StreamInfo",
    "TaskTiming",
    "Tracked",
    "Usage",
    "Video",
    "attach_usage",
    "usage_of",
    "video_id",
]
