"""spec.request as text: whatever PEM Go and Python read differently is refused before either of them reads it.

Go takes the first block that it can decode and skips what it cannot (encoding/pem); others are more forgiving, or less.
"""

import base64
import itertools

import pytest

from csr_approver.policy.pkcs10 import MAX_PEM_BYTES, CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from tests.support.requests import NODE_NAME, kubelet_object, pem, pkcs10, spec_request

HEAD, TAIL = b"-----BEGIN CERTIFICATE REQUEST-----", b"-----END CERTIFICATE REQUEST-----"
OWN = pem(pkcs10(NODE_NAME, "10.0.1.23").der())
OTHER = pem(pkcs10("kubernetes.default.svc", "10.0.1.24").der())


def inserted(text: bytes, position: int = 100) -> bytes:
    """The text in the middle of the base64."""
    return OWN[:position] + text + OWN[position:]


def rewrapped(columns: int) -> bytes:
    text = base64.b64encode(pkcs10(NODE_NAME, "10.0.1.23").der())
    lines = [text[start : start + columns] for start in range(0, len(text), columns)]
    return b"\n".join([HEAD, *lines, TAIL, b""])


def assert_refused_as_malformed(pem_base64: str | None) -> None:
    findings = read_certificate_request(pem_base64)
    assert isinstance(findings, tuple), f"read as {findings}"
    assert [finding.reason for finding in findings] == [Reason.REQUEST_MALFORMED]


def test_a_canonical_block_is_read() -> None:
    assert read_certificate_request(spec_request(OWN)) == CertificateRequest(
        "system:nodes", f"system:node:{NODE_NAME}", (NODE_NAME, b"\x0a\x00\x01\x17")
    )


@pytest.mark.parametrize("padding", range(48), ids=lambda padding: f"with {padding} octets more")
def test_a_canonical_block_of_any_length_is_read(padding: int) -> None:
    """64 columns of base64 are 48 octets: the last line is full, cut short, and padded with one or two signs."""
    certificate = read_certificate_request(spec_request(pem(pkcs10("a" * (1 + padding)).der())))
    assert isinstance(certificate, CertificateRequest)


def test_what_a_kubelet_sent_is_read() -> None:
    certificate = read_certificate_request(kubelet_object("a-private-only-pending")["spec"]["request"])
    assert isinstance(certificate, CertificateRequest)


@pytest.mark.parametrize(
    "content",
    [
        # Go skips the first block of these and reads the second; pem (Rust) reads the first.
        pytest.param(b"x" + OWN + OTHER, id="text before BEGIN, then another block"),
        pytest.param(b" " + OWN + OTHER, id="a space before BEGIN, then another block"),
        pytest.param(b"\t" + OWN + OTHER, id="a tab before BEGIN, then another block"),
        pytest.param(b"\r" + OWN + OTHER, id="a carriage return before BEGIN, then another block"),
        pytest.param(b"\xef\xbb\xbf" + OWN + OTHER, id="a byte order mark before BEGIN, then another block"),
        pytest.param(OWN.replace(HEAD + b"\n", HEAD) + OTHER, id="no line break after BEGIN, then another block"),
        pytest.param(OWN.replace(b"\n" + TAIL, TAIL) + OTHER, id="END on the line of the base64, then another block"),
        pytest.param(OWN.replace(TAIL, b" " + TAIL) + OTHER, id="a space before END, then another block"),
        pytest.param(OWN.replace(TAIL, TAIL + b"x") + OTHER, id="a letter after END, then another block"),
        pytest.param(OWN.replace(TAIL, TAIL + b"-") + OTHER, id="a dash after END, then another block"),
        pytest.param(inserted(b"\f") + OTHER, id="a form feed in the base64, then another block"),
        pytest.param(inserted(b"\v") + OTHER, id="a vertical tab in the base64, then another block"),
        pytest.param(inserted(b"\xc2\xa0") + OTHER, id="a no-break space in the base64, then another block"),
        pytest.param(OWN.replace(b"\n", b"\r\r\n") + OTHER, id="CR CR LF line ends, then another block"),
        # Both read the same block, or only one reads any.
        pytest.param(OWN + OTHER, id="two blocks"),
        pytest.param(OWN + OWN, id="the same block twice"),
        pytest.param(OWN.replace(TAIL, b"-----END X-----") + OTHER, id="a block that ends as another, then a good one"),
        pytest.param(pem(b"\x30\x00", "CERTIFICATE") + OWN, id="a certificate, then the request"),
        pytest.param(pem(pkcs10(NODE_NAME).der(), "NEW CERTIFICATE REQUEST"), id="the label NEW CERTIFICATE REQUEST"),
        pytest.param(pem(pkcs10(NODE_NAME).der(), "CERTIFICATE"), id="the label CERTIFICATE"),
        pytest.param(OWN.replace(b"CERTIFICATE", b"certificate"), id="a label in lower case"),
        pytest.param(b"subject=/CN=x\n" + OWN, id="a line before the block"),
        pytest.param(b"\n" + OWN, id="an empty line before the block"),
        pytest.param(OWN + b"x", id="text after the block"),
        pytest.param(OWN + b"\n", id="an empty line after the block"),
        pytest.param(OWN + b"\x00", id="a NUL after the block"),
        pytest.param(OWN.removesuffix(b"\n"), id="no line break at the end"),
        pytest.param(OWN.replace(b"\n", b"\r\n"), id="CRLF line ends"),
        pytest.param(OWN.replace(HEAD, HEAD + b"\nProc-Type: 4,ENCRYPTED\n"), id="a header and an empty line"),
        pytest.param(OWN.replace(HEAD, HEAD + b"\nProc-Type: 4"), id="a header without an empty line"),
        pytest.param(OWN.replace(HEAD, HEAD + b"\n" + HEAD), id="a BEGIN in a BEGIN"),
        pytest.param(inserted(b"\n"), id="a line that is broken twice"),
        pytest.param(inserted(b"\n\n"), id="an empty line in the base64"),
        pytest.param(inserted(b" "), id="a space in the base64"),
        pytest.param(inserted(b"!"), id="a character that is not base64"),
        pytest.param(inserted(b"="), id="a padding sign in the middle"),
        pytest.param(rewrapped(76), id="lines of 76 columns"),
        pytest.param(rewrapped(63), id="lines of 63 columns"),
        pytest.param(rewrapped(10_000), id="a single line"),
        pytest.param(HEAD + b"\n" + TAIL + b"\n", id="a block without content"),
        pytest.param(HEAD + b"\n", id="nothing but BEGIN"),
        pytest.param(HEAD + b"\n" + OWN + TAIL + b"\n", id="a block in a block"),
        pytest.param(pkcs10(NODE_NAME).der(), id="DER that is not wrapped in PEM"),
        pytest.param(pem(b"\x30\x03\x02\x01\x00"), id="PEM of something else"),
        pytest.param(b"\x00" * 100, id="NUL octets"),
        pytest.param("-----BEGIN CERTIFICATE REQUEST-----\n".encode("utf-16"), id="UTF-16"),
    ],
)
def test_any_other_pem_is_refused(content: bytes) -> None:
    assert_refused_as_malformed(spec_request(content))


