"""Videos are redacted as they land: whole, once, and soon."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from distributed import Client
from fixture_types import MakeClip
from magenta import RAISING
from program import ALONE
from waiting import until

from redact_dask import config, manifest
from redact_dask.driver.run import Run
from redact_dask.errors import RunEnded
from redact_dask.monitoring.status import Status
from redact_dask.sources.watcher import Watcher


def test_the_command_redacts_what_lands_and_ends_gently(short: Path, tmp_path: Path) -> None:
    source, destination = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    shutil.copy(short, source / "before.mp4")
    command = [sys.executable, "-m", "redact_dask", "watch", source, destination, "--json"]
    command += [*ALONE, "--set", "watch.poll_s=0.5"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until((destination / "before.mp4").exists, "the copy")
        # Rows are written while nothing else is to do.
        until(lambda: manifest.read(f"{destination}/_manifest", "videos").num_rows == 1, "its row")
        landed = time.monotonic()
        shutil.copy(short, source / "later.mp4")
        until((destination / "later.mp4").exists, "the copy")
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


@pytest.mark.timeout(60)
def test_a_watch_whose_run_cannot_go_on_ends(watched: Path, client: Client, tmp_path: Path) -> None:
    (watched / "a.mp4").write_text("text")
    (watched / "a.mp4").touch()
    settings = {"watch": {"poll_s": 0.2}, "driver": {"most_failures": 1}}
    watcher = Watcher(str(watched), str(tmp_path / "out"), config.validate(settings))
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
    watched: Path,
    make_clip: MakeClip,
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("redact_dask.sources.watcher._AGAIN_S", 0.5)
    destination = tmp_path / "out"
    make_clip(watched / "a.mp4", frames=8, blue_frame=4)
    (watched / "damaged.mp4").write_bytes(b"no video")
    settings = config.validate({"watch": {"poll_s": 0.2}, "detect": RAISING})
    watcher = Watcher(str(watched), str(destination), settings)

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
    watched: Path, short: Path, client: Client, tmp_path: Path
) -> None:
    destination = tmp_path / "out"
    settings = config.validate({"watch": {"poll_s": 0.2}, "detect": {"detectors": ["magenta"]}})
    watcher = Watcher(str(watched), str(destination), settings)
    shutil.copy(short, watched / "a.mp4")

    def observe(status: Status) -> None:
        if status.published == 1 and not changed:
            changed.append(True)
            with (watched / "a.mp4").open("ab") as file:
                file.write(bytes.fromhex("00000008") + b"free")
        if status.published == 2 or status.quarantined:
            run.drain()

    changed: list[bool] = []
    run = Run(client, watcher, str(destination), settings, observe)
    summary = run.process()
    assert (summary.published, summary.failures) == (2, ())
