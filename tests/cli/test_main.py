"""The root of the command line lists the verbs without loading what they need."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from program import invoke

from redact_dask.cli.main import main

HEAVY = {"av", "botocore", "cv2", "dask", "distributed", "numpy", "openvino", "pyarrow", "pydantic"}
"""Libraries that take a tenth of a second or more to load."""


@pytest.mark.parametrize("arguments", [["--help"], ["bench", "--help"], ["--version"]])
def test_help_loads_no_library_of_a_run(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from redact_dask.__main__ import main\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout
    assert HEAVY.isdisjoint(done.stderr.split())


def test_the_package_itself_loads_no_library() -> None:
    program = "import sys, redact_dask; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert HEAVY.isdisjoint(done.stdout.split())


def test_each_verb_is_listed_and_can_be_called() -> None:
    for group, words in ((main, []), (main.commands["bench"], ["bench"])):
        assert isinstance(group, click.Group)
        with click.Context(group) as context:
            verbs = group.list_commands(context)
            listed = invoke(*words, "--help").stdout.partition("Commands:")[2]
            for verb in verbs:
                command = group.get_command(context, verb)
                assert command is not None
                assert command.name == verb
                assert f"\n  {verb} " in listed
    assert verbs == ["leakage", "sizes"]
