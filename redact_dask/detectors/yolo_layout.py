"""What the file of a YOLO tells: its task, its classes, and how its output is laid out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from enum import Enum

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from redact_dask.detectors import onnx_file
from redact_dask.errors import ConfigError

_UNDERSTOOD = (
    "understood are (1, 4 + classes, n) of YOLOv8 and YOLO11, (1, n, 6) of YOLO26 and of exports "
    "with nms=True, and (n, 7) of end-to-end exports of YOLOv7 and YOLOv9; export a detector of "
    "upright boxes with `yolo export model=FILE.pt format=onnx dynamic=True`, and train a YOLOv5 "
    "or YOLOX, which score objectness, anew as one of these"
)


class Layout(Enum):
    """Where the output holds what."""

    CANDIDATES = "(1, 4 + classes, n)"
    """x and y of the centre, width and height; then a score for each class."""
    ROWS = "(1, n, 6)"
    """x0, y0, x1, y1, score, number of the class; rows of score 0 fill up."""
    ROWS_OF_BATCH = "(n, 7)"
    """Number of the image, x0, y0, x1, y1, number of the class, score."""


def layout(model: ov.Model, file: str, size: tuple[int, int]) -> Layout:
    """Return the layout of a model's output.

    Parameters
    ----------
    model
        The network.
    file
        Its path or URL, for errors.
    size
        Width and height, pixels, of an image that it takes.

    Raises
    ------
    ConfigError
        The model has another task than finding upright boxes, or another layout.
    """
    task = onnx_file.metadata(model, "task") or "detect"
    if task != "detect":
        raise ConfigError(
            f"the model {file} has the task {task}, as its metadata says; "
            "train and export one with the task detect, which finds upright boxes"
        )
    outputs = onnx_file.outputs(model, file, size)
    if len(outputs) == 1:
        ((_, shape),) = outputs
        columns = shape[-1] if shape.rank.is_static and len(shape) else None
        if columns == 6 and ov.PartialShape([1, -1, 6]).compatible(shape):
            return Layout.ROWS
        if columns == 7 and len(shape) == 2:
            return Layout.ROWS_OF_BATCH
        # Candidates outnumber classes by far; if they do not, the layout is another one.
        if shape.is_static and len(shape) == 3:
            batch, rows, candidates = shape.to_shape()
            names = class_names(model)
            if batch == 1 and 4 < rows < candidates and len(names or range(rows - 4)) == rows - 4:
                return Layout.CANDIDATES
    raise ConfigError(
        f"the model {file} answers with {onnx_file.described(outputs)} for an image of "
        f"{size[0]}x{size[1]}; {_UNDERSTOOD}"
    )


def class_names(model: ov.Model) -> dict[int, str] | None:
    """Return the names of the model's classes by number; None: its metadata does not tell them."""
    try:
        told = ast.literal_eval(onnx_file.metadata(model, "names") or "")
        numbered = told.items() if isinstance(told, dict) else enumerate(told)
        return {int(number): str(name) for number, name in numbered} or None
    except (SyntaxError, TypeError, ValueError):
        return None


def labels(
    wanted: Mapping[int | str, str], names: Mapping[int, str] | None, count: int | None, file: str
) -> dict[int, str]:
    """Return the labels of the classes that are looked for, by number.

    Parameters
    ----------
    wanted
        The labels by number or by name.
    names
        Names of the model's classes by number; None: the file does not tell them.
    count
        Number of the model's classes; None: neither names nor output tell it.
    file
        Path or URL of the model, for errors.

    Raises
    ------
    ConfigError
        The model lacks a class, or does not tell the names.
    """
    known = dict(names or {})
    found: dict[int, str] = {}
    for key, label in wanted.items():
        numbers = [number for number, name in known.items() if key in (number, name)]
        if isinstance(key, int) and not known and (count is None or key < count):
            numbers = [key]
        if not numbers:
            if isinstance(key, str) and not known:
                wrong = f"tells no names of classes; give the number of {key}, such as {{0: plate}}"
            else:
                all_names = ", ".join(f"{number} {name}" for number, name in known.items())
                wrong = f"has no class {key}, only {all_names or f'0 to {(count or 0) - 1}'}"
            raise ConfigError(
                f"configuration key detect.options.yolo.classes: the model {file} {wrong}"
            )
        found |= dict.fromkeys(numbers, label)
    return found


def end_to_end_rows(
    answer: NDArray[np.floating], layout: Layout, count: int | None, file: str
) -> NDArray[np.float32]:
    """Return x0, y0, x1, y1, score and class of what was found, shape (n, 6), without empty rows.

    Raises
    ------
    ConfigError
        The numbers are no scores or no classes: the model has another layout of the same shape.
    """
    rows = answer.astype(np.float32)
    rows = rows[0] if layout is Layout.ROWS else rows[:, [1, 2, 3, 4, 6, 5]]
    onnx_file.check_scores(rows[:, 4], file)
    rows = rows[rows[:, 4] > 0]
    classes = rows[:, 5]
    if not ((classes == classes.round()) & (classes >= 0) & (classes < (count or np.inf))).all():
        raise ConfigError(
            f"the model {file} answers in the shape {layout.value}, but holds no numbers of "
            f"classes where {'the sixth' if layout is Layout.ROWS else 'its'} column should; "
            f"{_UNDERSTOOD}"
        )
    return rows
