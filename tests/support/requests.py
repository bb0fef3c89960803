"""CSR objects as the API server holds them: a valid one of a kubelet, to break one thing at a time."""

import base64
import binascii
import copy
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.der import Pkcs10, alternative_names, dns_name, extension_request, ip_name, node_subject

KUBELET_OBJECTS = Path(__file__).parent.parent / "data" / "kubelet"

REGION, ACCOUNT, CLUSTER = "us-west-2", "111122223333", "demo"
INSTANCE_ID, ADDRESS = "i-0123456789abcdef0", "10.0.1.23"
NODE_NAME = "ip-10-0-1-23.us-west-2.compute.internal"

_numbers = itertools.count(1)


def kubelet_object(name: str) -> dict[str, Any]:
    """An object that a real kubelet posted: `a-private-only-pending` and so on (tests/data/kubelet/README.md)."""
    document: dict[str, Any] = json.loads((KUBELET_OBJECTS / f"{name}.json").read_text())
    return document


def pem(der: bytes, label: str = "CERTIFICATE REQUEST") -> bytes:
    """Canonical PEM, as Go's pem.EncodeToMemory writes it."""
    text = binascii.b2a_base64(der, newline=False)
    lines = b"".join(text[start : start + 64] + b"\n" for start in range(0, len(text), 64))
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), lines, label.encode())


def spec_request(content: bytes) -> str:
    """spec.request: base64 of PEM, or of whatever else."""
    return base64.b64encode(content).decode()


def pkcs10(*names: str, node_name: str = NODE_NAME) -> Pkcs10:
    """What a kubelet signs for these DNS names and addresses, in this order."""
    encoded = [ip_name(name) if _is_address(name) else dns_name(name) for name in names]
    return Pkcs10(node_subject(f"system:node:{node_name}"), [extension_request(alternative_names(*encoded))])


def signing_request(
    *names: str,
    node_name: str = NODE_NAME,
    instance_id: str | None = INSTANCE_ID,
    role: str = "NodeRole",
    age_seconds: float = 3600,
    content: bytes | None = None,
    spec: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A pending request; by default one that the default world approves.

    `content` replaces the PEM, `spec` single fields of the spec; a field whose value is None is left out.
    """
    number = next(_numbers)
    asked = names or (node_name, ADDRESS)
    created = datetime.now(UTC) - timedelta(seconds=age_seconds)
    document: dict[str, Any] = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {
            "name": f"csr-{number:05}",
            "generateName": "csr-",
            "uid": str(UUID(int=number)),
            "resourceVersion": str(number),
            "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "spec": {
            "request": spec_request(content or pem(pkcs10(*asked, node_name=node_name).der())),
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
            "username": f"system:node:{node_name}",
            "uid": f"aws-iam-authenticator:{ACCOUNT}:AROAEXAMPLEROLEID",
            "groups": ["system:bootstrappers", "system:nodes", "system:authenticated"],
            "extra": session_extra(instance_id, role) if instance_id else {},
        },
        "status": {},
    }
    document["spec"] |= copy.deepcopy(dict(spec or {}))
    document["spec"] = {key: value for key, value in document["spec"].items() if value is not None}
    return document


def session_extra(instance_id: str, role: str = "NodeRole", account: str = ACCOUNT, partition: str = "aws") -> Any:
    """spec.extra as the EKS authenticator writes it for an instance role."""
    return {
        "accessKeyId": ["ASIAEXAMPLE"],
        "arn": [f"arn:{partition}:sts::{account}:assumed-role/{role}/{instance_id}"],
        "canonicalArn": [f"arn:{partition}:iam::{account}:role/{role}"],
        "principalId": ["AROAEXAMPLEROLEID"],
        "sessionName": [instance_id],
        "sigs.k8s.io/aws-iam-authenticator/principalId": ["AROAEXAMPLEROLEID"],
    }


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()
