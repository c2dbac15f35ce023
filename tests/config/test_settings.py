"""Settings come from a file and from assignments; what is wrong is named."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from redact_dask.config import Config, load, validate
from redact_dask.errors import ConfigError


def test_later_settings_win_and_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("chunk: {seconds: 5}\nredact: {style: solid, cells: 2}\nwork: s3://b/work\n")
    config = load(file, ["redact.cells=3", "redact.radius=7"], {"redact": {"radius": 9}})
    assert config.chunk.seconds == 5
    assert (config.redact.style, config.redact.cells, config.redact.radius) == ("solid", 3, 9)
    assert config.work == "s3://b/work"
    assert config.encode == Config().encode


def test_assigned_values_are_yaml() -> None:
    config = load(
        assignments=[
            "detect.detectors=[centerface, magenta]",
            "detect.options.centerface.long_side=640",
            "detect.options.magenta={on_blue: raise}",
            "cluster.address=null",
        ]
    )
    assert config.detect.detectors == ("centerface", "magenta")
    assert config.detect.options == {
        "centerface": {"long_side": 640},
        "magenta": {"on_blue": "raise"},
    }
    assert config.cluster.address is None


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("# nothing\n")
    assert load(file) == load() == Config()


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("chunk.second=5", r"unknown configuration key chunk\.second; known here: seconds$"),
        (
            "chunks=5",
            r"unknown configuration key chunks; known here: profile, select, chunk, detect, track",
        ),
        ("track.gap=5", r"unknown configuration key track\.gap; known here: start, .*gap_s"),
        (
            "labels.plate.track.strat=0.5",
            r"unknown configuration key labels\.plate\.track\.strat; known here: start, extend",
        ),
        (
            "labels.plate.hid=false",
            r"unknown configuration key labels\.plate\.hid; known here: hide, track, redact$",
        ),
        (
            "labels.plate.redact.cells=9",
            r"configuration key labels\.plate\.redact\.cells: .*less than or equal to 8",
        ),
        ("chunk.seconds=long", r"configuration key chunk\.seconds: .*number"),
        ("chunk.seconds=0", r"configuration key chunk\.seconds: .*greater than 0"),
        ("chunk=5", r"configuration key chunk: "),
        ("redact.style=blur", r"configuration key redact\.style: .*pixelate.*gaussian.*solid"),
        ("redact.cells=9", r"configuration key redact\.cells: .*less than or equal to 8"),
        ("encode.crf=[1", r"--set encode\.crf=\[1: the value is not YAML"),
        ("encode.crf", r"--set encode\.crf: write it as section\.key=value"),
        ("=5", r"--set =5: write it as section\.key=value"),
        ("detect.detectors=[]", r"configuration key detect\.detectors: "),
        (
            "detect.detectors=[none]",
            r"no detector is called none; installed are: centerface, faces, fixed, magenta",
        ),
        (
            "detect.options.centerface.size=5",
            r"unknown configuration key detect\.options\.centerface\.size; known here: long_side",
        ),
        (
            "detect.options.centerface.threshold=5",
            r"configuration key detect\.options\.centerface\.threshold: .*less than or equal to 1",
        ),
    ],
)
def test_a_wrong_setting_is_named(assignment: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(assignments=[assignment])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"chunk: [1", "is not YAML"),
        (b"- chunk\n", "must be a mapping of sections"),
        (b"just text", "must be a mapping of sections"),
        (b"\xff\xfe\x00chunk", "cannot read the configuration|is not YAML"),
        (b"chunk:\n  second: 1\n", "unknown configuration key chunk.second"),
    ],
)
def test_a_wrong_file_is_named(content: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        load(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*missing\.yaml"):
        load(tmp_path / "missing.yaml")


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_shard_that_is_none_is_refused(shard: str) -> None:
    with pytest.raises(ConfigError, match="shard"):
        validate({"select": {"shard": shard}})


TLS = {"ca_file": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"address": "tcp://h:1", "workers": 4}, "cluster: address and workers exclude each other"),
        ({"address": "tcp://h:1", "class": "a.B"}, "cluster: address and class exclude each other"),
        ({"class": "a.B", "workers": 4}, "cluster: class and workers exclude each other"),
        ({"kwargs": {"image": "a"}}, "cluster: kwargs belongs to class, which is not set"),
        (
            {"address": "tcp://h:1", "adapt": {"maximum": 4}},
            "cluster: adapt belongs to class, which is not set",
        ),
        ({"security": TLS}, "cluster: security belongs to address or class"),
        ({"class": "KubeCluster"}, r"cluster\.class: String should match pattern"),
        (
            {"class": "a.B", "adapt": {"minimum": 0}},
            r"cluster\.adapt\.minimum: .*than or equal to 1",
        ),
        ({"address": "tls://h:1", "security": {"ca_file": "a"}}, r"cluster\.security\.cert: Field"),
        (
            {"address": "tls://h:1", "security": TLS | {"ca": "a"}},
            r"unknown configuration key cluster\.security\.ca; known here: ca_file, cert, key",
        ),
        ({"clas": "a.B"}, r"unknown configuration key cluster\.clas; known here: address, class, "),
        ({"wait_s": 0}, r"cluster\.wait_s: .*greater than 0"),
    ],
)
def test_a_cluster_comes_from_one_place(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate({"cluster": given})


@pytest.mark.parametrize(
    "assignment",
    [
        "chunk.seconds=3",
        "detect.detectors=[magenta]",
        "detect.options.faces.scale=0.5",
        "track.margin=0.5",
        "redact.cells=2",
        "encode.crf=30",
        "output.streams=first",
        "output.streams=[0]",
        "encode.codec=hevc",
        "labels.plate.hide=false",
        "labels.plate.track.start=0.5",
        "labels.plate.redact.style=solid",
    ],
)
def test_fingerprint_changes_with_what_decides_the_output(assignment: str) -> None:
    changed = load(assignments=[assignment])
    assert changed.fingerprint != Config().fingerprint
    decides_detections = assignment.startswith(("chunk", "detect"))
    same = changed.detection_fingerprint == Config().detection_fingerprint
    assert same != decides_detections


@pytest.mark.parametrize(
    "assignment",
    ["cluster.workers=3", "cluster.address=tcp://h:1", "driver.window=3", "work=s3://b/w"],
)
def test_fingerprint_stays_with_what_does_not(assignment: str) -> None:
    changed = load(assignments=[assignment])
    assert changed != Config()
    assert changed.fingerprint == Config().fingerprint
    assert changed.detection_fingerprint == Config().detection_fingerprint


def test_fingerprint_is_that_of_the_values_not_of_their_spelling() -> None:
    spelled = load(assignments=["chunk.seconds=10", "redact.style='pixelate'"])
    assert spelled.fingerprint == Config().fingerprint
    several = [load(assignments=[f"output.streams={given}"]) for given in ("[2, 0, 2]", "[0, 2]")]
    assert several[0].fingerprint == several[1].fingerprint


def test_what_is_not_set_for_a_label_is_as_for_all() -> None:
    config = load(
        assignments=["track.start=0.2", "labels.plate.track.margin=0.5", "redact.style=solid"]
    )
    assert config.track_of("face") == config.track
    assert config.track_of("plate") == config.track.model_copy(update={"margin": 0.5})
    assert config.redact_of("plate") == config.redact
    # A worker gets the settings pickled, and still knows which of them were given.
    assert pickle.loads(pickle.dumps(config)).track_of("plate") == config.track_of("plate")
    assert config.hides("plate")
    assert config.hides("face")


def test_a_label_that_is_treated_as_all_others_changes_no_fingerprint() -> None:
    same = ["labels.plate.hide=true", "labels.plate.track.start=0.3", "labels.text={}"]
    assert load(assignments=same).fingerprint == Config().fingerprint
    # What is not hidden is not tracked.
    noted = [load(assignments=["labels.plate.hide=false", more]) for more in same[1:]]
    assert noted[0].fingerprint == noted[1].fingerprint


def test_the_fingerprint_of_the_defaults_is_that_of_earlier_versions() -> None:
    """Else every published copy would be made again."""
    streams = load(assignments=["output.streams=all", "output.begin=kept"])
    assert streams.fingerprint == Config().fingerprint == "76e79a78d1cb0425"
    assert Config().detection_fingerprint == "7737d1089dd08454"


@pytest.mark.parametrize(
    ("given", "streams"),
    [("all", "all"), ("first", "first"), ("1", (1,)), ("[2, 0, 2]", (0, 2))],
)
def test_video_streams_are_chosen_by_word_or_number(given: str, streams: object) -> None:
    assert load(assignments=[f"output.streams={given}"]).output.streams == streams


@pytest.mark.parametrize("given", ["[]", "second", "true", "-1", "[0, -1]", "[a]", "[true]", "{}"])
def test_what_chooses_no_video_stream_is_named(given: str) -> None:
    with pytest.raises(ConfigError, match=r"output\.streams: give all, first, or numbers"):
        load(assignments=[f"output.streams={given}"])


@pytest.mark.parametrize(
    "file", sorted(Path(__file__).parents[2].glob("configs/*.yaml")), ids=lambda file: file.stem
)
def test_the_ready_configurations_are_right(file: Path) -> None:
    assert isinstance(load(file), Config)


def _shown(page: str, start: str) -> dict[str, Any]:
    """Return the settings of the first YAML block of a page that begins like this."""
    text = (Path(__file__).parents[2] / "docs" / "pages" / page).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return yaml.safe_load(next(block for block in blocks if block.startswith(start)))


def test_the_settings_in_the_documents_are_the_defaults() -> None:
    shown = _shown("configuration.md", "profile: ")
    # The detectors' options are left to each detector's own defaults.
    shown["detect"].pop("options")
    assert validate(shown) == Config()


def test_the_models_in_the_documents_are_those_of_the_ready_configuration() -> None:
    ready = load(Path(__file__).parents[2] / "configs" / "faces-and-plates.yaml")
    assert validate(_shown("detectors.md", "detect:")) == ready


def test_a_profile_is_what_other_settings_start_from(tmp_path: Path) -> None:
    assert load(overrides={"profile": "balanced"}) == Config() == load()
    fast = load(overrides={"profile": "fast"})
    assert fast.detect.every > Config().detect.every
    file = tmp_path / "settings.yaml"
    file.write_text("profile: thorough\ntrack: {extend: 0.05}\n")
    thorough = load(file, ["track.margin=0.4"])
    assert thorough.detect.every == 1
    assert thorough.track.start == 0.22
    assert thorough.track.extend == 0.05
    assert thorough.track.margin == 0.4
    assert load(file, ["detect.every=2"]).detect.every == 2
    assert load(file, overrides={"profile": "fast"}).detect.every == fast.detect.every


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ConfigError, match=r"configuration key profile: .*'thorough'"):
        load(assignments=["profile=best"])


def test_the_fingerprint_is_that_of_what_a_profile_means() -> None:
    spelled = load(assignments=["detect.every=6"])
    assert load(overrides={"profile": "fast"}).fingerprint == spelled.fingerprint
