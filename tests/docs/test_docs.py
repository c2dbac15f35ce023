"""What the documents tell to do works."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import confined
import nbformat
import pytest
from nbclient import NotebookClient
from standin import Standin

ROOT = Path(__file__).parents[2]
OURS = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
"""The search path: commands of the notebook are those of this environment."""


@pytest.mark.slow
def test_the_notebook_runs(
    standin: Callable[..., Standin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = standin("--latency", 0.1, "--faces", "centerface")
    monkeypatch.setenv("PATH", OURS)
    path = copy_notebook(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert_paid_and_published(notebook, service)


@pytest.mark.slow
@pytest.mark.skipif(bool(confined.missing()), reason=confined.missing())
def test_the_notebook_runs_without_root_where_only_home_can_be_written_to(
    standin: Callable[..., Standin], tmp_path: Path
) -> None:
    service = standin("--latency", 0.1, "--faces", "centerface")
    home = tmp_path / "home"
    home.mkdir()
    path = copy_notebook(home)
    jupyter = Path(sys.executable).with_name("jupyter-execute")
    variables = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    done = confined.run(
        [jupyter, "--inplace", "--timeout=200", path],
        home,
        {**variables, "HOME": str(home), "PATH": OURS},
    )
    assert done.returncode == 0, done.stderr
    assert_paid_and_published(nbformat.read(path, as_version=4), service)


def copy_notebook(folder: Path) -> Path:
    """Copy the notebook and what it imports, which lies beside it."""
    shutil.copy(ROOT / "examples" / "demo.py", folder)
    return Path(shutil.copy(ROOT / "examples" / "rekognition.ipynb", folder))


def assert_paid_and_published(notebook: nbformat.NotebookNode, service: Standin) -> None:
    told = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    calls = service.stats()["calls"]
    assert "2 published, 0 quarantined" in told
    assert f"{calls} frames to be looked at, ${calls / 1000:.2f}" in told
    assert f"{calls} calls for ${calls / 1000:.2f}" in told


def test_the_policy_allows_what_is_needed_and_no_more() -> None:
    policy = json.loads((ROOT / "configs" / "iam-policy.json").read_text())
    actions: set[str] = set()
    for statement in policy["Statement"]:
        listed = statement["Action"]
        actions |= {listed} if isinstance(listed, str) else {*listed}
        assert statement["Effect"] == "Allow"
        assert (statement["Resource"] == "*") == ("rekognition" in str(listed))
    assert actions == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "rekognition:DetectFaces",
        "rekognition:DetectLabels",
        "rekognition:DetectModerationLabels",
        "rekognition:DetectText",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
