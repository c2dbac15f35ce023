"""Showing the figures of leakage: as a table for people, and as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.table import Table

from redact_dask.bench.leakage.measure import Figures, PictureClass, Result
from redact_dask.records import FACE


def table(results: Iterable[Result]) -> Table:
    """Return the results as a table for a terminal, one column for each configuration."""
    results = list(results)
    shown = Table("", *(result.name for result in results))
    for column in shown.columns[1:]:
        column.justify = "right"
    rows = [_rows(result) for result in results]
    for label in dict.fromkeys(label for row in rows for label in row):
        shown.add_row(label, *(row.get(label, "") for row in rows))
    return shown


def _rows(result: Result) -> dict[str, str]:
    rows: dict[str, str] = {}
    for label, figures in result.labels.items():
        rows |= _label_rows(label, figures)
    if result.touched is not None and result.touched_by_pixels is not None:
        rows["face-free clips touched by the regions"] = _percent(result.touched)
        rows["face-free clips touched by the pixels"] = _percent(result.touched_by_pixels)
    return rows | {"frames/s": f"{result.frames_per_second:.1f}"}


def _label_rows(label: str, figures: Figures) -> dict[str, str]:
    found = figures.leakage
    rows = {f"leakage, {found.sights} readable {_many(label)}": _percent(found.leakage)}
    rows |= {f"  {c.name}, {c.sights}": _percent(c.leakage) for c in found.by_height}
    rows |= {
        "  by the regions": _percent(found.leakage_by_regions),
        "  by the pixels": _percent(found.leakage_by_pixels),
        "  left to the regions": _percent(found.undecided),
        f"tracks exposed, of {found.tracks}": str(found.tracks_exposed),
        "longest exposure, frames": str(found.longest_exposure),
        "  of tracks ever protected": str(found.longest_exposure_of_found),
        "over-blur by the regions": _percent(found.over_blur),
        "over-blur by the pixels": _percent(found.over_blur_by_pixels),
    }
    if len(figures.by_picture) > 1:
        for picture in figures.by_picture:
            rows |= _picture_rows(label, picture)
    if label == FACE:
        return rows
    return {f"{label}: {row}": value for row, value in rows.items()}


def _picture_rows(label: str, picture: PictureClass) -> dict[str, str]:
    name, found = picture.name, picture.leakage
    rows = {f"{name}: leakage, {found.sights} readable {_many(label)}": _percent(found.leakage)}
    rows |= {f"  {name}, {_many(label)} of {c.name}": _percent(c.leakage) for c in found.by_height}
    return rows | {
        f"  {name}: longest exposure of tracks ever protected": str(
            found.longest_exposure_of_found
        ),
        f"  {name}: over-blur by the regions": _percent(found.over_blur),
    }


def _many(label: str) -> str:
    return "faces" if label == FACE else "things"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def as_json(results: Iterable[Result], failures: Iterable[str]) -> dict[str, Any]:
    """Return the results as data for JSON."""
    return {"results": [asdict(result) for result in results], "gate": list(failures)}
