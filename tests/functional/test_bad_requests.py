"""Objects whose spec.request or spec no kubelet would make: each is denied or ignored, and troubles nobody."""

from base64 import encodebytes
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.crafted import crafted, valid
from tests.support.der import alternative_names, dns_name, extension_request, node_subject, sequence, set_of
from tests.support.endings import APPROVED, NOTHING, Ending, Played, Row, check, denied, ignored, play
from tests.support.requests import INSTANCE_ID, NODE_NAME, pem, session_extra, signing_request, spec_request

USER = f"system:node:{NODE_NAME}"
MALFORMED = denied(Reason.REQUEST_MALFORMED)
EVIL = pem(replace(valid(), attributes=[extension_request(alternative_names(dns_name("kubernetes")))]).der())


def own_pem() -> bytes:
    return pem(valid().der())


def with_text(content: bytes) -> dict[str, Any]:
    return signing_request(content=content)


def with_request(request: object) -> dict[str, Any]:
    return signing_request(spec={"request": request})


def with_subject(tag: int, text: str | bytes) -> dict[str, Any]:
    return crafted(subject=node_subject(text, tag))


def broken(old: bytes, new: bytes) -> bytes:
    changed = own_pem().replace(old, new, 1)
    assert changed != own_pem()
    return changed


def one_line() -> bytes:
    head, *lines, tail = own_pem().splitlines()
    return b"\n".join([head, b"".join(lines), tail, b""])


def without_status() -> dict[str, Any]:
    request = signing_request()
    del request["status"]
    return request


def with_spec(**fields: Any) -> dict[str, Any]:
    return signing_request(spec=fields)


ENCODINGS: dict[str, Row] = {
    "what a kubelet sends": (signing_request, APPROVED),
    "no request": (lambda: with_request(None), MALFORMED),
    "an empty request": (lambda: with_request(""), MALFORMED),
    "base64 with line breaks": (lambda: with_request(encodebytes(own_pem()).decode()), MALFORMED),
    "one that is not PEM": (lambda: with_text(b"hello"), MALFORMED),
    "DER without PEM": (lambda: with_text(valid().der()), MALFORMED),
    "one that is 10 MiB long": (lambda: with_text(bytes(10 << 20)), MALFORMED),
    "a PEM block just above the limit": (lambda: with_text(pem(bytes(12_400))), MALFORMED),
    "two blocks, the second one bad": (lambda: with_text(own_pem() + EVIL), MALFORMED),
    "two blocks, the first one bad": (lambda: with_text(EVIL + own_pem()), MALFORMED),
    "the same block twice": (lambda: with_text(own_pem() * 2), MALFORMED),
    "text before the block": (lambda: with_text(b"hello\n" + own_pem()), MALFORMED),
    "a byte order mark before the block": (lambda: with_text(b"\xef\xbb\xbf" + own_pem()), MALFORMED),
    "text after the block": (lambda: with_text(own_pem() + b"hello\n"), MALFORMED),
    "an empty line after the block": (lambda: with_text(own_pem() + b"\n"), MALFORMED),
    "no line break after the block": (lambda: with_text(own_pem().rstrip()), MALFORMED),
    "CRLF": (lambda: with_text(own_pem().replace(b"\n", b"\r\n")), MALFORMED),
    "a header in the block": (lambda: with_text(broken(b"-\n", b"-\nProc-Type: 4\n\n")), MALFORMED),
    "one long line": (lambda: with_text(one_line()), MALFORMED),
    "the label of another kind of block": (lambda: with_text(pem(valid().der(), "CERTIFICATE")), MALFORMED),
    "the label of an old client": (lambda: with_text(pem(valid().der(), "NEW CERTIFICATE REQUEST")), MALFORMED),
    "an end label of another kind": (
        lambda: with_text(broken(b"END CERTIFICATE REQUEST", b"END CERTIFICATE")),
        MALFORMED,
    ),
    "a block of nothing": (lambda: with_text(pem(b"")), MALFORMED),
    "a block of noughts": (lambda: with_text(pem(bytes(100))), MALFORMED),
    "DER that is cut off": (lambda: with_text(pem(valid().der()[:-1])), MALFORMED),
    "DER with an octet after it": (lambda: with_text(pem(valid().der() + b"\x00")), MALFORMED),
    "a fourth element in the request": (lambda: crafted(after_signature=b"\x05\x00"), MALFORMED),
    "version 1": (lambda: crafted(version=b"\x02\x01\x01"), MALFORMED),
    "version 2": (lambda: crafted(version=b"\x02\x01\x02"), MALFORMED),
    "a negative version": (lambda: crafted(version=b"\x02\x01\xff"), MALFORMED),
    "a version of two octets": (lambda: crafted(version=b"\x02\x02\x00\x00"), MALFORMED),
    "five thousand sequences in one another": (lambda: with_text(pem(b"\x30\x80" * 5000)), MALFORMED),
    "sets that are not sorted": (
        lambda: crafted(
            attributes=[
                extension_request(alternative_names(dns_name(NODE_NAME))),
                sequence(bytes.fromhex("06032a0304"), set_of(b"\x05\x00")),
            ]
        ),
        denied(Reason.ATTRIBUTES_NOT_PERMITTED),
    ),
}

