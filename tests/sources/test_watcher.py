"""Videos are redacted as they land: whole, once, and soon."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from distributed import Client
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from redact_dask import config, manifest
from redact_dask.driver.run import Run
from redact_dask.errors import RunEnded, SourceError
from redact_dask.monitoring.status import Status
from redact_dask.records import Video
from redact_dask.sources import listing
from redact_dask.sources.watcher import Watcher


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


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


def test_a_video_is_given_once_and_again_when_it_changes(source: Path) -> None:
    (source / "a.mp4").write_bytes(b"1")
    (source / "notes.txt").write_bytes(b"1")
    with Collected(source) as seen:
        seen.until("a.mp4")
        (source / "car").mkdir()
        (source / "car" / "b.mp4").write_bytes(b"1")
        seen.until("a.mp4", "car/b.mp4")
        (source / "a.mp4").write_bytes(b"12")
        seen.until("a.mp4", "a.mp4", "car/b.mp4")
        time.sleep(1)
    assert len(seen.videos) == 3


def test_a_file_that_still_grows_is_not_given(source: Path) -> None:
    with Collected(source) as seen, (source / "a.mp4").open("wb") as file:
        for _ in range(20):
            file.write(b"12345")
            file.flush()
            time.sleep(0.1)
            assert not seen.videos
        seen.until("a.mp4")
    assert seen.videos[0].size == 100


def test_selection_holds(source: Path) -> None:
    for name in ("front.mp4", "rear.mp4"):
        (source / name).write_bytes(b"1")
    settings = config.validate({"watch": {"poll_s": 0.1}, "select": {"include": ["front*"]}})
    watcher = Watcher(str(source), "memory://elsewhere", settings)
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
    name: str, destination: str, sentence: str, source: Path
) -> None:
    (source / "a.mp4").write_bytes(b"1")
    with pytest.raises(SourceError, match=sentence):
        Watcher(str(source / name), str(source / destination), config.validate({}))


def test_a_store_that_fails_for_a_while_is_asked_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.mp4").write_bytes(b"1")
    watched, failures = listing.watched, iter(range(3))

    def failing(*arguments: object) -> Iterator[Video]:
        if next(failures, None) is not None:
            raise OSError("the store is away")
        return watched(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "watched", failing)
    with Collected(source) as seen:
        seen.until("a.mp4")

    monkeypatch.setattr(listing, "watched", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    settings = config.validate({"watch": {"poll_s": 0.01}})
    with pytest.raises(SourceError, match=r"cannot watch the source .*: gone"):
        list(Watcher(str(source), "memory://elsewhere", settings))


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


def test_a_queue_tells_what_lands(s3: str, queue: str) -> None:
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
        tell({"Records": [notification(put("gone.mp4"), event="ObjectRemoved:Delete")]})
        tell({"Message": json.dumps({"Records": [notification(put("a b.mp4"))]})})
        seen.until("there before.mp4", "a b.mp4")
        listed = listing.list_folder(f"{s3}/landing", config.validate({}).select)
        (same,) = (video for video in listed if video.path == "a b.mp4")
        assert seen.videos[-1].id == same.id
        end = time.monotonic() + 20
        while left_in(queue) > 1 and time.monotonic() < end:
            time.sleep(0.2)
    assert left_in(queue) == 1, "what is none of S3's stays"


def left_in(queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(map(int, told["Attributes"].values()))


def test_the_command_redacts_what_lands_and_ends_gently(clip: Path, tmp_path: Path) -> None:
    source, destination = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    shutil.copy(clip, source / "before.mp4")
    command = [sys.executable, "-m", "redact_dask", "watch", source, destination, "--json"]
    command += ["--detector", "magenta", "--workers", "1", "--set", "watch.poll_s=0.5"]
    command += ["--set", "cluster.dashboard=127.0.0.1:0", "--set", "encode.preset=ultrafast"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        published(destination / "before.mp4")
        # Rows are written while nothing else is to do.
        until(lambda: manifest.read(f"{destination}/_manifest", "videos").num_rows == 1)
        landed = time.monotonic()
        shutil.copy(clip, source / "later.mp4")
        published(destination / "later.mp4")
        lag = time.monotonic() - landed
        watching.send_signal(signal.SIGTERM)
        output, errors = watching.communicate(timeout=60)
    finally:
        watching.kill()
    assert watching.returncode == 0, errors
    summary = json.loads(output.splitlines()[-1])
    assert (summary["published"], summary["left"]) == (2, 0)
    assert len(summary["lags"]) == 2
    assert min(summary["lags"]) <= lag + 1
    assert "lag " in output
    videos = manifest.read(f"{destination}/_manifest", "videos").to_pylist()
    written = {row["source"].rpartition("/")[2]: row["written"].timestamp() for row in videos}
    assert written["later.mp4"] == pytest.approx((source / "later.mp4").stat().st_mtime, abs=1e-3)


def published(path: Path) -> None:
    until(path.exists)


def until(condition: object, within: float = 60) -> None:
    end = time.monotonic() + within
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.timeout(60)
def test_a_watch_whose_run_cannot_go_on_ends(source: Path, client: Client, tmp_path: Path) -> None:
    (source / "a.mp4").write_text("text")
    (source / "a.mp4").touch()
    settings = {"watch": {"poll_s": 0.2}, "driver": {"most_failures": 1}}
    watcher = Watcher(str(source), str(tmp_path / "out"), config.validate(settings))
    # A task that is no stage's result ends the run.
    out = str(tmp_path / "out")
    taken = Run(client, watcher, out, config.validate(settings), lambda _: None)
    taken._take = ended  # type: ignore[method-assign]
    with pytest.raises(RunEnded, match="in vain"):
        taken.process()


def ended(*_: object) -> list[object]:
    raise RunEnded("in vain")


@pytest.mark.timeout(120)
def test_what_failed_for_a_reason_that_may_pass_is_tried_again_twice(
    source: Path,
    make_clip: Callable[..., Path],
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("redact_dask.sources.watcher._AGAIN_S", 0.5)
    destination = tmp_path / "out"
    make_clip(source / "a.mp4", frames=8, blue_frame=4)
    (source / "damaged.mp4").write_bytes(b"no video")
    raising = {"detectors": ["magenta"], "options": {"magenta": {"on_blue": "raise"}}}
    settings = config.validate({"watch": {"poll_s": 0.2}, "detect": raising})
    watcher = Watcher(str(source), str(destination), settings)

    def observe(status: Status) -> None:
        if status.quarantined == 4:
            threading.Timer(3, run.drain).start()

    run = Run(client, watcher, str(destination), settings, observe)
    run.process()
    rows = manifest.read(f"{destination}/_manifest", "videos").to_pylist()
    assert sorted(row["source"].rpartition("/")[2] for row in rows) == ["a.mp4"] * 3 + [
        "damaged.mp4"
    ]


def test_a_video_that_goes_on_after_it_was_published_is_published_anew(
    source: Path, clip: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    settings = config.validate({"watch": {"poll_s": 0.2}, "detect": {"detectors": ["magenta"]}})
    watcher = Watcher(str(source), str(destination), settings)
    shutil.copy(clip, source / "a.mp4")

    def observe(status: Status) -> None:
        if status.published == 1 and not changed:
            changed.append(True)
            with (source / "a.mp4").open("ab") as file:
                file.write(bytes.fromhex("00000008") + b"free")
        if status.published == 2 or status.quarantined:
            run.drain()

    changed: list[bool] = []
    run = Run(client, watcher, str(destination), settings, observe)
    summary = run.process()
    assert (summary.published, summary.failures) == (2, ())