@pytest.mark.parametrize("padding", [b"=", b"=="], ids=["one padding sign", "two padding signs"])
def test_bits_that_base64_ignores_are_refused(padding: bytes) -> None:
    """The last character before the padding carries bits that no decoder looks at."""
    ders = (pkcs10("a" * length).der() for length in itertools.count(1))
    der = next(der for der in ders if base64.b64encode(der).partition(b"=")[1:] == (b"=", padding[1:]))
    canonical = pem(der)
    position = canonical.index(padding) - 1
    ignored = bytes((canonical[position] + 1,))
    assert isinstance(read_certificate_request(spec_request(canonical)), CertificateRequest)
    assert base64.b64decode(base64.b64encode(der).rstrip(b"=")[:-1] + ignored + padding) == der
    assert_refused_as_malformed(spec_request(canonical[:position] + ignored + canonical[position + 1 :]))


@pytest.mark.parametrize(
    "pem_base64",
    [
        pytest.param(None, id="no string"),
        pytest.param("", id="an empty string"),
        pytest.param("not base64!", id="no base64"),
        pytest.param(OWN.decode(), id="PEM without base64 around it"),
        pytest.param(spec_request(OWN)[:-1], id="base64 that is cut short"),
        pytest.param(spec_request(OWN) + "\n", id="base64 with a line break"),
        pytest.param(base64.urlsafe_b64encode(b"\xff\xff\xff").decode(), id="base64 for URLs"),
        pytest.param(spec_request(OWN) + "é", id="base64 with a letter beyond ASCII"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("A" * 10 * 1024 * 1024, id="10 MiB"),
        pytest.param(spec_request(OWN + b"\n" * (MAX_PEM_BYTES - len(OWN) + 1)), id="one byte more than the limit"),
    ],
)
def test_whatever_is_no_base64_of_pem_is_refused(pem_base64: str | None) -> None:
    assert_refused_as_malformed(pem_base64)


def test_the_limit_itself_is_no_objection() -> None:
    """The longest request within the limit is read: the limit counts the PEM, not the base64 around it."""
    longest = max(
        (
            content
            for count in range(40, 60)
            if len(content := pem(pkcs10(*["a" * 63 + ".b" * 90] * count).der())) <= MAX_PEM_BYTES
        ),
        key=len,
    )
    assert len(longest) > MAX_PEM_BYTES - 400
    assert isinstance(read_certificate_request(spec_request(longest)), CertificateRequest)