STRING_TYPES: dict[str, Row] = {
    f"a common name of type {kind}": (
        partial(with_subject, tag, text),
        denied(Reason.SUBJECT_MISMATCH),
    )
    for kind, tag, text in (
        ("TeletexString", 0x14, USER),
        ("IA5String", 0x16, USER),
        ("BMPString", 0x1E, USER.encode("utf-16-be")),
        ("UniversalString", 0x1C, USER.encode("utf-32-be")),
        ("OCTET STRING", 0x04, USER),
        ("INTEGER", 0x02, b"\x01"),
        ("UTF8String that is no UTF-8", 0x0C, b"\xff\xfe"),
        ("UTF8String with a NUL", 0x0C, f"{USER}\0"),
        ("PrintableString with a line break", 0x13, f"{USER}\n"),
        ("UTF8String of 10,000 characters", 0x0C, USER + "a" * 10_000),
    )
}


def in_vain(reason: Reason) -> Ending:
    """Denied, but no API server holds such an object, and ours does not take it back with a condition."""
    return Ending("Deny", (reason,), NOTHING, records=1)


def extra(**values: object) -> dict[str, Any]:
    return with_spec(extra=session_extra(INSTANCE_ID) | values)


WRONG_TYPES: dict[str, Row] = {
    "a request that is not base64": (lambda: with_request("not base64!"), in_vain(Reason.REQUEST_MALFORMED)),
    "base64 that is cut off": (
        lambda: with_request(spec_request(own_pem())[:-1]),
        in_vain(Reason.REQUEST_MALFORMED),
    ),
    "base64 that is not ASCII": (lambda: with_request("LS0tLS1CRUdJTi\u00c5"), in_vain(Reason.REQUEST_MALFORMED)),
    "a request that is a number": (lambda: with_request(1), in_vain(Reason.REQUEST_MALFORMED)),
    "a request that is a list": (lambda: with_request(["LS0t"]), in_vain(Reason.REQUEST_MALFORMED)),
    "usages that are numbers": (lambda: with_spec(usages=[1, 2]), in_vain(Reason.USAGES_NOT_PERMITTED)),
    "usages in one text": (
        lambda: with_spec(usages="digital signature,server auth"),
        in_vain(Reason.USAGES_NOT_PERMITTED),
    ),
    "a lifetime in quotes": (lambda: with_spec(expirationSeconds="3600"), in_vain(Reason.EXPIRATION_NOT_PERMITTED)),
    "a lifetime with a fraction": (
        lambda: with_spec(expirationSeconds=3600.5),
        in_vain(Reason.EXPIRATION_NOT_PERMITTED),
    ),
    "a lifetime that is true": (lambda: with_spec(expirationSeconds=True), in_vain(Reason.EXPIRATION_NOT_PERMITTED)),
    "groups in one text": (
        lambda: with_spec(groups="system:nodes,system:authenticated"),
        denied(Reason.GROUPS_NOT_OF_A_NODE),
    ),
    "groups that are numbers": (lambda: with_spec(groups=[1]), denied(Reason.GROUPS_NOT_OF_A_NODE)),
    "session names that are no list": (
        lambda: extra(sessionName=INSTANCE_ID),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "an ARN that is no list": (lambda: extra(arn=INSTANCE_ID), denied(Reason.SESSION_INCONSISTENT)),
    "a session name that is a number": (lambda: extra(sessionName=[1]), denied(Reason.SESSION_INCONSISTENT)),
    "an extra that is a list": (lambda: with_spec(extra=["arn"]), ignored(Reason.NO_INSTANCE_BINDING)),
    "a user name that is a number": (lambda: with_spec(username=1), ignored(Reason.REQUESTER_NOT_A_NODE)),
    "a signer that is a list": (
        lambda: with_spec(signerName=["kubernetes.io/kubelet-serving"]),
        ignored(Reason.OTHER_SIGNER),
    ),
    "a spec that is a text": (lambda: signing_request() | {"spec": "spec"}, ignored(Reason.OTHER_SIGNER)),
    "an object of another kind": (
        lambda: signing_request() | {"kind": "Secret"},
        ignored(Reason.NOT_A_SIGNING_REQUEST),
    ),
    "no status": (without_status, APPROVED),
}

ROWS = ENCODINGS | STRING_TYPES | WRONG_TYPES


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_a_bad_request_is_refused(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_bad_request_troubles_the_function(played: Played) -> None:
    assert played.troubles == []
