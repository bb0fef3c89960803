"""A valid request with one part of its PKCS#10 replaced, signed all the same unless the signature is replaced."""

from dataclasses import replace
from typing import Any

from tests.support.der import Pkcs10, alternative_names, extension_request
from tests.support.requests import ADDRESS, NODE_NAME, pem, pkcs10, signing_request


def valid() -> Pkcs10:
    """What the default node signs."""
    return pkcs10(NODE_NAME, ADDRESS)


def crafted(**parts: Any) -> dict[str, Any]:
    """The request of the default node with these fields of Pkcs10 replaced."""
    return signing_request(content=pem(replace(valid(), **parts).der()))


def naming(*general_names: bytes) -> dict[str, Any]:
    """The request of the default node for these GeneralNames."""
    return crafted(attributes=[extension_request(alternative_names(*general_names))])
