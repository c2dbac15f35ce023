"""A run's page and metrics, beside Dask's dashboard."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from distributed import Client, LocalCluster
from fixture_types import MakeClip
from prometheus_client.parser import text_string_to_metric_families

import redact_dask
from redact_dask.monitoring import dashboard, dashboard_feed
from redact_dask.monitoring.status import Counts, Status

SETTINGS = {
    "detect": {"detectors": ["magenta"], "every": 1},
    "encode": {"preset": "ultrafast"},
    "chunk": {"seconds": 0.5},
}


def fetched(client: Client, path: str) -> str:
    with urlopen(client.dashboard_link.removesuffix("/status") + path, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def metrics(client: Client, destination: str) -> dict[str, float]:
    """Return the value of each metric of one destination, by its name."""
    return {
        sample.name.removeprefix("redact_dask_"): sample.value
        for family in text_string_to_metric_families(fetched(client, "/redact/metrics"))
        for sample in family.samples
        if sample.labels == {"destination": destination, "shard": ""}
    }


def test_a_run_is_shown_while_it_lasts_and_when_it_has_ended(
    make_clip: MakeClip, client: Client, tmp_path: Path
) -> None:
    for number in range(4):
        make_clip(tmp_path / "in" / f"{number}.mp4", frames=60, audio=False)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video")
    destination = (tmp_path / "out").as_uri()
    waits, running = [], []
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(redact_dask.redact, tmp_path / "in", tmp_path / "out", SETTINGS, client)
        while not run.done():
            begun = time.monotonic()
            page = fetched(client, "/redact") if live_on(client) else ""
            waits.append(time.monotonic() - begun)
            running.append(f"{destination}</h2><p>Running." in page)
            time.sleep(0.1)
        summary = run.result()
    assert any(running), "the page did not show the run"
    assert max(waits) < 2, "the page does not answer under load"
    found = metrics(client, destination)
    assert (summary.published, summary.quarantined) == (4, 1)
    assert found["published_total"] == 4
    assert found["quarantined_total"] == 1
    assert found["frames_total"] == summary.frames == 240
    assert found["faces_total"] == summary.faces
    assert (found["left"], found["running"]) == (0, 0)
    assert time.time() - found["told_timestamp_seconds"] < 60
    assert f"{destination}</h2><p>Ended.</p>" in fetched(client, "/redact")


def live_on(client: Client) -> bool:
    """Tell whether the first driver has come: the page is made by it."""
    return bool(
        client.run_on_scheduler(
            lambda dask_scheduler: dashboard.Dashboard.name in dask_scheduler.plugins
        )
    )


def told(status: Status, **changes: Any) -> dict[str, Any]:
    return {
        **dashboard_feed.snapshot(status, "s3://fleet/<b>day</b>", "3/16", ended=False),
        **changes,
    }


def test_the_page_shows_what_is_known_and_markup_as_text() -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(dashboard.Dashboard())
        assert "No run has begun" in fetched(client, "/redact")
        status = Status(Counts(pending=7, done=2), endless=True)
        client.log_event(dashboard.TOPIC, told(status))
        status.published, status.dollars = 1234567, 1.5
        status.lags.append(61.0)
        client.log_event(dashboard.TOPIC, told(status))
        page = fetched(client, "/redact")
        assert page.count("<section>") == 1, "one destination, one run"
        assert "s3://fleet/&lt;b&gt;day&lt;/b&gt;, shard 3/16</h2>" in page
        for shown in ("1,234,567", ">1.50<", ">0:01:01<"):
            assert shown in page
        assert "Time left" not in page, "nobody knows when a run ends that has no end"


def test_other_labels_are_counted_beside_the_faces() -> None:
    status = Status(Counts())
    status.tracks.update({"face": 2, "plate": 3, "text": 1})
    assert (told(status)["faces"], told(status)["others"]) == (2, 4)


def test_a_driver_that_says_nothing_any_more_may_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = dashboard.Dashboard()
    shown._heard = {}
    shown.log_event(dashboard.TOPIC, told(Status(Counts())))
    shown.log_event("another topic", {})
    ((when, run),) = shown.runs()
    assert "Running" in dashboard._section(time.time() - when, run)
    assert "it may be gone" in dashboard._section(dashboard.SILENT_S + 1, run)
    assert "Ended" in dashboard._section(dashboard.SILENT_S + 1, run | {"ended": True})


def test_the_latest_runs_are_kept() -> None:
    shown = dashboard.Dashboard()
    shown._heard = {}
    for number in range(50):
        shown.log_event(dashboard.TOPIC, told(Status(Counts()), destination=str(number)))
    assert [run["destination"] for _, run in shown.runs()] == [str(n) for n in range(49, 29, -1)]


def test_a_scheduler_without_the_package_shows_nothing() -> None:
    class Strange:
        def register_plugin(self, _: object) -> None:
            raise ModuleNotFoundError("No module named 'redact_dask'")

    seen: list[Status] = []
    with dashboard_feed.publish_status(Strange(), "s3://fleet", None, seen.append) as observe:  # type: ignore[arg-type]
        observe(Status(Counts()))
    assert len(seen) == 1
