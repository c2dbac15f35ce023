"""What ``verify`` prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import signing
from folders import written
from program import invoke
from sealed import Fleet, flip

from redact_dask import config
from redact_dask.manifest import seals, signatures


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet(tmp_path)
    made.publish("run-1", "a.mp4", "b.mp4")
    return made


def test_all_is_well_and_nothing_is_touched(fleet: Fleet, tmp_path: Path) -> None:
    before = written(tmp_path)
    result = invoke("verify", fleet.destination, fleet.source)
    assert result.exit_code == 0, result.output
    (seal,) = seals.read(fleet.root)
    assert result.stdout.splitlines() == [
        "checked    1 seals, 2 files of the manifest, 2 copies (0.0 MB), 2 sources: no problems",
        f"seal       run-1-000000.json {seal.sha256}",
    ]
    assert written(tmp_path) == before
    assert invoke("verify", fleet.destination, "--seal", seal.sha256).exit_code == 0


def test_what_is_found_has_a_line_each_and_exit_code_4(fleet: Fleet) -> None:
    flip(fleet.path("a.mp4"))
    fleet.path("c\nchecked.mp4").touch()
    result = invoke("verify", fleet.destination, "--json")
    assert result.exit_code == 4
    added, altered, checked, _, told = result.stdout.splitlines()
    assert added.startswith(r"added      c\nchecked.mp4: no run has published it")
    assert altered.startswith("altered    a.mp4: its SHA-256 is ")
    assert checked.endswith(": 2 problems")
    assert json.loads(told)["problems"] == 2
    assert [found["kind"] for found in json.loads(told)["findings"]] == ["added", "altered"]


def test_only_sources_that_may_be_deleted_are_printed(fleet: Fleet) -> None:
    flip(fleet.path("a.mp4"))
    fleet.publish("run-2", "c\nb.mp4")
    result = invoke("verify", fleet.destination, fleet.source, "--deletable")
    assert result.exit_code == 4
    assert result.stdout == f"{fleet.source}/b.mp4\n"
    assert "altered    a.mp4" in result.stderr


def test_the_manifest_alone(fleet: Fleet) -> None:
    result = invoke("verify", fleet.root)
    assert result.exit_code == 0
    assert "2 files of the manifest, no copy: no problems" in result.stdout


def test_settings_that_are_given_are_those_that_count(fleet: Fleet) -> None:
    solid = config.validate({"redact": {"style": "solid"}}).fingerprint
    fleet.publish("run-2", "c.mp4", fingerprint=solid)
    result = invoke("verify", fleet.destination, "--set", "redact.style=solid")
    assert result.exit_code == 4
    assert result.stdout.count("outdated") == 2
    assert f"made with the settings fedcba9876543210, not {solid}" in result.stdout


def test_a_key(fleet: Fleet, tmp_path: Path) -> None:
    private, file = signing.make_keys(tmp_path)
    fleet.publish("run-2", "c.mp4", key=signatures.private_key(str(private)))
    assert invoke("verify", fleet.destination, "--public-key", file).exit_code == 0
    signing.make_keys(tmp_path)
    result = invoke("verify", fleet.destination, "--public-key", file)
    assert result.exit_code == 4
    assert result.stdout.count("unsigned") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["{source}", "{destination}"], "holds no manifest", id="wrong order"),
        pytest.param(["{destination}", "--deletable"], "needs a SOURCE", id="no source"),
        pytest.param(["{root}", "{source}", "--deletable"], "a manifest alone", id="no copies"),
        pytest.param(["{destination}", "--seal", "ab"], "64 hexadecimal digits", id="no hash"),
        pytest.param(["{destination}", "--since-version", "x"], "such as 0.3", id="no version"),
        pytest.param(["{destination}", "--public-key", "none.pem"], "none.pem", id="no key"),
        pytest.param(["{destination}", "--set", "redact.stile=x"], "redact.stile", id="setting"),
        pytest.param(["{destination}", "nowhere"], "nowhere does not exist", id="no such source"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, fleet: Fleet
) -> None:
    result = invoke("verify", *[argument.format(**vars(fleet)) for argument in arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr
