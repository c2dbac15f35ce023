"""Writes docs/pages/configuration.md from the settings and their descriptions in the code."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from redact_dask.config import PROFILES, Config, LabelSettings
from redact_dask.detectors import GROUP

TEMPLATE = Path(__file__).with_name("configuration.template.md")
"""The page with a comment in place of each thing that comes from the code."""
PAGE = Path(__file__).parent / "pages" / "configuration.md"

HEADINGS = {
    "": "Choose for the whole run",
    "select": "Choose videos",
    "chunk": "Cut videos into chunks",
    "detect": "Find what must be hidden",
    "track": "Follow things over the frames",
    "redact": "Hide them",
    "labels": "Choose by label",
    "zones": "Always hide a place, or never",
    "encode": "Encode the copy",
    "output": "Choose what the copy holds",
    "cluster": "Choose where tasks run",
    "cluster.adapt": "Let a cluster grow and shrink",
    "cluster.security": "Use TLS",
    "driver": "Bound a run",
    "watch": "Watch a folder",
    "evidence": "Leave evidence",
    "s3": "Reach S3",
    "s3.source": "Reach SOURCE in S3",
    "s3.dest": "Reach DEST in S3, and keep what is written",
}
"""Heading of each section by its dotted key, in the order of the page."""

TITLES = {
    "centerface": "CenterFace",
    "faces": "the two networks of the default",
    "plates": "number plates",
    "rekognition": "Amazon Rekognition",
    "retinaface": "a RetinaFace",
    "yolo": "a YOLO",
    "yunet": "YuNet",
}
"""Names of detectors in a heading; others are named as they are registered."""

UNITS = {
    "adapt.maximum": "workers",
    "adapt.minimum": "workers",
    "calls_this_month": "pictures",
    "chunk.seconds": "seconds",
    "cluster.workers": "processes",
    "detect.every": "frames",
    "driver.max_cost": "US dollars",
    "driver.most_failures": "videos",
    "driver.window": "videos",
    "encode.crf": "constant rate factor, 0 to 51",
    "in_flight": "calls",
    "keep_detections_days": "days",
    "keep_paid_days": "days",
    "largest": "shares of the picture",
    "long_side": "pixels",
    "mean": "bytes",
    "min_sizes": "pixels",
    "output.streams": "numbers of streams",
    "prices": "pictures, US dollars",
    "quality": "per cent",
    "redact.cells": "cells",
    "redact.radius": "pixels",
    "scale": "share of the picture",
    "threshold": "confidence, 0 to 1",
    "tps": "calls a second",
    "track.extend": "confidence, 0 to 1",
    "track.margin": "share of the box",
    "track.slack": "share of the picture",
    "track.start": "confidence, 0 to 1",
    "variance": "factors",
    "zones.hide": "shares of the picture, 0 to 1",
    "zones.show": "shares of the picture, 0 to 1",
    "zones.streams": "numbers of streams",
}
"""Units of numbers whose names do not end in ``_s``, by the end of the dotted key."""

UNDESCRIBED = {
    "encode.preset": "Speed of encoding: a slower preset takes more time, and makes smaller files.",
    "redact.style": (
        "`pixelate`: averaged cells; `gaussian`: a blur; `solid`: black, which leaves nothing."
    ),
}
"""Meanings of the settings of which the code says nothing, because their values do."""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """Return the page."""
    sections = dict(_sections(Config, ""))
    if sections.keys() != HEADINGS.keys():
        wrong = sorted(sections.keys() ^ HEADINGS.keys())
        raise LookupError(f"HEADINGS must name the sections that exist: {', '.join(wrong)}")
    tables = ""
    for key, heading in HEADINGS.items():
        tables += _section(key, heading, sections[key])
        if key == "detect":
            for name, options in _detectors().items():
                for inner, model in _sections(options, f"detect.options.{name}"):
                    part = inner.removeprefix(f"detect.options.{name}").strip(".")
                    title = f"Set {TITLES.get(name, name)}" + (f" for {part}" if part else "")
                    tables += _section(inner, title, model)
    text = TEMPLATE.read_text().replace("<!-- settings -->\n", tables)
    return text.replace("<!-- profiles -->\n", _profiles()).rstrip() + "\n"


def _profiles() -> str:
    """Return a table of what each profile changes."""
    changes = {name: _flat(settings) for name, settings in PROFILES.items()}
    options = {f"detect.options.{name}": model for name, model in _detectors().items()}
    sections = dict(_sections(Config, "")) | options
    lines = [
        f"| setting | {' | '.join(f'`{name}`' for name in changes)} |",
        f"|---|{'---|' * len(changes)}",
    ]
    for key in dict.fromkeys(key for settings in changes.values() for key in settings):
        section, _, name = key.rpartition(".")
        default = sections[section].model_fields[name].default
        values = [f"`{_value(settings.get(key, default))}`" for settings in changes.values()]
        lines.append(f"| `{key}` | {' | '.join(values)} |")
    return "\n".join([*lines, ""])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by their dotted keys."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = isinstance(value, Mapping)
        found |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def _detectors() -> dict[str, type[BaseModel]]:
    """Return the options of the package's own detectors by their names, sorted."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    own = [point for point in points if point.module.startswith("redact_dask.")]
    return {point.name: point.load().Options for point in own}


