"""The source of benchmarks/driver.py: files of one byte; and what has become of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pyarrow.compute as pc
from botocore.config import Config

from redact_dask import manifest, storage
from redact_dask.storage import layout

AT_ONCE = 32
"""Requests in flight, so that a far store is filled soon, too."""


def fill(source: str, videos: int) -> None:
    """Make files of one byte in a local folder or a prefix in S3, unless it has files already."""
    if storage.exists(source):
        return
    names = map(name, range(videos))
    if folder := storage.local_path(source):
        for path in (Path(folder, name) for name in names):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"v")
        return
    bucket, _, prefix = source.removeprefix("s3://").rstrip("/").partition("/")
    store = boto3.client("s3", config=Config(max_pool_connections=AT_ONCE))

    def put(name: str) -> None:
        store.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=b"v")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, videos, 1000):
            list(pool.map(put, map(name, range(start, min(start + 1000, videos)))))


def name(number: int) -> str:
    """Name a video: each day, 25 vehicles record a thousand."""
    day, vehicle = 1 + number // 25_000, number // 1000 % 25
    return f"day-{day:03}/vehicle-{vehicle:02}/{number % 1000:03}.mp4"


def check(source: str, destination: str) -> int:
    """Return how many videos the source has; each must have been published exactly once.

    Raises
    ------
    AssertionError
        A video was not published, or more than once; or a copy is missing, or is one too many.
    """
    root, target = storage.canonical(source), storage.canonical(destination)
    videos = {url.removeprefix(f"{root}/") for url, _ in storage.walk(root)}
    copies = {url.removeprefix(f"{target}/") for url, _ in storage.walk(target, layout.OWN_FOLDERS)}
    rows = manifest.read(layout.manifest(target), "videos", ["path", "status"])
    published = rows.filter(pc.equal(rows["status"], "published"))
    assert Counter(published["path"].to_pylist()) == dict.fromkeys(videos, 1)
    assert copies == videos
    return len(videos)
