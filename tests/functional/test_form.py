"""What a request must look like before anything is looked up (DESIGN section 3, form), each row from a valid one."""

from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.crafted import crafted, naming
from tests.support.der import (
    BASIC_CONSTRAINTS,
    CHALLENGE_PASSWORD,
    COMMON_NAME,
    MICROSOFT_EXTENSION_REQUEST,
    ORGANIZATION,
    ORGANIZATIONAL_UNIT,
    PRINTABLE_STRING,
    UTF8_STRING,
    alternative_names,
    attribute_value,
    dns_name,
    extension_request,
    ip_name,
    node_subject,
    sequence,
    set_of,
    tlv,
)
from tests.support.endings import APPROVED, Played, Row, check, denied, play
from tests.support.requests import ADDRESS, NODE_NAME, signing_request

USER = f"system:node:{NODE_NAME}"
OTHER_USER = "system:node:ip-10-0-1-24.us-west-2.compute.internal"
OWN, OWN_ADDRESS = dns_name(NODE_NAME), ip_name(ADDRESS)
SAN = alternative_names(OWN, OWN_ADDRESS)
EVIL_SAN = alternative_names(dns_name("kubernetes.default.svc"))
CA_TRUE = sequence(BASIC_CONSTRAINTS, tlv(0x04, sequence(b"\x01\x01\xff")))
PASSWORD = sequence(CHALLENGE_PASSWORD, set_of(tlv(PRINTABLE_STRING, b"secret")))
O, CN, OU = (  # noqa: E741 - their names in every certificate
    set_of(attribute_value(ORGANIZATION, "system:nodes")),
    set_of(attribute_value(COMMON_NAME, USER)),
    set_of(attribute_value(ORGANIZATIONAL_UNIT, "nodes")),
)


def using(*usages: str) -> dict[str, Any]:
    return signing_request(spec={"usages": list(usages)})


def lasting(seconds: int) -> dict[str, Any]:
    return signing_request(spec={"expirationSeconds": seconds})


def subject(*relative_names: bytes) -> dict[str, Any]:
    return crafted(subject=sequence(*relative_names))


def extended(*extensions: bytes) -> dict[str, Any]:
    return crafted(attributes=[extension_request(*extensions)])


USAGES: dict[str, Row] = {
    "usages in another order": (lambda: using("server auth", "digital signature"), APPROVED),
    "key encipherment too": (lambda: using("key encipherment", "server auth", "digital signature"), APPROVED),
    "no server auth": (lambda: using("digital signature"), denied(Reason.USAGES_NOT_PERMITTED)),
    "no digital signature": (lambda: using("key encipherment", "server auth"), denied(Reason.USAGES_NOT_PERMITTED)),
    "client auth too": (
        lambda: using("digital signature", "server auth", "client auth"),
        denied(Reason.USAGES_NOT_PERMITTED),
    ),
    "client auth instead": (lambda: using("digital signature", "client auth"), denied(Reason.USAGES_NOT_PERMITTED)),
    "a usage twice": (
        lambda: using("digital signature", "server auth", "server auth"),
        denied(Reason.USAGES_NOT_PERMITTED),
    ),
    "usages in capitals": (lambda: using("Digital Signature", "Server Auth"), denied(Reason.USAGES_NOT_PERMITTED)),
    "an empty list of usages": (using, denied(Reason.USAGES_NOT_PERMITTED)),
    "no usages": (lambda: signing_request(spec={"usages": None}), denied(Reason.USAGES_NOT_PERMITTED)),
}

EXPIRATIONS: dict[str, Row] = {
    "the shortest lifetime that the API knows": (lambda: lasting(600), APPROVED),
    "the longest lifetime that is permitted": (lambda: lasting(31_622_400), APPROVED),
    "a shorter lifetime": (lambda: lasting(599), denied(Reason.EXPIRATION_NOT_PERMITTED)),
    "a longer lifetime": (lambda: lasting(31_622_401), denied(Reason.EXPIRATION_NOT_PERMITTED)),
    "a lifetime of nothing": (lambda: lasting(0), denied(Reason.EXPIRATION_NOT_PERMITTED)),
    "a negative lifetime": (lambda: lasting(-600), denied(Reason.EXPIRATION_NOT_PERMITTED)),
}

