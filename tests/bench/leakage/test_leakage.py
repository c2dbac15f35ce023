"""How leakage is measured: on drawn pictures, and through the whole pipeline by the command."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from distributed import LocalCluster
from fixture_types import Ffmpeg, MakeClip
from plans import for_all
from program import invoke

from redact_dask import load_config
from redact_dask.bench.leakage import equal, measure
from redact_dask.bench.leakage import gate as gates
from redact_dask.bench.leakage.dataset import Dataset, read
from redact_dask.bench.leakage.metric import (
    Annotation,
    Judged,
    Luma,
    Rectangle,
    Sight,
    judge,
    mask,
    seen_hidden,
    summarise,
)
from redact_dask.config import EncodeSettings, RedactSettings
from redact_dask.media import index
from redact_dask.media.decode import frames
from redact_dask.media.encode import Encoder
from redact_dask.media.planes import luma
from redact_dask.pipeline import rendering
from redact_dask.records import Region, RegionOrigin
from redact_dask.redaction import hide, proof

FACE = Annotation("clip 0", (40, 20, 80, 60), 40, readable=True, label="face")
PLATE = replace(FACE, label="plate")
LABELS = ("face", "plate")
COVER: Rectangle = (36, 16, 84, 64)


def picture(seed: int = 1) -> Luma:
    return np.random.default_rng(seed).normal(120, 20, (120, 160)).astype(np.float32)


def noisy(luma: Luma) -> Luma:
    """Return what a good encoder makes of a picture."""
    return luma + np.random.default_rng(2).normal(0, 1.5, luma.shape).astype(np.float32)


def burned(luma: Luma, box: Rectangle) -> Luma:
    """Return the picture with one averaged cell."""
    hidden = luma.copy()
    hidden[mask([box], luma.shape)] = luma[mask([box], luma.shape)].mean()
    return hidden


def one(judged: Judged) -> Sight:
    (sight,) = judged.sights
    return sight


def test_a_face_is_protected_if_it_was_planned_and_burned_in() -> None:
    before = picture()
    judged = judge(0, [FACE], [COVER], before, noisy(burned(before, COVER)))
    assert one(judged).protected
    assert judged.outside_regions == 48 * 48 - 40 * 40
    assert judged.outside_pixels == pytest.approx(judged.outside_regions, rel=0.2)


def test_a_region_that_was_planned_and_not_burned_in_is_a_leak() -> None:
    before = picture()
    sight = one(judge(0, [FACE], [COVER], before, noisy(before)))
    assert sight.by_regions
    assert sight.by_pixels is False
    assert not sight.protected


def test_what_was_burned_in_and_not_planned_is_a_leak_and_over_blur() -> None:
    before = picture()
    judged = judge(0, [FACE], [], before, noisy(burned(before, COVER)))
    assert one(judged).by_pixels
    assert not one(judged).protected
    assert judged.outside_regions == 0
    assert judged.outside_pixels > 500


@pytest.mark.parametrize(("lower", "protected"), [(56, True), (55, False)])
def test_nine_tenths_of_the_box_must_be_covered(lower: float, protected: bool) -> None:
    before = picture()
    cover: Rectangle = (0, 0, 160, lower)
    sight = one(judge(0, [FACE], [cover], before, burned(before, cover)))
    assert sight.by_regions is protected


def test_a_face_without_detail_is_left_to_the_regions() -> None:
    before = picture()
    before[10:70, 30:90] = 120
    sight = one(judge(0, [FACE], [COVER], before, before))
    assert sight.by_pixels is None
    assert sight.protected
    assert not one(judge(0, [FACE], [], before, before)).protected


def test_flat_skin_does_not_make_an_open_face_look_hidden() -> None:
    before = picture()
    before[24:56, 44:76] = 120
    before[35:40, 50:70] = 90
    assert one(judge(0, [FACE], [COVER], before, noisy(before))).by_pixels is False


def test_unreadable_faces_and_those_outside_the_picture_do_not_count() -> None:
    before = picture()
    outside = replace(FACE, box=(200, 20, 240, 60))
    judged = judge(0, [replace(FACE, readable=False), outside], [], before, before)
    assert judged.sights == ()


def test_another_label_neither_protects_nor_counts_as_over_blur() -> None:
    before = picture()
    after = burned(before, COVER)
    seen = judge(0, [FACE], [], before, after, beside=[COVER])
    assert not one(seen).protected
    assert (seen.outside_regions, seen.outside_pixels) == (0, 0)
    # Where both are planned, the label has its own share of what is hidden.
    both = judge(0, [FACE], [COVER], before, after, beside=[COVER])
    assert both == judge(0, [FACE], [COVER], before, after)


def test_what_covers_an_unreadable_face_is_no_over_blur() -> None:
    before = picture()
    judged = judge(0, [replace(FACE, readable=False)], [FACE.box], before, before)
    assert judged.outside_regions == 0


def sight(track: str, frame: int, protected: bool, height: float = 30) -> Sight:
    return Sight(track, frame, height, protected, None)


def test_the_summary_counts_tracks_runs_and_heights() -> None:
    sights = [sight("a", frame, frame not in {3, 4, 5, 9}) for frame in range(10)]
    sights += [sight("b", frame, False, 90) for frame in range(20, 27)]
    sights += [sight("c", frame, True, 12) for frame in range(3)]
    found = summarise([Judged((each,), 100, 540, 10, 5) for each in sights], "face")
    assert (found.sights, found.tracks, found.tracks_exposed) == (20, 3, 2)
    assert found.leakage == pytest.approx(11 / 20)
    assert (found.longest_exposure, found.longest_exposure_of_found) == (7, 3)
    heights = {each.name: (each.sights, each.leakage) for each in found.by_height}
    assert heights == {"below 16 px": (3, 0), "24-40 px": (10, 0.4), "80+ px": (7, 1)}
    assert (found.over_blur, found.over_blur_by_pixels) == (0.1, 0.05)


def test_plates_have_heights_of_their_own() -> None:
    sights = [sight("a", 0, True, height) for height in (8, 12, 15, 20, 30, 50)]
    found = summarise([Judged(tuple(sights), 100, 540, 10, 5)], "plate")
    assert [(each.name, each.sights) for each in found.by_height] == [
        ("below 12 px", 1),
        ("12-16 px", 2),
        ("16-24 px", 1),
        ("24-40 px", 1),
        ("40+ px", 1),
    ]


def test_nothing_leaks_where_there_is_nothing() -> None:
    assert summarise([], "face").leakage == 0


@pytest.mark.parametrize("crf", [20, 32])
@pytest.mark.parametrize("style", [None, "pixelate", "gaussian", "solid"])
def test_encoded_pixels_tell_hidden_from_open(carphone: Path, crf: int, style: str | None) -> None:
    """The face of the real clip lies within this box on its first frames."""
    region = Region(0, 0, 56, 24, 128, 120, RegionOrigin.DETECTED, "face", "told")
    scanned = index.scan(str(carphone), EncodeSettings())
    (chunk,) = scanned.chunks(1000)
    content = io.BytesIO()
    encoder = Encoder(scanned.info, EncodeSettings(crf=crf), content)
    sources = []
    for number, frame in enumerate(frames(str(carphone), scanned.info, chunk)):
        if number < 20:
            sources.append(luma(frame).astype(np.float32))
            if style:
                hide.hide(frame, [region], for_all(RedactSettings(style=style)))
            encoder.add(frame)
    segment = carphone.with_name(f"{style}-{crf}.mkv")
    encoder.finish()
    segment.write_bytes(content.getvalue())
    box = mask([(60, 28, 124, 116)], sources[0].shape)
    around = ~mask([(region.x0, region.y0, region.x1, region.y1)], sources[0].shape)
    for before, after in zip(sources, measure.pictures(str(segment)), strict=True):
        hidden, decided = seen_hidden(before, after, around)
        share = hidden[box].sum() / decided[box].sum()
        assert share > 0.98 if style else share < (0.05 if crf == 20 else 0.2), share


# The command


@pytest.fixture
def data(tmp_path: Path, make_clip: MakeClip, ffmpeg: Ffmpeg) -> Path:
    """A dataset: the moving square, annotated with a little of its surroundings, and no square."""
    folder = tmp_path / "data"
    make_clip(folder / "square.mp4", frames=30, audio=False, still=False)
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=30",
        "-vf",
        "hue=s=0",
        "-frames:v",
        "30",
        folder / "empty.mp4",
    )
    rows = ["clip,frame,track,x0,y0,x1,y1,height,readable"]
    rows += [
        f"square.mp4,{frame},1,{9 + 2 * frame},57,{55 + 2 * frame},103,46,1" for frame in range(30)
    ]
    (folder / "truth.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def here() -> Iterator[list[str]]:
    """Settings for workers in this very process, and the scripted detector."""
    local = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **local) as cluster:
        settings = [f"cluster.address={cluster.scheduler_address}", "detect.detectors=[magenta]"]
        settings += ["encode.preset=ultrafast", "track.margin=0.15"]
        yield [part for setting in settings for part in ("--set", setting)]


def run(*arguments: str | Path) -> Result:
    return invoke("bench", "leakage", *arguments)


def figures(result: Result, label: str = "face") -> dict[str, dict[str, Any]]:
    """Return the figures of a label, by the name of the configuration."""
    found = json.loads(result.stdout.splitlines()[-1])
    own = ((each, each["labels"][label]) for each in found["results"])
    return {each["name"]: each | figures | figures["leakage"] for each, figures in own}


def test_configurations_are_compared(data: Path, here: list[str], tmp_path: Path) -> None:
    (tmp_path / "hidden.yaml").write_text("redact: {style: solid}\n")
    (tmp_path / "open.yaml").write_text("track: {start: 1, extend: 1}\n")
    files = ["--config", tmp_path / "hidden.yaml", "--config", tmp_path / "open.yaml"]
    result = run("--dataset", data, "--face-free", "empty.mp4", *files, *here, "--json")
    assert result.exit_code == 0, result.output
    found = figures(result)
    assert list(found) == ["hidden", "open"]
    assert found["hidden"]["leakage"] == 0
    assert 0 < found["hidden"]["over_blur"] < 0.03
    assert found["open"]["leakage"] == 1
    assert found["open"]["longest_exposure"] == 30
    assert [found[name]["touched"] for name in found] == [0, 0]
    assert "leakage, 30 readable faces" in result.stdout
    assert "40-80 px, 30" in result.stdout


def test_configurations_are_compared_where_they_hide_equally_much(
    data: Path, here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equal, "_HALVINGS", 2)
    result = run("--dataset", data, "--over-blur", "2", *here, "--json")
    assert result.exit_code == 0, result.output
    (name,) = figures(result)
    assert re.fullmatch(r"defaults, start 0\.[0-9]{2}", name)


def test_in_a_folder_that_is_used_again_only_the_newest_copies_count(
    data: Path, here: list[str], tmp_path: Path
) -> None:
    def over_blur(margin: float) -> float:
        settings = load_config(assignments=[*here[1::2], f"track.margin={margin}"])
        found = measure.measure_in(tmp_path / "used", read(data, []), "", settings, None)
        return found.labels["face"].leakage.over_blur

    narrow = over_blur(0.15)
    assert over_blur(0.5) > narrow
    assert over_blur(0.15) == narrow


def test_what_a_zone_covers_is_protected(data: Path, here: list[str]) -> None:
    zones = "zones=[{hide: [[[0, 0.2], [1, 0.6]]]}]"
    never = ["--set", "track.start=1", "--set", "track.extend=1"]
    result = run("--dataset", data, *here, *never, "--set", zones, "--json")
    assert result.exit_code == 0, result.output
    found = figures(result)["defaults"]
    assert (found["leakage"], found["leakage_by_regions"], found["leakage_by_pixels"]) == (0, 0, 0)
    assert 0.3 < found["over_blur"] < 0.4


def test_pictures_of_each_size_are_told_apart(data: Path, here: list[str], ffmpeg: Ffmpeg) -> None:
    (data / "large").mkdir()
    double = ["-vf", "scale=iw*2:ih*2:flags=neighbor", "-g", "10", "-crf", "12"]
    ffmpeg("-i", data / "square.mp4", *double, data / "large" / "square.mp4")
    truth = data / "truth.csv"
    rows = [
        f"large/square.mp4,{frame},1,{4 * frame},94,{200 + 4 * frame},226,92,1"
        for frame in range(30)  # Far wider than the square: not protected.
    ]
    truth.write_text(truth.read_text() + "\n".join(rows) + "\n")
    result = run("--dataset", data, *here, "--json")
    assert result.exit_code == 0, result.output
    found = figures(result)["defaults"]
    pictures = {each["name"]: each["leakage"] for each in found["by_picture"]}
    assert [*pictures] == ["180p", "360p"]
    assert [each["leakage"] for each in pictures.values()] == [0, 1]
    assert found["leakage"] == 0.5
    assert "180p: leakage, 30 readable faces" in result.stdout
    assert "360p, faces of 80+ px" in result.stdout


def test_each_label_counts_by_itself(data: Path, here: list[str], tmp_path: Path) -> None:
    """The square is seen as a face: a plate in its place leaks, and its gate tells."""
    rows = (data / "truth.csv").read_text().splitlines()
    truth = tmp_path / "truth of plates.csv"
    plates = [f"{rows[0]},label", *(f"{row},{label}" for row in rows[1:] for label in LABELS)]
    truth.write_text("\n".join(plates) + "\n")
    gate = tmp_path / "gate.yaml"
    gate.write_text("leakage: 1\nlongest_exposure: 30\nlabels: {plate: {leakage: 0.1}}\n")
    result = run("--dataset", data, "--truth", truth, *here, "--json", "--gate", gate)
    assert result.exit_code == 4, result.output
    faces, plates = (figures(result, label)["defaults"] for label in LABELS)
    assert (faces["leakage"], plates["leakage"]) == (0, 1)
    assert faces["over_blur"] > 0
    assert plates["over_blur"] == 0
    assert plates["over_blur_by_pixels"] < 1e-4
    assert "plate: leakage, 30 readable things" in result.stdout
    assert json.loads(result.stdout.splitlines()[-1])["gate"] == [
        "defaults: leakage of plate is 1, more than 0.1"
    ]


def test_what_was_planned_and_not_burned_in_leaks_and_fails_the_gate(
    data: Path, here: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate.yaml"
    gate.write_text("leakage: 0.05\nover_blur: 0.05\nlongest_exposure: 3\n")
    arguments = ["--dataset", data, *here, "--json", "--gate", gate]
    good = run(*arguments)
    assert good.exit_code == 0, good.output
    monkeypatch.setattr(rendering.hide, "hide", lambda *_: None)
    assert run(*arguments).exit_code == 3  # The proof before publishing quarantines it.
    monkeypatch.setattr(proof, "shown", lambda *_: [])
    result = run(*arguments)
    assert result.exit_code == 4
    found = figures(result)["defaults"]
    assert (found["leakage_by_regions"], found["leakage_by_pixels"]) == (0, 1)
    assert found["leakage"] == 1
    assert "gate: defaults: leakage is 1, more than 0.05" in result.stdout
    assert "gate: defaults: longest_exposure is 30, more than 3" in result.stdout
    assert "over_blur is" not in result.stdout
    assert len(json.loads(result.stdout.splitlines()[-1])["gate"]) == 2


def test_the_gate_in_the_documents_is_one(data: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "pages" / "leakage.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    gate = tmp_path / "gate.yaml"
    gate.write_text(shown)
    thresholds = gates.read(gate, Dataset(data, {"a": {0: [PLATE]}}, ("empty.mp4",)))
    assert None not in thresholds.model_dump().values()


def test_a_speed_that_is_too_low_fails_the_gate(
    data: Path, here: list[str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate.yaml"
    gate.write_text("frames_per_second: 1000000\n")
    result = run("--dataset", data, *here, "--gate", gate)
    assert result.exit_code == 4
    assert "less than 1e+06" in result.stdout


def test_a_clip_that_is_quarantined_is_told(data: Path, here: list[str]) -> None:
    (data / "empty.mp4").write_text("no video")
    result = run("--dataset", data, "--face-free", "empty.mp4", *here)
    assert result.exit_code == 3
    assert "Error: empty.mp4 is quarantined in probe" in result.stderr


HEADER = "clip,frame,track,x0,y0,x1,y1,height,readable\n"
LABELLED = "clip,frame,track,x0,y0,x1,y1,height,readable,label\n"
ROW = "square.mp4,3,1,10,10,50,50,40,1\n"


@pytest.mark.parametrize(
    ("truth", "arguments", "sentence"),
    [
        (None, [], "cannot read the truth"),
        ("clip,frame\nsquare.mp4,3\n", [], "has no column height, readable, track, x0"),
        (HEADER, [], "names nothing that is to be hidden"),
        (HEADER + ROW.replace("3", "three"), [], "line 2: invalid literal"),
        (HEADER + ROW + ROW.replace(",50", ",5", 1), [], "line 3: a box needs"),
        (HEADER + ROW.replace(",40,1", ",40,yes"), [], "line 2: readable is 'yes'"),
        (HEADER + ROW.replace("square", "other"), [], "there is no clip other.mp4 in"),
        (HEADER + ROW, ["--face-free", "none.mp4"], "there is no clip none.mp4 in"),
        (HEADER + ROW, ["--face-free", "square.mp4"], "has something on it"),
        (HEADER + ROW, ["--truth", "{gates}/no.csv"], "cannot read the truth .*no.csv"),
        (LABELLED + "square.mp4,3,1,10,10,50,50,40,1,\n", [], "line 2: label is empty"),
        (HEADER + ROW, ["--gate", "{gates}/missing"], "cannot read the gate"),
        (HEADER + ROW, ["--gate", "{gates}/plates"], "has labels.plate, but the truth has no"),
        (
            HEADER + ROW,
            ["--gate", "{gates}/unknown"],
            "leak: unknown; known here: leakage",
        ),
        (HEADER + ROW, ["--gate", "{gates}/percent"], "leakage: .*less than or equal to 1"),
        (HEADER + ROW, ["--gate", "{gates}/list"], "it: .*dictionary"),
        (HEADER + ROW, ["--gate", "{gates}/touched"], "needs a clip named by --face-free"),
        (
            HEADER + ROW,
            ["--config", "{gates}/a.yaml", "--config", "{gates}/b/a.yaml"],
            "two --config files or profiles would give columns of the same name",
        ),
    ],
)
def test_a_wrong_dataset_or_gate_is_one_clear_sentence(
    data: Path, tmp_path: Path, truth: str | None, arguments: list[str], sentence: str
) -> None:
    gates = {
        "unknown": "leak: 0.1",
        "percent": "leakage: 5",
        "list": "- 5",
        "touched": "touched: 0",
        "plates": "labels: {plate: {leakage: 0}}",
    }
    for name, content in gates.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "b").mkdir()
    for file in (tmp_path / "a.yaml", tmp_path / "b" / "a.yaml"):
        file.write_text("track: {margin: 0.2}\n")
    (data / "truth.csv").unlink()
    if truth is not None:
        (data / "truth.csv").write_text(truth)
    result = run("--dataset", data, *(part.format(gates=tmp_path) for part in arguments))
    assert result.exit_code == 2, result.output
    assert re.search(sentence, result.stderr.replace("\n", " "))
    assert result.stdout == ""


def test_the_truth_is_that_of_one_stream(data: Path, ffmpeg: Ffmpeg) -> None:
    square = data / "square.mp4"
    both = square.with_name("both.mp4")
    ffmpeg("-i", square, "-map", "0:v", "-map", "0:v", "-c", "copy", both)
    both.replace(square)
    result = run("--dataset", data)
    assert result.exit_code == 2, result.output
    told = " ".join(result.stderr.split())
    assert "square.mp4: it has 2 video streams; split it into one each" in told
