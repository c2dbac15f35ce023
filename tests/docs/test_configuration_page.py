"""The page of all settings is what its generator writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from redact_dask.config import Config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    file = ROOT / "docs" / "generate_configuration.py"
    spec = importlib.util.spec_from_file_location("generate_configuration", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_generator_writes(generator: ModuleType) -> None:
    told = "run `python docs/generate_configuration.py` and commit the page"
    assert generator.PAGE.read_text() == generator.page(), told


def test_every_section_and_every_key_is_there(generator: ModuleType) -> None:
    page = generator.page()
    for name, field in Config.model_fields.items():
        assert f": `{name}`\n" in page or f"| `{field.alias or name}` |" in page, name


def test_public_keys_and_inherited_options_are_named(generator: ModuleType) -> None:
    page = generator.page()
    encode = page.split(": `encode`\n")[1].split("\n### ")[0]
    assert "| `copy` | `auto` | `auto`, `never` |" in encode
    assert "copy_spans" not in page
    assert "| `class` | none |" in page
    centerface = page.split(": `detect.options.centerface`\n")[1].split("\n### ")[0]
    assert "| `long_side` | none | pixels |" in centerface
    assert "| `scale` | `0.667` | share of the picture |" in centerface
    yolo = page.split(": `detect.options.yolo`\n")[1].split("\n### ")[0]
    assert "| `sha256` | required |" in yolo