SUBJECTS: dict[str, Row] = {
    "a subject in UTF8String": (lambda: crafted(subject=node_subject(USER, UTF8_STRING)), APPROVED),
    "another node's subject": (lambda: crafted(subject=node_subject(OTHER_USER)), denied(Reason.SUBJECT_MISMATCH)),
    "another organization": (
        lambda: crafted(subject=node_subject(USER, organization="system:masters")),
        denied(Reason.SUBJECT_MISMATCH),
    ),
    "an empty subject": (subject, denied(Reason.SUBJECT_MISMATCH)),
    "no organization": (lambda: subject(CN), denied(Reason.SUBJECT_MISMATCH)),
    "no common name": (lambda: subject(O), denied(Reason.SUBJECT_MISMATCH)),
    "the common name first": (lambda: subject(CN, O), denied(Reason.SUBJECT_MISMATCH)),
    "two common names, the last one another node's": (
        lambda: subject(O, CN, set_of(attribute_value(COMMON_NAME, OTHER_USER))),
        denied(Reason.SUBJECT_MISMATCH),
    ),
    "two organizations, the last one the administrators'": (
        lambda: subject(O, set_of(attribute_value(ORGANIZATION, "system:masters")), CN),
        denied(Reason.SUBJECT_MISMATCH),
    ),
    "one relative name of two attributes": (
        lambda: subject(
            set_of(attribute_value(COMMON_NAME, USER), attribute_value(ORGANIZATION, "system:nodes")),
        ),
        denied(Reason.SUBJECT_MISMATCH),
    ),
    "an organizational unit too": (lambda: subject(O, OU, CN), denied(Reason.SUBJECT_MISMATCH)),
    "a common name with a space after it": (
        lambda: crafted(subject=node_subject(f"{USER} ")),
        denied(Reason.SUBJECT_MISMATCH),
    ),
    "a common name in capitals": (
        lambda: crafted(subject=node_subject(USER.upper())),
        denied(Reason.SUBJECT_MISMATCH),
    ),
}

ATTRIBUTES: dict[str, Row] = {
    "no attribute": (lambda: crafted(attributes=[]), denied(Reason.ATTRIBUTES_NOT_PERMITTED)),
    "Microsoft's extension request before the one that Go reads": (
        lambda: crafted(
            attributes=[extension_request(SAN, oid=MICROSOFT_EXTENSION_REQUEST), extension_request(EVIL_SAN)]
        ),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
    "Microsoft's extension request alone": (
        lambda: crafted(attributes=[extension_request(SAN, oid=MICROSOFT_EXTENSION_REQUEST)]),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
    "two extension requests": (
        lambda: crafted(attributes=[extension_request(SAN), extension_request(EVIL_SAN)]),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
    "a challenge password too": (
        lambda: crafted(attributes=[PASSWORD, extension_request(SAN)]),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
    "two sets of extensions in one request": (
        lambda: crafted(attributes=[sequence(extension_request(SAN)[2:15], set_of(sequence(SAN), sequence(EVIL_SAN)))]),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
    "no extension": (extended, denied(Reason.ATTRIBUTES_NOT_PERMITTED)),
    "a certificate authority too": (lambda: extended(SAN, CA_TRUE), denied(Reason.ATTRIBUTES_NOT_PERMITTED)),
    "a certificate authority instead": (lambda: extended(CA_TRUE), denied(Reason.ATTRIBUTES_NOT_PERMITTED)),
    "two subject alternative names": (lambda: extended(SAN, EVIL_SAN), denied(Reason.ATTRIBUTES_NOT_PERMITTED)),
    "a critical subject alternative name": (
        lambda: extended(alternative_names(OWN, OWN_ADDRESS, critical=True)),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
}

NAMES: dict[str, Row] = {
    "a name alone": (lambda: naming(OWN), APPROVED),
    "an address alone": (lambda: naming(OWN_ADDRESS), APPROVED),
    "the address first": (lambda: naming(OWN_ADDRESS, OWN), APPROVED),
    "everything twice": (lambda: naming(OWN, OWN_ADDRESS, OWN, OWN_ADDRESS), APPROVED),
    "a name in capitals": (lambda: naming(dns_name(NODE_NAME.upper())), APPROVED),
    "a name with a trailing dot": (lambda: naming(dns_name(f"{NODE_NAME}.")), APPROVED),
    "64 entries": (lambda: naming(*[OWN] * 64), APPROVED),
    "65 entries": (lambda: naming(*[OWN] * 65), denied(Reason.SUBJECT_ALT_NAME_INVALID)),
    "no entry": (naming, denied(Reason.SUBJECT_ALT_NAME_INVALID)),
}

ROWS = USAGES | EXPIRATIONS | SUBJECTS | ATTRIBUTES | NAMES


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_a_request_has_the_form_that_a_kubelet_gives_it(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_form_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


LIFETIMES: dict[str, Row] = {
    "an hour": (lambda: lasting(3600), APPROVED),
    "a second more": (lambda: lasting(3601), denied(Reason.EXPIRATION_NOT_PERMITTED)),
    "the signer's own": (signing_request, APPROVED),
}


def test_the_operator_may_shorten_the_lifetime() -> None:
    endings = play(LIFETIMES, settings={"max-expiration-seconds": "3600"}).endings
    assert endings == {sentence: ending for sentence, (_, ending) in LIFETIMES.items()}
