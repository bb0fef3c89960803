"""Which EKS cluster a kubeconfig's context leads to, as far as it tells."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

# What `aws eks update-kubeconfig` calls a cluster, and what eksctl does.
_NAMES = (
    re.compile(r"arn:aws(?:-[a-z0-9]+)*:eks:(?P<region>[a-z0-9-]+):[0-9]{12}:cluster/(?P<name>.+)"),
    re.compile(r"(?P<name>[^.]+)\.(?P<region>[a-z0-9-]+)\.eksctl\.io"),
)
# The API servers of EKS, over IPv4 and over both.
_SERVER = re.compile(
    r"https://[^/]+\.(?P<region>[a-z]+(?:-[a-z]+)+-[0-9]+)\.(?:eks\.amazonaws\.com(?:\.cn)?|api\.aws)/?"
)
# Those of `aws eks get-token` and those of `aws-iam-authenticator token`, in which --cluster-id is the cluster's name.
_NAME_OPTIONS = {"aws": ("--cluster-name",), "aws-iam-authenticator": ("--cluster-id", "-i")}


@dataclass(frozen=True, slots=True)
class EksContext:
    """An EKS cluster's name; its region and the AWS profile of its users where the kubeconfig tells them."""

    name: str
    region: str | None
    profile: str | None = None


def eks_context(path: str | None = None, context: str | None = None) -> EksContext | None:
    """By the command that makes the tokens, else by the cluster's name.

    None: neither is as EKS's tools write it, or there is no such file or context.
    """
    try:
        # The library has no types.
        merged = KubeConfigMerger(path or KUBE_CONFIG_DEFAULT_LOCATION).config  # type: ignore[no-untyped-call] # has no types
        chosen = merged["contexts"].get_with_name(context or merged["current-context"])["context"]
        cluster = merged["clusters"].get_with_name(chosen["cluster"])["cluster"].value
        user = merged["users"].get_with_name(chosen["user"])["user"].value
        told = _of_command(user.get("exec") or {}), _of_name(str(chosen["cluster"]))
        server = _SERVER.fullmatch(str(cluster.get("server")))
    except Exception:  # whatever its parser of YAML raises; who connects will say what is wrong
        return None
    name = told[0].get("name") or told[1].get("name")
    region = told[0].get("region") or told[1].get("region") or (server["region"] if server else None)
    return EksContext(name, region, told[0].get("profile")) if name else None


def _of_name(cluster: str) -> Mapping[str, str]:
    matches = (pattern.fullmatch(cluster) for pattern in _NAMES)
    return next((match.groupdict() for match in matches if match), {})


def _of_command(command: Mapping[str, Any]) -> Mapping[str, str | None]:
    """`exec` of a kubeconfig's user: command, args, and env as a list of name and value."""
    names = _NAME_OPTIONS.get(PurePath(str(command.get("command"))).stem)
    if names is None:
        return {}
    words = [str(word) for word in command.get("args") or ()]
    variables = {each["name"]: each["value"] for each in command.get("env") or ()}
    return {
        "name": _option(words, names),
        "region": _option(words, ["--region"]) or variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION"),
        "profile": _option(words, ["--profile"]) or variables.get("AWS_PROFILE"),
    }


def _option(words: Sequence[str], spellings: Iterable[str]) -> str | None:
    for spelling in spellings:
        for word, following in pairwise([*words, ""]):
            if word == spelling:
                return following
            if word.startswith(f"{spelling}="):
                return word.partition("=")[2]
    return None
