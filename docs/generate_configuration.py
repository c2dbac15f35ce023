"""Writes the page of the configuration from the settings: key, default, and meaning with unit.

.venv/bin/python docs/generate_configuration.py
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from redact_dask import detectors
from redact_dask.config import PROFILES, Config

PAGE = Path(__file__).parent / "pages" / "configuration.md"
INTRODUCTION = Path(__file__).parent / "configuration-introduction.md"
OWN_DETECTORS = ("faces", "centerface", "yunet", "yolo", "rekognition")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page, in Markdown."""
    parts = [INTRODUCTION.read_text(encoding="utf-8").strip(), _profiles()]
    fields = Config.model_fields
    whole = [name for name in fields if not _is_section(fields[name])]
    parts.append("## At the top\n\n" + _table(Config, whole))
    for name, field in fields.items():
        if _is_section(field):
            parts.append(f"## {name}\n\n{_section(field.annotation, name)}")
    for name in OWN_DETECTORS:
        if name in detectors.names():
            options = detectors.load(name).Options
            parts.append(f"### detect.options.{name}\n\n{_table(options, [*options.model_fields])}")
    return "\n\n".join(parts) + "\n"


def _profiles() -> str:
    lines = ["## Profiles", "", "A profile is what all settings start from. `balanced` has the"]
    lines.append("defaults of the tables below; the other profiles change these:")
    for name, settings in PROFILES.items():
        if settings:
            shown = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None).strip()
            lines += ["", f"`{name}`:", "", textwrap.indent(shown, "    ")]
    return "\n".join(lines)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _section(model: Any, name: str) -> str:
    about = " ".join(inspect.cleandoc(model.__doc__ or "").split())
    tables = [about, _table(model, [*model.model_fields])]
    for key, field in model.model_fields.items():
        inner = [kind for kind in _kinds(field) if issubclass(kind, BaseModel)]
        for kind in inner:
            shown = field.alias or key
            about = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
            tables += [f"### {name}.{shown}", about, _table(kind, [*kind.model_fields])]
    return "\n\n".join(tables)


def _kinds(field: FieldInfo) -> Iterator[type]:
    annotation = field.annotation
    for kind in getattr(annotation, "__args__", (annotation,)):
        if isinstance(kind, type):
            yield kind


def _table(model: type[BaseModel], names: list[str]) -> str:
    texts = _texts(model)
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name in names:
        field = model.model_fields[name]
        meaning = texts.get(name, "").replace("|", "\\|")
        rows.append(f"| `{field.alias or name}` | {_default(field)} | {meaning} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined:
        value = field.default_factory()  # type: ignore[call-arg, misc]
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, float):
        return f"`{value:.4g}`"
    shown = [*value] if isinstance(value, tuple) else value
    return f"`{yaml.safe_dump(shown, default_flow_style=True, width=1000).splitlines()[0]}`"


def _texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the string below each field of a model, its own and those that it inherits."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel) or cls is BaseModel:
            continue
        source = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        statements = next(node for node in source.body if isinstance(node, ast.ClassDef)).body
        for field, below in pairwise(statements):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    return {name: text.replace("``", "`") for name, text in found.items()}


if __name__ == "__main__":
    main()