def _sections(model: type[BaseModel], key: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield a section and those inside it, by their dotted keys."""
    yield key, model
    if model is LabelSettings:
        return  # Those inside it have their tables.
    for name, field in model.model_fields.items():
        if inner := _model_of(field):
            yield from _sections(inner, f"{key}.{field.alias or name}".strip("."))


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            return kind
    return None


def _section(key: str, heading: str, model: type[BaseModel]) -> str:
    """Return the heading, the description and the table of one section."""
    about = re.sub(r"Settings of (the|a) detector.*?\. ?", "", _plain(inspect.getdoc(model) or ""))
    lines = [f"### {heading}" + (f": `{key}`" if key else ""), ""]
    lines += [about, ""] if key and about else []
    header = ["| key | default | unit or values | meaning |", "|---|---|---|---|"]
    rows = []
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        dotted = f"{key}.{field.alias or name}".strip(".")
        # A section that is always there has a table of its own, and no row.
        if not _model_of(field) or (key and field.default is None):
            meaning = meanings.get(name) or UNDESCRIBED[dotted]
            cells = (f"`{field.alias or name}`", _default(field), _unit(dotted, field), meaning)
            rows.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join([*lines, *(header + rows + [""] if rows else []), ""])


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a model, and of the models that it inherits from."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind is BaseModel:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        fields = body.body if isinstance(body, ast.ClassDef) else []
        for field, below in pairwise(fields):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = _plain(inspect.cleandoc(text))
    return found


def _plain(text: str) -> str:
    """Return the text of a docstring as one line of Markdown."""
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))


def _default(field: FieldInfo) -> str:
    if field.is_required() or (field.validate_default and field.default == ""):
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "as for all"
    return "none" if value is None else f"`{_value(value)}`"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value - round(value, 4)) < 1e-9 else f"{value:.3f}"
    return value if isinstance(value, str) else json.dumps(value)


def _unit(key: str, field: FieldInfo) -> str:
    kinds = _kinds(field.annotation)
    values = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    unit = next((unit for end, unit in UNITS.items() if f".{key}".endswith(f".{end}")), "")
    if values:
        return ", ".join([*(f"`{value}`" for value in values), *filter(None, [unit])])
    if bool in kinds:
        return "`true`, `false`"
    if key.endswith("_s"):
        return "seconds"
    if not unit and {int, float} & kinds:
        raise LookupError(f"give the number {key} a unit in UNITS")
    return unit


def _kinds(annotation: Any) -> set[Any]:
    """Return the types of a setting: those of a union, and those inside a list."""
    if get_origin(annotation) in (Union, UnionType, tuple):
        return {kind for inner in get_args(annotation) for kind in _kinds(inner)}
    return {annotation}


if __name__ == "__main__":
    main()
