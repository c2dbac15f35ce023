"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from distributed import Client
from fixture_types import MakeClip
from folders import written
from program import invoke

from redact_dask.cli.main import main


def run(*arguments: str | Path) -> Result:
    return invoke("run", *arguments)


def test_installed_program_redacts_and_ends_with_json(tmp_path: Path, short: Path) -> None:
    program = Path(sys.executable).with_name("redact-dask")
    arguments = ["run", short, tmp_path, "--workers", "1", "--detector", "magenta", "--json"]
    settings = ["--set", "chunk.seconds=0.5", "--set", "cluster.dashboard=127.0.0.1:0"]
    done = subprocess.run(
        [program, *arguments, *settings], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Dashboard: http://127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    counts = {"videos": 1, "published": 1, "quarantined": 0, "skipped": 0, "frames": 30, "faces": 1}
    assert counts.items() <= summary.items()
    assert 0 < summary["wall_s"] < 60
    assert (tmp_path / "clip.mp4").exists()


def test_seconds_count_from_the_start_of_the_command(
    tmp_path: Path, clip: Path, client: Client
) -> None:
    address = client.scheduler.address
    reach = ["--detector", "magenta", "--set", f"cluster.address={address}", "--json"]
    for published in (1, 0):  # The second run finds nothing to do.
        began = time.monotonic() - 100
        done = CliRunner().invoke(main, ["run", str(clip), str(tmp_path), *reach], obj=began)
        summary = json.loads(done.stdout.splitlines()[-1])
        assert summary["published"] == published
        assert 100 < summary["wall_s"] < time.monotonic() - began


def test_the_command_began_before_it_loaded_anything() -> None:
    program = (
        "import time\n"
        "before = time.monotonic()\n"
        "from redact_dask import __main__ as entry\n"
        "from redact_dask.cli import main as cli\n"
        "loaded = time.monotonic()\n"
        "cli.main = lambda obj, **_: print(before <= obj < loaded)\n"
        "entry.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout == b"True\n"


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
    assert (
        "quarantined blue.mp4 in detect (fault of the host): RuntimeError: the scripted detector"
        in result.stdout
    )
    assert (
        "quarantined text.mp4 in probe (fault of the video): it cannot be opened as a video"
        in result.stdout
    )
    assert "0 published, 2 quarantined, 0 skipped, of 2 videos" in result.stdout
    assert not list((tmp_path / "destination").glob("*.mp4"))


def test_a_name_with_a_line_break_forges_no_line(tmp_path: Path, client: Client) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.mp4\n9 published, 0 quarantined.mp4").write_text("This is no video.\n")
    address = client.scheduler.address
    result = run(source, tmp_path / "destination", "--set", f"cluster.address={address}")
    assert result.exit_code == 3
    assert r"quarantined a.mp4\n9 published, 0 quarantined.mp4 in probe" in result.stdout
    assert not [line for line in result.stdout.splitlines() if line.startswith("9 published")]


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
            ["{videos}", "{dest}", "--hide", "faces,cars"],
            ["no detector is called cars", "centerface, faces", "magenta"],
            id="unknown thing to hide",
        ),
        pytest.param(
            ["{videos}", "{dest}", "--hide", "faces,"],
            ["--hide", "a name is empty"],
            id="nothing to hide",
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
    before = written(tmp_path) | written(clip.parent)

    result = run(*[argument.format(**places) for argument in arguments])

    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    sentence = result.stderr.strip().splitlines()[-1]
    assert sentence.startswith("Error: ")
    for word in words:
        assert word.format(**places) in sentence
    assert result.stdout == ""
    assert written(tmp_path) | written(clip.parent) == before
