"""The templates of ``configs/cloudformation``, and stacks that moto makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cfnlint import decode
from project import ROOT
from recording import Recorded, client

FOLDER = ROOT / "configs" / "cloudformation"


def template(name: str) -> dict[str, Any]:
    """Return a template with the long names of its functions."""
    found, problems = decode.decode(str(FOLDER / f"{name}.yaml"))
    assert not problems
    read: dict[str, Any] = found
    return read


def deploy(store: Recorded, name: str, made: dict[str, Any], **given: str) -> dict[str, str]:
    """Make a stack; return its outputs.

    Parameters
    ----------
    store
        moto's server.
    name
        Of the stack.
    made
        The template.
    given
        Its parameters.
    """
    service = client(store, "cloudformation")
    service.create_stack(
        StackName=name,
        TemplateBody=json.dumps(made),
        Parameters=[{"ParameterKey": n, "ParameterValue": value} for n, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (stack,) = service.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def lower(given: Any) -> Any:
    """Begin each name as the API of a service does, where the template's begins with a capital."""
    if isinstance(given, dict):
        return {name[0].lower() + name[1:]: lower(value) for name, value in given.items()}
    return [lower(value) for value in given] if isinstance(given, list) else given


def resolved(given: Any, values: Mapping[str, str]) -> Any:
    """Replace references by values: those of attributes have names as ``TaskRole.Arn``."""
    match given:
        case {"Ref": name}:
            return values[name]
        case {"Fn::GetAtt": [name, attribute]}:
            return values[f"{name}.{attribute}"]
        case dict():
            return {name: resolved(value, values) for name, value in given.items()}
        case list():
            return [resolved(value, values) for value in given]
    return given
