"""CertificateSigningRequests as a kubelet posts them (client-go util/certificate/csr)."""

import base64
from functools import cache
from ipaddress import IPv4Address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

KUBELET_SERVING = "kubernetes.io/kubelet-serving"


def serving_request(node_name: str, **spec: object) -> dict[str, Any]:
    """The object that the kubelet of `node_name` creates; `spec` replaces or adds fields of its spec."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "csr-"},
        "spec": {
            "request": encoded(pkcs10(node_name)),
            "signerName": KUBELET_SERVING,
            "usages": ["digital signature", "server auth"],
            **spec,
        },
    }


@cache
def pkcs10(node_name: str, *, forged: bool = False) -> bytes:
    """PEM: ECDSA P-256, O=system:nodes then CN, and a non-critical SAN as the only requested extension.

    A forged one was changed after it was signed.
    """
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node_name}"),
        ]
    )
    names = [x509.DNSName(node_name), x509.IPAddress(IPv4Address("10.0.1.23"))]
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    if not forged:
        return request.public_bytes(Encoding.PEM)
    # Of the same length, so that the DER stays whole.
    der = request.public_bytes(Encoding.DER).replace(b"system:nodes", b"system:NODES")
    return x509.load_der_x509_csr(der).public_bytes(Encoding.PEM)


def encoded(content: bytes) -> str:
    """Bytes as a JSON field of the API holds them."""
    return base64.b64encode(content).decode()


def condition(kind: str, **fields: str) -> dict[str, str]:
    """An approval or failure condition with all that the API requires."""
    return {"type": kind, "status": "True", "reason": "Contract", "message": "by the contract test", **fields}


def decided(csr: dict[str, Any], *conditions: dict[str, str]) -> dict[str, Any]:
    """A copy of the object with exactly these conditions."""
    return csr | {"status": csr.get("status", {}) | {"conditions": list(conditions)}}


def without(csr: dict[str, Any], *metadata: str) -> dict[str, Any]:
    """A copy of the object without these fields of its metadata."""
    return csr | {"metadata": {key: value for key, value in csr["metadata"].items() if key not in metadata}}


def version(csr: dict[str, Any]) -> int:
    """The resource version, which grows with every write."""
    return int(csr["metadata"]["resourceVersion"])
