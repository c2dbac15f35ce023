"""Names of an object store that are one name, or none, at the destination."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from redact_dask.errors import UnsupportedVideo
from redact_dask.pipeline import mirroring
from redact_dask.sources import listing

KEYS = ["a.mp4", "a.mp4/b.mp4", "d//e.mp4", "d/e.mp4", "/f.mp4", "./g.mp4", "h.mp4/", "ok/i.mp4"]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """A bucket with `KEYS` in a store that, as AWS does, takes each key for a text."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        # As for the real store of other tests: boto3 reads them once in a process.
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        S3FileSystem.clear_instance_cache()
        store = boto3.client("s3")
        store.create_bucket(Bucket="names")
        for key in KEYS:
            store.put_object(Bucket="names", Key=f"in/{key}", Body=key.encode())
        store.put_object(Bucket="names", Key="in/folder.mp4/", Body=b"")
        yield "s3://names"
    S3FileSystem.clear_instance_cache()
    server.stop()


def refused(source: str, destination: str) -> dict[str, str]:
    """Return the videos of a source that have no place at a destination, and why."""
    reasons = {}
    seen = []
    for video in listing.list_videos(source, destination):
        seen.append(video.path)
        try:
            mirroring.check(video, destination)
        except UnsupportedVideo as error:
            reasons[video.path] = str(error)
    assert sorted(seen) == sorted(KEYS)
    return reasons


def test_a_file_system_gets_each_name_once(aws: str, tmp_path: Path) -> None:
    reasons = refused(f"{aws}/in", f"file://{tmp_path}")
    assert reasons.pop("a.mp4/b.mp4") == (
        f"a.mp4 is a video too, and cannot be a folder in file://{tmp_path}; rename one"
    )
    assert reasons == {
        name: f"its name {name!r} and {plain!r} may be one name at the destination; rename it"
        for name, plain in (
            ("d//e.mp4", "d/e.mp4"),
            ("/f.mp4", "f.mp4"),
            ("./g.mp4", "g.mp4"),
            ("h.mp4/", "h.mp4"),
        )
    }


def test_an_object_store_gets_all_names_that_are_not_taken(aws: str) -> None:
    assert refused(f"{aws}/in", f"{aws}/out").keys() == {"d//e.mp4", "h.mp4/"}
