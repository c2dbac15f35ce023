"""The command and its page: what they tell, what they keep out, and how large they become."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from fixture_types import WriteRows
from made_up import FAILED, TASK, VIDEO, later
from program import invoke
from project import ROOT
from published_rows import write_many
from report_page import images, text

from redact_dask import manifest, report, storage
from redact_dask.audit import answers, audits, result
from redact_dask.storage import layout


def reported(*arguments: object) -> Result:
    return invoke("report", *arguments)


def test_the_command_tells_a_real_run(night: Any, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "page.html"
    result = reported(night.destination, "--output", output)
    assert result.exit_code == 0, result.output
    assert f"report {output}" in " ".join(result.stdout.split())
    page = output.read_text(encoding="utf-8")
    told = text(page)
    assert "2 videos redacted 1 quarantined : nothing of it is published" in told
    assert "Video 4.0 s Frames 120 Faces hidden 2" in told
    assert "blue.mp4 detect RuntimeError: the scripted detector" in told
    assert "car <b>1<br> & co/b.mkv" in told
    assert not images(page)


def test_nothing_but_the_manifest_is_read_without_frames(
    night: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(
        storage, "read", lambda url, real=storage.read: (read.append(url), real(url))[1]
    )
    report.render(str(night.destination))
    assert read
    assert all("/_manifest/videos/" in url or "/_manifest/chunks/" in url for url in read)


def test_the_bound_of_the_last_audit_with_answers_is_told(tmp_path: Path) -> None:
    destination = write_many(tmp_path, 40)
    assert "leak" not in text(report.render(destination))
    audit = audits.opened(destination, 200, 1)
    writer = answers.Writer(audit, "ann")
    for item in audit.items[:60]:
        writer.add(answers.Answer("ann", later(1), item.item, answers.Verdict.CLEAN))
    writer.close()
    audits.opened(destination, 200, 2)  # Nobody has judged it.
    told = text(report.render(destination))
    found = result.last(destination)
    assert found is not None
    assert found[1].bound < 0.1
    assert found[1].sentence in told
    assert "60 of 200 frames are judged, by ann : 0 leaks, 0 unsure." in told.replace(
        "ann:", "ann :"
    )
    assert "from the 40 videos" in told


# Text of others

NASTY = '</script><script>alert(1)</script><img src=x onerror="alert(2)">"\'&'


def test_text_of_the_manifest_is_no_markup(write: WriteRows) -> None:
    nasty = {"source": f"s3://fleet/{NASTY}.mp4", "why_encoded": NASTY}
    failed = FAILED | nasty | {"stage": NASTY, "reason": NASTY, "error": NASTY}
    other = failed | {"source": "s3://fleet/b.mp4", "error": "Another"}
    task = {"host": NASTY, "worker": NASTY, "seconds": [(NASTY, 1.0)]}
    destination = write(NASTY.replace("/", ""), nasty, failed, other, tasks=(task,))
    page = report.render(destination)
    assert page.count("<script") == page.count("</script>") == 1
    assert "<img" not in page
    assert text(page).count(NASTY) >= 7


def test_the_page_may_load_nothing(write: WriteRows) -> None:
    page = report.render(write("run-1", {}))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2]
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    assert "url(" not in page
    assert "@import" not in page


# What is not there


@pytest.mark.parametrize("made", [False, True])
def test_a_destination_without_a_run_is_one_sentence(made: bool, tmp_path: Path) -> None:
    destination = tmp_path / "empty"
    if made:
        destination.mkdir()
    result = reported(destination, "--output", tmp_path / "page.html")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert f"{destination} holds no manifest of a run" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()
    assert destination.exists() == made


def test_unknown_runs_and_outputs_that_cannot_be_written(write: WriteRows, tmp_path: Path) -> None:
    destination = write("run-1", {})
    result = reported(destination, "--run", "run-2", "--output", tmp_path / "page.html")
    assert result.exit_code == 2
    assert "no run 'run-2' has tried a video; the last ones: run-1" in result.stderr
    assert reported(destination, "--frames", "1000").exit_code == 2
    result = reported(destination, "--output", tmp_path)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_a_run_that_published_nothing_has_a_page(write: WriteRows) -> None:
    unknown = dict.fromkeys(("frames", "duration_s", "written", "seconds"))
    told = text(report.render(write("run-1", FAILED | unknown), frames=3))
    assert "No video redacted 1 quarantined" in told
    assert "No task has ended." in told
    assert "Nothing was hidden, so there is nothing to look at." in told


def test_runs_are_told_apart(write: WriteRows) -> None:
    write("run-1", FAILED, {"source": "s3://fleet/b.mp4"})
    destination = write("run-2", {"finished": VIDEO["finished"].replace(hour=23)})
    told = text(report.render(destination))
    assert "1 video redacted None quarantined" in told
    assert "run run-2 , the last of 2" in told
    everything = text(report.render(destination, ["all"]))
    assert "2 videos redacted None quarantined · 1 more failed, and was published later" in (
        everything
    )
    assert "run run-1 , one of 2" in text(report.render(destination, ["run-1"]))


def test_a_manifest_on_s3(s3: str) -> None:
    destination = f"{s3}/reported"
    writer = manifest.Writer(layout.manifest(destination), "run-1")
    writer.add({"videos": [{"video": f"{0:016x}"} | VIDEO]})
    writer.add({"chunks": [{"video": f"{0:016x}"} | TASK]})
    writer.close()
    output = f"{s3}/pages/page.html"
    result = reported(destination, "--output", output)
    assert result.exit_code == 0, result.output
    assert "1 video redacted" in text(storage.read(output).decode())


# How large it becomes


@pytest.mark.slow
def test_a_hundred_thousand_videos_take_seconds_and_a_small_page(tmp_path: Path) -> None:
    destination = str(tmp_path / "redacted")
    count = 100_000
    failed = np.arange(count) % 100 == 7
    ids = pa.array([f"{number:016x}" for number in range(count)])
    columns: dict[str, Any] = {
        "video": ids,
        "source": pa.array([f"s3://fleet/{'deep/' * 40}{number}.mp4" for number in range(count)]),
        "seconds": np.random.default_rng(0).random(count) * 100,
        "reason": pa.array(["<&>" * 1000 if bad else None for bad in failed]),
        **{
            name: pa.array([str(FAILED[name]) if bad else None for bad in failed])
            for name in ("stage", "error")
        },
        "status": pa.array(["quarantined" if bad else "published" for bad in failed]),
    }
    _write_rows(destination, "videos", VIDEO, columns, count)
    tasks = {
        "video": pa.concat_arrays([ids] * 6),
        "host": pa.array([f"host-{number % 1000}" for number in range(6 * count)]),
    }
    _write_rows(destination, "chunks", TASK, tasks, 6 * count)

    began = time.monotonic()
    page = report.render(destination)
    assert time.monotonic() - began < 30
    assert len(page.encode()) < 2_000_000
    told = text(page)
    assert "99,000 videos redacted 1,000 quarantined" in told
    assert "The first 200 of 1,000; the manifest has all." in told
    assert "The first 50 of 100,000; the manifest has all." in told
    assert "The first 20 of 1,000; the manifest has all." in told


def _write_rows(
    destination: str, name: str, row: dict[str, Any], columns: dict[str, Any], count: int
) -> None:
    schema = manifest.SCHEMAS[name]
    same = pa.Table.from_pylist([{"run": "run-1"} | row], schema)
    arrays = [
        columns.get(field.name, same[field.name].take([0] * count).combine_chunks())
        for field in schema
    ]
    folder = Path(layout.manifest(destination)) / name
    folder.mkdir(parents=True)
    table = pa.table(dict(zip(schema.names, arrays, strict=True))).cast(schema)
    pq.write_table(table, folder / "run-1-000000-000000.parquet", row_group_size=50_000)


# What it stands on


def test_the_report_needs_neither_driver_nor_cluster() -> None:
    code = (
        "import sys, redact_dask.report; found = {'dask', 'distributed', 'redact_dask.driver'};"
        "print(sorted(found & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_wheel_holds_the_template(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel: it comes with [dev]")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for suffix in ("html", "css", "js"):
        assert f"redact_dask/report/page.{suffix}" in names
