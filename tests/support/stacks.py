"""The templates of ``configs/cloudformation``, and stacks that moto makes of them."""

from __future__ import annotations

import json
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
