"""From an error of pydantic to what a person is told."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def first_mistake(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Return the first wrong key, and what is wrong with it, without the value: it may be secret.

    Parameters
    ----------
    error
        What the model said of some settings.
    model
        Its fields are named to those who misspelled one.

    Returns
    -------
    The dotted key, empty for the whole, and the sentence that follows it. For a key that does not
    exist that begins with ``unknown``.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if first["type"] != "extra_forbidden":
        return key, first["msg"].removeprefix("Value error, ")
    inner: type[BaseModel] | None = model
    for part in path[:-1]:
        # A part that is no field is a place in a list, or a key: the model is that of the field.
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
        Dotted place of the model in the settings.
    subject
        What the settings are of.
    """
    key, wrong = first_mistake(error, model)
    key = ".".join(filter(None, (prefix, key)))
    if wrong.startswith("unknown"):
        return f"unknown {subject} key {key}{wrong.removeprefix('unknown')}"
    return f"{subject} key {key}: {wrong}" if key else f"{subject}: {wrong}"


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for kind in get_args(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
