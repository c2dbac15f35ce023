"""Source and copies may lie in an object store."""

from __future__ import annotations

import io
from pathlib import Path

import boto3
from made_up import VIDEO
from PIL import Image
from published_rows import RUN

from redact_dask import manifest, storage
from redact_dask.manifest import edits
from redact_dask.review import pairs
from redact_dask.review.session import Session
from redact_dask.sources import listing
from redact_dask.storage import layout


def test_a_video_in_an_object_store_is_shown_and_edited(s3: str, clip: Path) -> None:
    client, bucket = boto3.client("s3"), s3.removeprefix("s3://")
    for folder in ("reviewed", "reviewed-copies"):
        client.upload_file(str(clip), bucket, f"{folder}/car 1/a.mp4")
    source, destination = f"{s3}/reviewed", storage.canonical(f"{s3}/reviewed-copies")
    (video,) = listing.list_videos(source, destination)
    row = {"run": RUN, "video": video.id, "path": video.path, "frames": 90, "duration_s": 3.0}
    row |= {"output": f"{destination}/{video.path}", "bytes_out": clip.stat().st_size}
    writer = manifest.Writer(layout.manifest(destination), RUN)
    writer.add({"videos": [VIDEO | row]})
    writer.close()
    session = Session(pairs.listed(source, destination), destination, "ann")
    assert session.video(0)["streams"][0]["frames"] == 90
    for of in ("source", "copy"):
        picture = Image.open(io.BytesIO(session.picture(0, 0, of, 50, 320)))
        assert picture.size == (320, 180)
    given = {"kind": "hide", "stream": 0, "label": "face", "boxes": [[3, 10, 20, 50, 60]]}
    session.edit(0, given)
    assert [edit.by for edit in edits.read(layout.manifest(destination))] == ["ann"]
    session.close()
