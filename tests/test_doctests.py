"""The examples in the package's docstrings."""

from __future__ import annotations

import doctest
import importlib

import pytest
from project import ROOT

MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted((ROOT / "redact_dask").rglob("*.py"))
    if ">>>" in file.read_text()
]


def test_there_are_examples() -> None:
    assert len(MODULES) >= 10


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
