"""Runs with a detector that is paid for: nothing is bought twice, and the cost is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from fixture_types import MakeClip
from local_cluster import workers
from manifest_rows import rows
from program import invoke
from standin import Standin

import redact_dask
from redact_dask.errors import RunEnded, UsageError

LOOKS = 31
"""Every third frame, and the last."""


def settings(**options: Any) -> dict[str, Any]:
    rekognition = {"tps": 500, **options}
    return {
        "detect": {
            "detectors": ["rekognition"],
            "every": 3,
            "options": {"rekognition": rekognition},
        },
        "encode": {"preset": "ultrafast"},
        "chunk": {"seconds": 1},
    }


@contextmanager
def workers_of(*options: object) -> Iterator[tuple[Client, Standin]]:
    """Start a stand-in, and two workers that know it."""
    with (
        Standin("--latency", 0.05, "--faces", "magenta", *options) as service,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in service.environment.items():
            patch.setenv(name, value)
        with workers(2) as client:
            yield client, service


@pytest.fixture(scope="module")
def paid() -> Iterator[tuple[Client, Standin]]:
    with workers_of() as found:
        yield found


def test_what_was_seen_is_never_bought_again(
    clip: Path, paid: tuple[Client, Standin], tmp_path: Path
) -> None:
    client, service = paid
    service.reset()
    first = redact_dask.redact(clip, tmp_path, settings(), client)
    assert (first.published, first.faces, first.usage.calls) == (1, 1, LOOKS)
    assert first.dollars == pytest.approx(LOOKS / 1000)
    assert service.stats()["calls"] == LOOKS

    (video,) = rows(tmp_path, "videos")
    assert (video["calls"], video["frames_looked_at"]) == (LOOKS, LOOKS)
    assert video["dollars"] == pytest.approx(LOOKS / 1000)
    bought = [row["calls"] for row in rows(tmp_path, "chunks") if row["stage"] == "detect"]
    assert sum(bought) == LOOKS

    otherwise = settings(tps=400) | {"redact": {"style": "solid"}}
    again = redact_dask.redact(clip, tmp_path, otherwise, client)
    assert (again.published, again.usage.calls, again.dollars) == (1, 0, 0)
    assert service.stats()["calls"] == LOOKS
    assert not (tmp_path / "_work").exists()


@pytest.mark.slow
def test_a_run_that_was_refused_goes_on_without_buying_again(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a", "b", "c", "d"):
        shutil.copy(clip, source / f"{name}.mp4")
    destination = tmp_path / "destination"
    with (
        workers_of("--deny-after", 80) as (client, service),
        pytest.raises(RunEnded, match=r"AccessDeniedException"),
    ):
        redact_dask.redact(source, destination, settings(), client)
    assert service.url
    committed = sum(
        json.loads(file.read_text())["looked_at"]
        for file in (destination / "_paid").rglob("*.json")
    )
    assert 80 - committed <= 2 * 11  # At most a chunk of each worker was on its way.
    with workers_of() as (client, service):
        summary = redact_dask.redact(source, destination, settings(), client)
        assert summary.published + summary.skipped == 4
        # What the first run published counts for itself, and what it had bought is recalled.
        assert service.stats()["calls"] == summary.usage.calls == 4 * LOOKS - committed


def test_a_damaged_video_is_not_paid_for(
    make_clip: MakeClip, paid: tuple[Client, Standin], tmp_path: Path
) -> None:
    client, service = paid
    source = make_clip(tmp_path / "source" / "clip.mp4", audio=False)
    content = bytearray(source.read_bytes())
    middle = content.index(b"mdat") + (content.index(b"moov") - content.index(b"mdat")) // 2
    content[middle : middle + 400] = bytes(400)
    source.write_bytes(content)
    service.reset()
    summary = redact_dask.redact(source, tmp_path / "out", settings(), client)
    assert summary.quarantined == 1
    whole = service.stats()["calls"]
    assert whole <= 22  # Two of the three chunks are whole.
    salvage = settings() | {"on_damage": "salvage"}
    assert redact_dask.redact(source, tmp_path / "out", salvage, client).published == 1
    assert service.stats()["pictures_answered_again"] == 0


def test_a_chunk_that_fails_is_counted_and_not_bought_again(clip: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces.json"
    faces.write_text(json.dumps([[n / 200, 0.1, 0.01, 0.01, 0.9] for n in range(120)]))
    one_chunk = settings() | {"chunk": {"seconds": 60}}
    with workers_of("--faces", faces) as (client, service):
        summary = redact_dask.redact(clip, tmp_path / "out", one_chunk, client)
        (failure,) = summary.failures
        assert "Amazon Rekognition tells no more" in failure.reason
        assert summary.usage.calls == service.stats()["calls"] > 0
        assert summary.dollars == pytest.approx(summary.usage.calls / 1000)
        (video,) = rows(tmp_path / "out", "videos")
        assert video["calls"] == summary.usage.calls
        assert video["dollars"] == pytest.approx(summary.dollars)
        again = redact_dask.redact(clip, tmp_path / "out", one_chunk, client)
        assert (again.failed, again.usage.calls) == (1, 0)
        assert service.stats()["calls"] == summary.usage.calls


def test_what_failed_chunks_cost_ends_a_run(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact_dask.driver.limits.Limits.check_estimate", lambda *_: None)
    faces = tmp_path / "faces.json"
    faces.write_text(json.dumps([[n / 200, 0.1, 0.01, 0.01, 0.9] for n in range(120)]))
    limited = settings() | {"chunk": {"seconds": 60}, "driver": {"max_cost": 0.001}}
    with (
        workers_of("--faces", faces) as (client, _),
        pytest.raises(RunEnded, match=r"more than the \$0.00 that"),
    ):
        redact_dask.redact(clip, tmp_path / "out", limited, client)
    (video,) = rows(tmp_path / "out", "videos")
    assert video["calls"] > 1


def test_the_plan_tells_what_the_run_then_costs(
    clip: Path, paid: tuple[Client, Standin], tmp_path: Path
) -> None:
    client, service = paid
    service.reset()
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(settings() | {"cluster": {"address": client.scheduler.address}}))
    job = (clip, tmp_path / "out", "--config", file)
    planned = invoke("plan", *job, "--json")
    assert planned.exit_code == 0
    assert f"{LOOKS} frames to be looked at, $0.03" in planned.stdout
    refused = invoke("run", *job, "--max-cost", 0.02)
    assert refused.exit_code == 2
    assert "about 31 calls for $0.03, more than the $0.02" in " ".join(refused.stderr.split())
    assert service.stats()["calls"] == 0
    allowed = invoke("run", *job, "--max-cost", 0.04)
    assert allowed.exit_code == 0
    assert f"{LOOKS} calls for $0.03" in allowed.stdout
    assert service.stats()["calls"] == json.loads(planned.stdout.splitlines()[-1])["looks"]
    again = invoke("plan", *job, "--set", "redact.style=solid")
    assert "1 to do" in again.stdout
    assert "0 frames to be looked at, $0.00" in again.stdout


def test_a_run_ends_where_its_money_does(
    clip: Path, paid: tuple[Client, Standin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = paid
    limited = settings() | {"driver": {"max_cost": 0.02}}
    with pytest.raises(UsageError, match=r"about 31 calls"):
        redact_dask.redact(clip, tmp_path, limited, client)
    # A plan may be wrong: scenes are not known before.
    monkeypatch.setattr("redact_dask.driver.limits.Limits.check_estimate", lambda *_: None)
    with pytest.raises(RunEnded, match=r"more than the \$0.02"):
        redact_dask.redact(clip, tmp_path, limited, client)


@pytest.mark.slow
def test_workers_share_one_quota(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "source" / "clip.mp4", frames=150, audio=False)
    every = settings(tps=20)
    every["detect"]["every"] = 1
    with workers_of("--tps", 20) as (client, service):
        summary = redact_dask.redact(source, tmp_path / "out", every, client)
        told = service.stats()
    assert summary.usage.calls == 150
    assert told["throttled"] <= 3
    assert max(told["by_second"]) <= 20
    elapsed = told["last"] - told["first"]
    # It begins at half the rate; how much is used is measured by benchmarks/rekognition.py.
    assert 150 / elapsed / 20 > 0.4


@pytest.mark.slow
def test_a_service_in_trouble_changes_nothing(
    make_clip: MakeClip, paid: tuple[Client, Standin], tmp_path: Path
) -> None:
    source = make_clip(tmp_path / "source" / "clip.mp4", frames=300)
    every = settings()
    every["detect"]["every"] = 1
    client, _ = paid
    redact_dask.redact(source, tmp_path / "calm", every, client)
    trouble = ["--error-share", 0.05, "--drop-share", 0.02, "--slow-share", 0.01]
    with workers_of(*trouble) as (client, service):
        summary = redact_dask.redact(source, tmp_path / "trouble", every, client)
        told = service.stats()
    assert min(told["errors"], told["dropped"], told["slow"]) > 0
    assert summary.usage.calls == 300
    calm, is_retry = tmp_path / "calm" / "clip.mp4", tmp_path / "trouble" / "clip.mp4"
    assert calm.read_bytes() == is_retry.read_bytes()
    for name in ("detections", "regions"):
        assert rows(tmp_path / "calm", name) == rows(tmp_path / "trouble", name)


SCENE = {
    "text": [{"text": "AB 123", "place": [0.1, 0.8, 0.2, 0.1], "confidence": 0.9}],
    "labels": [{"name": "Car", "confidence": 0.9, "places": [[0.5, 0.6, 0.25, 0.3]]}],
    "moderation": [{"name": "Weapons", "parent": "Violence", "confidence": 0.8}],
}
OPERATIONS = ("faces", "text", "labels", "moderation")


def test_four_operations_run_in_one_pass_and_cost_what_the_plan_told(
    clip: Path, tmp_path: Path
) -> None:
    scene = tmp_path / "scene.json"
    scene.write_text(json.dumps(SCENE))
    four = settings(
        operations=OPERATIONS,
        labels={"names": ["Car"]},
        # Its price falls within the run.
        text={"calls_this_month": 990, "prices": [[1000, 0.05], [None, 0.02]]},
        moderation={"prices": [[None, 0.003]]},
    )
    due = LOOKS * (0.001 + 0.001 + 0.003) + 10 * 0.05 + (LOOKS - 10) * 0.02
    with workers_of("--scene", scene) as (client, service):
        four["cluster"] = {"address": client.scheduler.address}
        file = tmp_path / "settings.yaml"
        file.write_text(json.dumps(four))
        job = (clip, tmp_path / "out", "--config", file)
        told = json.loads(invoke("plan", *job, "--json").stdout.splitlines()[-1])
        assert (told["looks"], told["calls"]) == (LOOKS, 4 * LOOKS)
        assert told["dollars"] == pytest.approx(due)
        refused = invoke("run", *job, "--max-cost", due - 0.01)
        assert f"about {4 * LOOKS} calls for ${due:.2f}" in " ".join(refused.stderr.split())
        assert service.stats()["calls"] == 0

        summary = redact_dask.redact(clip, tmp_path / "out", four, client)
        sent = service.stats()
        again = redact_dask.redact(
            clip, tmp_path / "out", four | {"redact": {"style": "solid"}}, client
        )
    assert (summary.published, again.published, again.usage.calls) == (1, 1, 0)
    assert summary.usage.by_operation == dict.fromkeys(OPERATIONS, LOOKS)
    assert sent["pictures"] == LOOKS
    assert {*sent["by_operation"].values()} == {LOOKS}
    assert round(summary.dollars, 2) == round(told["dollars"], 2) == round(due, 2)
    video = min(rows(tmp_path / "out", "videos"), key=lambda row: row["finished"])
    assert (video["calls"], round(video["dollars"], 9)) == (4 * LOOKS, round(due, 9))

    found: dict[str, set[tuple[int, ...]]] = {}
    for row in rows(tmp_path / "out", "detections"):
        corners = tuple(round(row[side]) for side in ("x0", "y0", "x1", "y1"))
        found.setdefault(row["label"], set()).add(corners)
    assert found.pop("face")
    width, height = next(iter(found["Violence"]))[2:]
    assert found == {
        "text": {tuple(map(round, (0.1 * width, 0.8 * height, 0.3 * width, 0.9 * height)))},
        "Car": {tuple(map(round, (0.5 * width, 0.6 * height, 0.75 * width, 0.9 * height)))},
        "Violence": {(0, 0, width, height)},
    }
    regions = rows(tmp_path / "out", "regions")
    left_top, right_bottom = (0, 0), (width, height)
    whole = {
        row["frame"]
        for row in regions
        if (row["x0"], row["y0"]) == left_top and (row["x1"], row["y1"]) == right_bottom
    }
    assert whole == {*range(90)}
