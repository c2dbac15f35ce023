"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from distributed import Client

from redact_dask.cli.main import main

MakeClip = Callable[..., Path]


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def run(*arguments: str | Path) -> Result:
    return invoke("run", *arguments)


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_installed_program_redacts_and_ends_with_json(tmp_path: Path, clip: Path) -> None:
    program = Path(sys.executable).with_name("redact-dask")
    arguments = ["run", clip, tmp_path, "--workers", "1", "--detector", "magenta", "--json"]
    settings = ["--set", "chunk.seconds=1", "--set", "cluster.dashboard=127.0.0.1:0"]
    done = subprocess.run(
        [program, *arguments, *settings], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Dashboard: http://127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    counts = {"videos": 1, "published": 1, "quarantined": 0, "skipped": 0, "frames": 90, "faces": 1}
    assert counts.items() <= summary.items()
    assert 0 < summary["wall_s"] < 60
    assert (tmp_path / "clip.mp4").exists()


def test_quarantined_video_is_told_with_exit_code_3(
    tmp_path: Path, clip: Path, make_clip: MakeClip, client: Client
) -> None:
    source = make_clip(tmp_path / "source" / "blue.mp4", frames=30, blue_frame=20, audio=False)
    (source.parent / "text.mp4").write_text("This is no video.\n")
    address = client.scheduler.address
    settings = ["--detector", "magenta", "--set", f"cluster.address={address}"]
    settings += ["--set", "detect.options.magenta.on_blue=raise"]
    result = run(source.parent, tmp_path / "destination", *settings)
    assert result.exit_code == 3
    assert "quarantined blue.mp4 in detect: RuntimeError: the scripted detector" in result.stdout
    assert "quarantined text.mp4 in probe: it cannot be opened as a video" in result.stdout
    assert "0 published, 2 quarantined, 0 skipped, of 2 videos" in result.stdout
    assert not list((tmp_path / "destination").glob("*.mp4"))


def test_a_plan_touches_nothing(tmp_path: Path, clip: Path) -> None:
    before = files(tmp_path) | files(clip.parent)
    result = invoke("plan", clip, tmp_path / "destination", "--json")
    assert result.exit_code == 0
    assert "would redact clip.mp4" in result.stdout
    assert "90 frames, 3.0 s of video (1 of 1 videos probed)" in result.stdout
    told = json.loads(result.stdout.splitlines()[-1])
    # Of 90 frames every fourth one, the first of each of six GOPs, and the last.
    assert told.items() >= {"to_do": 1, "skipped": 0, "looks": 28, "dollars": 0.0}.items()
    assert told["tasks"] == 5
    assert told["cpu_hours"] == pytest.approx((28 * 0.057 + 90 * 0.0576 * 0.033) / 3600)
    assert "5 tasks, about 0.00 CPU hours" in result.stdout
    assert files(tmp_path) | files(clip.parent) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["{empty}", "{dest}"], ["no video found in", "{empty}"], id="empty source"),
        pytest.param(["{nowhere}", "{dest}"], ["{nowhere} does not exist"], id="no source"),
        pytest.param(["{nowhere}/*.mp4", "{dest}"], ["{nowhere}/*.mp4"], id="no match"),
        pytest.param(["{videos}", "{videos}/out"], ["{videos}/out", "inside"], id="inside"),
        pytest.param(["{videos}", "{videos}"], ["{videos}", "own folder"], id="same folder"),
        pytest.param(["{videos}/clip.mp4", "{videos}"], ["own folder"], id="same folder as file"),
        pytest.param(["{videos}", "{root}"], ["{videos}", "{root}", "inside"], id="around"),
        pytest.param(
            ["{videos}", "{dest}", "--config", "{wrong}"],
            ["redact.stile", "style, cells, radius"],
            id="wrong key",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--set", "redact.style=blurry"],
            ["redact.style", "pixelate"],
            id="wrong value",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--set", "detect.options.magenta.on_red=raise"],
            ["magenta", "on_red"],
            id="wrong option of a detector",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--set", "redact.style"],
            ["--set redact.style", "section.key=value"],
            id="no value",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--detector", "retina"],
            ["retina", "centerface", "magenta"],
            id="unknown detector",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--config", "{nowhere}.yaml"],
            ["{nowhere}.yaml", "No such file"],
            id="no configuration file",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--set", "cluster.address=tcp://127.0.0.1:1"],
            ["no cluster answers at tcp://127.0.0.1:1"],
            id="no cluster",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--set", "cluster.address=nonsense://1"],
            ["nonsense://1"],
            id="no protocol",
        ),
    ],
)
def test_wrong_usage_is_one_clear_sentence_and_exit_code_2(
    tmp_path: Path, clip: Path, arguments: list[str], words: list[str]
) -> None:
    places = {name: tmp_path / name for name in ("empty", "nowhere", "dest", "wrong")}
    places |= {"videos": clip.parent, "root": clip.parent.parent}
    places["empty"].mkdir()
    places["wrong"].write_text("redact:\n  stile: solid\n")
    before = files(tmp_path) | files(clip.parent)

    result = run(*[argument.format(**places) for argument in arguments])

    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    sentence = result.stderr.strip().splitlines()[-1]
    assert sentence.startswith("Error: ")
    for word in words:
        assert word.format(**places) in sentence
    assert result.stdout == ""
    assert files(tmp_path) | files(clip.parent) == before
