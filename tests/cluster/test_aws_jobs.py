"""The ready jobs of AWS Batch and SageMaker: AWS knows their fields, and their commands run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from fixture_types import MakeClip
from folders import names
from project import ROOT

JOBS = {
    "batch-job-definition": ("batch", "RegisterJobDefinition"),
    "batch-job": ("batch", "SubmitJob"),
    "sagemaker-processing-job": ("sagemaker", "CreateProcessingJob"),
}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "configs" / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", JOBS)
def test_aws_knows_all_that_a_job_says(name: str) -> None:
    service, operation = JOBS[name]
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    job = read(name)
    validate_parameters(job, shape)
    unknown(job, shape)


def unknown(given: Any, shape: Any) -> None:
    """Find names that a shape does not have: boto leaves them to the service."""
    if shape.type_name == "structure":
        assert {*given} <= {*shape.members}
        for name, value in given.items():
            unknown(value, shape.members[name])
    elif shape.type_name == "list":
        for value in given:
            unknown(value, shape.member)


def test_an_array_has_as_many_jobs_as_shards() -> None:
    job = read("batch-job")
    assert job["parameters"]["shards"] == str(job["arrayProperties"]["size"])
    assert job["jobDefinition"] == read("batch-job-definition")["jobDefinitionName"]
    assert {*job["parameters"]} == {*read("batch-job-definition")["parameters"]}


@pytest.mark.parametrize("name", ["batch-job-definition", "sagemaker-processing-job"])
def test_a_run_ends_gently_before_it_is_ended(name: str) -> None:
    text = json.dumps(read(name))
    limit = re.search(r'--time-limit[", ]+(\d+)', text)
    stop = re.search(r'"(?:MaxRuntimeInSeconds|attemptDurationSeconds)": (\d+)', text)
    assert limit
    assert stop
    assert 0 < int(limit[1]) < int(stop[1])


def call(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what a container would, with one worker and a detector of tests."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "redact-dask"
    options = "--detector magenta --workers 1 --set cluster.dashboard=127.0.0.1:0"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m redact_dask "$@" {options}\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        env=os.environ | {"PATH": path} | environment,
        text=True,
    )


@pytest.mark.slow
def test_the_jobs_of_an_array_make_all_videos(make_clip: MakeClip, tmp_path: Path) -> None:
    for number in range(4):
        make_clip(tmp_path / "raw" / f"{number}.mp4", frames=15, audio=False)
    chosen = {"source": f"{tmp_path}/raw", "destination": f"{tmp_path}/out", "shards": "2"}
    command = read("batch-job-definition")["containerProperties"]["command"]
    command = [chosen[word[5:]] if word.startswith("Ref::") else word for word in command]
    alone = call(command, tmp_path)
    assert alone.returncode == 2
    assert "no array job" in alone.stderr
    for index in range(2):
        done = call(command, tmp_path, AWS_BATCH_JOB_ARRAY_INDEX=str(index))
        assert done.returncode == 0, done.stderr
    assert names(tmp_path / "out", "*.mp4") == names(tmp_path / "raw", "*.mp4")


@pytest.mark.slow
def test_a_processing_job_makes_all_videos(make_clip: MakeClip, tmp_path: Path) -> None:
    make_clip(tmp_path / "raw" / "0.mp4", frames=15, audio=False)
    specification = read("sagemaker-processing-job")["AppSpecification"]
    command = [*specification["ContainerEntrypoint"], *specification["ContainerArguments"]]
    places = {"s3://raw/day": f"{tmp_path}/raw", "s3://redacted/day": f"{tmp_path}/out"}
    done = call([places.get(word, word) for word in command], tmp_path)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "out", "*.mp4") == ["0.mp4"]
