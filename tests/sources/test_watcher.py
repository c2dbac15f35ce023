"""Videos are given as they land: whole, and once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from redact_dask import config
from redact_dask.errors import SourceError
from redact_dask.records import Video
from redact_dask.sources import listing
from redact_dask.sources.watcher import Watcher


class Collected:
    """Watcher, collected by a thread as the backlog's does."""

    def __init__(self, source: object, **settings: object) -> None:
        sections = {"watch": {"poll_s": 0.2} | settings}
        self.watcher = Watcher(str(source), "memory://elsewhere", config.validate(sections))
        self.videos: list[Video] = []
        self._thread = threading.Thread(target=self._collect)

    def _collect(self) -> None:
        for video in self.watcher:
            self.videos.append(video)

    @property
    def paths(self) -> list[str]:
        return [video.path for video in self.videos]

    def until(self, *paths: str, within: float = 20) -> None:
        end = time.monotonic() + within
        while sorted(self.paths) != sorted(paths):
            assert time.monotonic() < end, self.paths
            time.sleep(0.05)

    def __enter__(self) -> Collected:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_a_video_is_given_once_and_again_when_it_changes(watched: Path) -> None:
    (watched / "a.mp4").write_bytes(b"1")
    (watched / "notes.txt").write_bytes(b"1")
    with Collected(watched) as seen:
        seen.until("a.mp4")
        (watched / "car").mkdir()
        (watched / "car" / "b.mp4").write_bytes(b"1")
        seen.until("a.mp4", "car/b.mp4")
        (watched / "a.mp4").write_bytes(b"12")
        seen.until("a.mp4", "a.mp4", "car/b.mp4")
        time.sleep(1)
    assert len(seen.videos) == 3


def test_a_file_that_still_grows_is_not_given(watched: Path) -> None:
    with Collected(watched) as seen, (watched / "a.mp4").open("wb") as file:
        for _ in range(20):
            file.write(b"12345")
            file.flush()
            time.sleep(0.1)
            assert not seen.videos
        seen.until("a.mp4")
    assert seen.videos[0].size == 100


def test_selection_holds(watched: Path) -> None:
    for name in ("front.mp4", "rear.mp4"):
        (watched / name).write_bytes(b"1")
    settings = config.validate({"watch": {"poll_s": 0.1}, "select": {"include": ["front*"]}})
    watcher = Watcher(str(watched), "memory://elsewhere", settings)
    videos = iter(watcher)
    assert next(videos).path == "front.mp4"
    watcher.stop()
    assert list(videos) == []


@pytest.mark.parametrize(
    ("name", "destination", "sentence"),
    [
        ("missing", "out", "is no folder; only those are watched"),
        ("a.mp4", "out", "is no folder; only those are watched"),
        ("", "", "is the source's own folder"),
        ("", "out", "lies inside the source"),
    ],
)
def test_what_cannot_be_watched_is_told(
    name: str, destination: str, sentence: str, watched: Path
) -> None:
    (watched / "a.mp4").write_bytes(b"1")
    with pytest.raises(SourceError, match=sentence):
        Watcher(str(watched / name), str(watched / destination), config.validate({}))


def test_a_store_that_fails_for_a_while_is_asked_again(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (watched / "a.mp4").write_bytes(b"1")
    list_folder, failures = listing.list_folder, iter(range(3))

    def failing(*arguments: object) -> Iterator[Video]:
        if next(failures, None) is not None:
            raise OSError("the store is away")
        return list_folder(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "list_folder", failing)
    with Collected(watched) as seen:
        seen.until("a.mp4")

    monkeypatch.setattr(listing, "list_folder", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    settings = config.validate({"watch": {"poll_s": 0.01}})
    with pytest.raises(SourceError, match=r"cannot watch the source .*: gone"):
        list(Watcher(str(watched), "memory://elsewhere", settings))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, s3: str) -> Iterator[str]:
    """URL of an empty queue of a server that keeps SQS's protocol."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://{host}:{port}")
    yield boto3.client("sqs").create_queue(QueueName="landed")["QueueUrl"]
    server.stop()


def notification(url: str, *, event: str = "ObjectCreated:Put") -> dict[str, object]:
    """Tell what S3 tells of an object."""
    facts = S3FileSystem().info(url, refresh=True)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    thing = {"key": key.replace(" ", "+"), "size": facts["size"], "eTag": facts["ETag"].strip('"')}
    s3 = {"bucket": {"name": bucket}, "object": thing}
    return {"eventName": event, "eventTime": "2026-02-03T04:05:06.000Z", "s3": s3}


def bridged(url: str) -> dict[str, object]:
    """Tell what EventBridge tells of an object."""
    facts = S3FileSystem().info(url, refresh=True)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    thing = {"key": key, "size": facts["size"], "etag": facts["ETag"].strip('"')}
    detail = {"bucket": {"name": bucket}, "object": thing}
    event = {"source": "aws.s3", "detail-type": "Object Created", "time": "2026-02-03T04:05:06Z"}
    return event | {"detail": detail}


def test_a_queue_tells_what_lands(s3: str, queue: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "redact_dask")

    def put(name: str) -> str:
        S3FileSystem().pipe_file(f"{s3}/landing/{name}", b"video")
        return f"{s3}/landing/{name}"

    def tell(message: object) -> None:
        boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message))

    before = put("there before.mp4")
    with Collected(f"{s3}/landing", queue=queue) as seen:
        seen.until("there before.mp4")
        tell({"Event": "s3:TestEvent"})
        tell({"somebody": "else's"})
        tell({"Records": [notification(before), notification(put("notes.txt"))]})
        S3FileSystem().pipe_file(f"{s3}/elsewhere/c.mp4", b"video")
        tell({"Records": [notification(f"{s3}/elsewhere/c.mp4")]})
        removed = notification(put("gone.mp4"), event="ObjectRemoved:Delete")
        tell({"Records": [removed, removed]})
        tell({"Records": [removed]})
        tell(bridged(put("c+d %2B.mp4")))
        tell({"Message": json.dumps({"Records": [notification(put("a b.mp4"))]})})
        seen.until("there before.mp4", "c+d %2B.mp4", "a b.mp4")
        listed = listing.list_folder(f"{s3}/landing", config.validate({}).select)
        (same,) = (video for video in listed if video.path == "a b.mp4")
        assert seen.videos[-1].id == same.id
        end = time.monotonic() + 20
        while left_in(queue) > 1 and time.monotonic() < end:
            time.sleep(0.2)
    assert left_in(queue) == 1, "what is none of S3's stays"
    own = [record for record in caplog.records if record.name == "redact_dask"]
    assert sorted(record.getMessage() for record in own) == [
        f"passed over in the queue: {kind}; no more of this kind is logged"
        for kind in (
            "S3's test of the queue",
            "a message that is none of S3's, and stays there",
            "the event ObjectRemoved:Delete",
        )
    ]


def test_a_strange_record_costs_nothing_else(s3: str, queue: str) -> None:
    def tell(*records: object) -> None:
        message = json.dumps({"Records": [*records]})
        boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=message)

    already = left_in(queue)
    S3FileSystem().pipe_file(f"{s3}/strange/before.mp4", b"video")
    with Collected(f"{s3}/strange", queue=queue) as seen:
        seen.until("before.mp4")
        for name in ("a.mp4", "b.mp4", "cam::1.mp4"):
            S3FileSystem().pipe_file(f"{s3}/strange/{name}", b"video")
        sizeless: dict[str, Any] = notification(f"{s3}/strange/b.mp4")
        del sizeless["s3"]["object"]["size"]
        tell(
            {"eventSource": "aws:ses"}, "text", None, sizeless, notification(f"{s3}/strange/a.mp4")
        )
        tell(sizeless | {"eventTime": "yesterday"})
        endless: dict[str, Any] = notification(f"{s3}/strange/b.mp4")
        endless["s3"]["object"]["size"] = float("inf")
        tell(endless)
        boto3.client("sqs").send_message(QueueUrl=queue, MessageBody="[" * 100_000)
        tell(notification(f"{s3}/strange/cam::1.mp4"))
        seen.until("before.mp4", "a.mp4", "cam::1.mp4")
        end = time.monotonic() + 20
        while left_in(queue) > already + 4 and time.monotonic() < end:
            time.sleep(0.2)
    assert left_in(queue) == already + 4, "what is none of S3's stays"


def left_in(queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(map(int, told["Attributes"].values()))
