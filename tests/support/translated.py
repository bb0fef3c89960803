"""The template as CloudFormation gets it: with all that SAM makes of it, roles and policies included."""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.support.cloudformation import TEMPLATE, template

_SAM_PYTHON = TEMPLATE.parent / ".venv/sam/bin/python"
# SAM's own translator runs where SAM is installed: it needs another pydantic than the kubernetes client.
_TRANSLATE = """
import json, os, sys
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
json.dump(transform(json.load(sys.stdin), {"Cluster": "demo"}, NoManagedPolicies()), sys.stdout)
"""
_PACKAGED = "s3://bucket/key"


@cache
def translated() -> Mapping[str, Any]:
    """Made once. Skips the test where SAM is not installed; `make test` installs it."""
    if not _SAM_PYTHON.exists():
        pytest.skip("SAM is not installed: make .venv/sam.stamp")
    document = json.loads(json.dumps(template()))
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        properties.update({key: _PACKAGED for key in ("CodeUri", "ContentUri") if key in properties})
    done = subprocess.run(
        [_SAM_PYTHON, "-c", _TRANSLATE], input=json.dumps(document), capture_output=True, text=True, check=True
    )
    result: Mapping[str, Any] = json.loads(done.stdout)
    return result


def translated_resources(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in translated()["Resources"].items()
        if resource["Type"] == kind
    }
