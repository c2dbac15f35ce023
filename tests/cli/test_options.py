"""What options say becomes settings, for each verb that has them alike."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from redact_dask.cli.options import overrides_of, run_options, settings_options


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hide", "faces,magenta"],
        ["--hide", "faces, magenta"],
        ["--hide", "faces", "--hide", "magenta,faces"],
        ["--detector", "faces", "--detector", "magenta"],
    ],
)
@pytest.mark.parametrize(
    ("options", "places"), [(run_options, ["in", "out"]), (settings_options, [])]
)
def test_what_to_hide_is_named_by_its_detectors(
    options: Any, places: list[str], arguments: list[str]
) -> None:
    found: list[dict[str, Any]] = []

    @click.command()
    @options
    def verb(names: tuple[str, ...], **_: Any) -> None:
        found.append(overrides_of({"names": names}))

    assert CliRunner().invoke(verb, [*places, *arguments]).exit_code == 0
    assert found == [{"detect": {"detectors": ("faces", "magenta")}}]
