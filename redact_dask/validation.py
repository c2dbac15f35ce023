"""Turns a validation error of pydantic into a sentence for a person."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def first_mistake(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Return the first wrong key and what is wrong with it, but not its value, which may be secret.

    Parameters
    ----------
    error
        Error that the model raised for some settings.
    model
        Model of these settings. Its fields are listed if a key does not exist.

    Returns
    -------
    The dotted key, empty if the settings as a whole are wrong, and the text that follows the key.
    For a key that does not exist, this text begins with ``unknown``.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if first["type"] != "extra_forbidden":
        return key, first["msg"].removeprefix("Value error, ")
    inner: type[BaseModel] | None = model
    for part in path[:-1]:
        # A part that is no field is an index or a key in a field's value: the model stays the same.
        if inner and part in inner.model_fields:
            inner = _model_of(inner.model_fields[part].annotation)
    if inner is None:
        return key, "unknown"
    known = ", ".join(field.alias or name for name, field in inner.model_fields.items())
    return key, f"unknown; known here: {known or 'none'}"


def sentence(
    error: ValidationError, model: type[BaseModel], prefix: str = "", subject: str = "configuration"
) -> str:
    """Return one sentence for the first mistake in settings.

    Parameters
    ----------
    error, model
        See `first_mistake`.
    prefix
        Dotted key under which the model's settings lie.
    subject
        Word that the sentence puts before the key.
    """
    key, wrong = first_mistake(error, model)
    key = ".".join(filter(None, (prefix, key)))
    if wrong.startswith("unknown"):
        return f"unknown {subject} key {key}{wrong.removeprefix('unknown')}"
    return f"{subject} key {key}: {wrong}" if key else f"{subject}: {wrong}"


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model in a field's type; None: the type has none."""
    for kind in get_args(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
