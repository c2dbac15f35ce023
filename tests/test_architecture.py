"""The rooms of the package: imports go down only, and no module outgrows a few screens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "redact_dask"

FLOORS = (
    {"__init__", "__main__"},
    {"cli"},
    {"bench"},
    {"api"},
    {"driver"},
    {"cluster"},
    {"pipeline"},
    {"review"},
    {"report", "evidence", "tracking", "redaction"},
    {"audit"},
    {"sources", "media", "pages"},
    {"config"},
    {"detectors", "manifest"},
    {"monitoring", "storage"},
    {"records"},
    {"errors", "scaling", "validation", "versions"},
)
"""From the top down: a room may import rooms of lower floors only, never of its own or above."""

LONGEST = 300
"""Lines of a module."""


def name_of(file: Path) -> str:
    """Return the dotted name of a module below the package; ``storage`` for its ``__init__``."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports(file: Path) -> Iterator[str]:
    """Yield the names of the package's modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "redact_dask":
            inside = (node.module or "").partition(".")[2]
            for alias in node.names:
                name = f"{inside}.{alias.name}".strip(".")
                yield name if name in MODULES else inside or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("redact_dask."):
                    yield alias.name.partition(".")[2]


def floor(module: str) -> int:
    """Return the number of a module's floor, from the top."""
    room = module.partition(".")[0]
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"{room} is a new room: give it a floor here and in docs/pages/architecture.md"
    return found[0]


def wrong_arrows(module: str, imported: list[str]) -> list[str]:
    """Return a sentence for each import that does not go down."""
    room = module.partition(".")[0]
    return [
        f"{module} imports {other}: {other.partition('.')[0]} does not lie below {room}, and "
        "imports go down only (docs/pages/architecture.md)"
        for other in imported
        if other.partition(".")[0] != room and floor(other) <= floor(module)
    ]


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    assert not wrong_arrows(module, [*imports(MODULES[module])])


def test_an_import_that_goes_up_is_named() -> None:
    (up,) = wrong_arrows("media.decode", ["records", "driver.run", "media.demux"])
    assert up.startswith("media.decode imports driver.run: driver does not lie below media")
    (beside,) = wrong_arrows("tracking.tracker", ["redaction.hide"])
    assert "redaction does not lie below tracking" in beside


def test_no_modules_import_each_other_in_a_circle() -> None:
    arrows = {module: set(imports(file)) - {module} for module, file in MODULES.items()}
    # A room's __init__ hands on names of its modules, which do not import it.
    while free := [module for module, imported in arrows.items() if not imported & arrows.keys()]:
        for module in free:
            del arrows[module]
    assert not arrows, f"these import each other in a circle: {sorted(arrows)}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_fits_a_few_screens(module: str) -> None:
    lines = len(MODULES[module].read_text().splitlines())
    assert lines <= LONGEST, f"{module} has {lines} lines: part it by what changes for one reason"
