"""From a bucket to a bucket of a real object store, without a shared disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import boto3
import pyarrow.parquet as pq
import pytest
from distributed import Client
from fixture_types import MakeClip
from local_cluster import workers
from magenta import MAGENTA
from program import invoke
from s3fs import S3FileSystem

import redact_dask

SETTINGS = MAGENTA | {"chunk": {"seconds": 0.5}}


@pytest.fixture(scope="module")
def near_s3(s3: str) -> Iterator[Client]:
    """A client of two workers that have inherited the credentials from the environment."""
    with workers(2) as client:
        yield client


def keys(prefix: str) -> set[str]:
    """Return the keys below a prefix of the bucket, without it."""
    found = boto3.client("s3").list_objects_v2(Bucket="bucket", Prefix=prefix)
    return {entry["Key"].removeprefix(prefix) for entry in found.get("Contents", [])}


def test_from_bucket_to_bucket(s3: str, short: Path, near_s3: Client) -> None:
    store = boto3.client("s3")
    for key in ("fleet/car 1/front.mp4", "fleet/car 1/day+2/rear.mp4"):
        store.upload_file(str(short), "bucket", key)
    store.put_object(Bucket="bucket", Key="fleet/notes.txt", Body=b"not a video")
    source, destination = f"{s3}/fleet", f"{s3}/private/redacted/"

    summary = redact_dask.redact(source, destination, SETTINGS, near_s3)

    assert (summary.videos, summary.published) == (2, 2)
    published = keys("private/redacted/")
    assert {key for key in published if not key.startswith(("_manifest/", "_kept/"))} == {
        "car 1/front.mp4",
        "car 1/day+2/rear.mp4",
    }
    output = store.get_object(Bucket="bucket", Key="private/redacted/car 1/day+2/rear.mp4")
    with av.open(io.BytesIO(output["Body"].read())) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30

    fs = S3FileSystem(use_listings_cache=False)
    videos = pq.read_table("bucket/private/redacted/_manifest/videos", filesystem=fs)
    assert videos["frames_analysed"].to_pylist() == [30, 30]
    assert {row.rpartition("/")[2] for row in videos["output"].to_pylist()} == {
        "front.mp4",
        "rear.mp4",
    }

    again = redact_dask.redact(source, destination, SETTINGS, near_s3)
    assert (again.published, again.skipped) == (0, 2)
    assert keys("private/redacted/") == published


def test_missing_bucket_is_told(s3: str) -> None:
    with pytest.raises(redact_dask.SourceError, match="s3://no-such-bucket/fleet does not exist"):
        redact_dask.redact("s3://no-such-bucket/fleet", f"{s3}/redacted")


def test_destination_inside_the_source_is_told(s3: str, short: Path) -> None:
    boto3.client("s3").upload_file(str(short), "bucket", "inside/clip.mp4")
    with pytest.raises(redact_dask.SourceError, match="lies inside the source"):
        redact_dask.redact(f"{s3}/inside", f"{s3}/inside/redacted")


@pytest.fixture
def nobody_answers(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process, but not the workers, look for the store where there is none."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    S3FileSystem.clear_instance_cache()  # One that is connected already would be used again.
    yield
    S3FileSystem.clear_instance_cache()


@pytest.mark.usefixtures("nobody_answers")
def test_source_store_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        redact_dask.SourceError,
        match=r"cannot list the source s3://bucket/fleet: .* \"http://127\.0\.0\.1:1/",
    ):
        redact_dask.redact("s3://bucket/fleet", tmp_path)


@pytest.mark.usefixtures("nobody_answers")
def test_destination_store_that_does_not_answer_is_told(short: Path, near_s3: Client) -> None:
    address = f"cluster.address={near_s3.scheduler.address}"
    result = invoke("run", short, "s3://bucket/out", "--set", address)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "Error: the store or the cluster failed: Could not connect" in result.stderr
    assert "http://127.0.0.1:1/" in result.stderr


def test_a_video_beside_a_folder_of_its_name(
    s3: str, make_clip: MakeClip, near_s3: Client, tmp_path: Path
) -> None:
    store = boto3.client("s3")
    short = make_clip(tmp_path / "short.mp4", frames=30, audio=False)
    for name in ("a.mp4", "a.mp4/b.mp4"):
        store.upload_file(str(short), "bucket", f"beside/{name}")
    both = redact_dask.redact(f"{s3}/beside", f"{s3}/beside-out", SETTINGS, near_s3)
    assert both.published == 2, both.failures
    again = redact_dask.redact(f"{s3}/beside", f"{s3}/beside-out", SETTINGS, near_s3)
    assert again.skipped == 2

    one = redact_dask.redact(f"{s3}/beside", tmp_path / "out", SETTINGS, near_s3)
    assert one.published == 1
    (failure,) = one.failures
    assert failure.path == "a.mp4/b.mp4"
    assert failure.reason.startswith("a.mp4 is a video too, and cannot be a folder in file://")
    assert (tmp_path / "out" / "a.mp4").is_file()
