"""What the request itself must look like, before anything is looked up (DESIGN 3, form)."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.names import DnsName, IPAddress, canonical_address, canonical_dns_name
from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Finding, listed, shown

MIN_EXPIRATION_SECONDS = 600  # the API's own minimum (CertificateSigningRequestSpec.expirationSeconds)
MAX_ALTERNATIVE_NAMES = 64

_ABSURD_SECONDS = 10**12

# The kubelet asks for the first set since 1.27, for the second before that and for RSA keys (pkg/kubelet/certificate).
_USAGES = (
    frozenset({"digital signature", "server auth"}),
    frozenset({"digital signature", "key encipherment", "server auth"}),
)
# Names that clients of this CA expect of the API server and of Services; no node may answer to them.
_RESERVED_NAMES = ("kubernetes", "localhost")
_RESERVED_PREFIX = "kubernetes."
_RESERVED_DOMAINS = ("svc", "cluster.local", "eks.amazonaws.com", "eks.amazonaws.com.cn", "api.aws")
_RESERVED_SUFFIXES = tuple(f".{domain}" for domain in _RESERVED_DOMAINS)
_RESERVED_NETWORKS = {
    "a loopback address": ("127.0.0.0/8", "::1/128"),
    "a link-local address": ("169.254.0.0/16", "fe80::/10"),
    "the unspecified address": ("0.0.0.0/32", "::/128"),
    "a multicast address": ("224.0.0.0/4", "ff00::/8"),
    # Instance metadata, time and DNS over IPv6 (EC2 user guide, IMDS endpoints); their IPv4 ones are link-local.
    "an address of AWS services on the instance": ("fd00:ec2::/32",),
}


def _ranges(version: int) -> tuple[tuple[str, int, int], ...]:
    """As integers, because a test of membership in an ip_network costs ten times as much."""
    networks = ((kind, ip_network(text)) for kind, texts in _RESERVED_NETWORKS.items() for text in texts)
    return tuple((kind, int(net[0]), int(net[-1])) for kind, net in networks if net.version == version)


_RESERVED_RANGES = {version: _ranges(version) for version in (4, 6)}


@dataclass(frozen=True, slots=True)
class Claims:
    """The canonical names and addresses that the certificate would be good for."""

    names: frozenset[DnsName]
    addresses: frozenset[IPAddress]


def is_reserved_name(name: DnsName) -> bool:
    """Whether a name is the API server's, a Service's or the loopback's, whatever EC2 or DNS may say of it."""
    return (
        name in _RESERVED_NAMES
        or name in _RESERVED_DOMAINS
        or name.startswith(_RESERVED_PREFIX)
        or name.endswith(_RESERVED_SUFFIXES)
    )


def check_spec(request: SigningRequest, settings: PolicySettings) -> Iterator[Finding]:
    """Usages and lifetime."""
    usages = request.usages or ()
    if frozenset(usages) not in _USAGES or len(set(usages)) != len(usages):
        yield Finding(
            Reason.USAGES_NOT_PERMITTED,
            "spec.usages",
            f"are {shown(listed(usages))}; a kubelet asks for digital signature and server auth",
        )
    seconds = request.expiration_seconds
    if seconds is None:
        return
    if type(seconds) is not int or not MIN_EXPIRATION_SECONDS <= seconds <= settings.max_expiration_seconds:
        # Neither a number of any length nor a nested document is worth printing.
        asked = str(seconds) if type(seconds) is int and abs(seconds) < _ABSURD_SECONDS else "what is there"
        yield Finding(
            Reason.EXPIRATION_NOT_PERMITTED, "spec.expirationSeconds", f"{asked} is outside what is permitted"
        )


def read_claims(request: SigningRequest, cluster: Cluster) -> Claims | tuple[Finding, ...]:
    """What spec.request asks for, or every reason why it may not be asked."""
    certificate = read_certificate_request(request.pem_base64)
    if not isinstance(certificate, CertificateRequest):
        return certificate
    names: set[DnsName] = set()
    addresses: set[IPAddress] = set()
    findings = list(_check_subject(request, certificate))
    for entry in certificate.alternative_names:
        if isinstance(entry, str):
            if name := canonical_dns_name(entry):
                names.add(name)
            else:
                findings.append(Finding(Reason.SUBJECT_ALT_NAME_INVALID, shown(entry), "is no strict DNS host name"))
        elif address := canonical_address(entry):
            addresses.add(address)
        else:
            findings.append(Finding(Reason.SUBJECT_ALT_NAME_INVALID, entry.hex(":"), "is no plain IP address"))
    findings += _check_reserved(names, addresses, cluster)
    return tuple(findings) or Claims(frozenset(names), frozenset(addresses))


def _check_subject(request: SigningRequest, certificate: CertificateRequest) -> Iterator[Finding]:
    """O=system:nodes and CN=username (Kubernetes: kubelet-serving signer; NodeRestriction checks nodes only)."""
    if certificate.organization != "system:nodes":
        yield Finding(Reason.SUBJECT_MISMATCH, "subject O", f"is {shown(certificate.organization)}, not system:nodes")
    if certificate.common_name != request.username:
        detail = f"is {shown(certificate.common_name)}, the requester is {shown(request.username)}"
        yield Finding(Reason.SUBJECT_MISMATCH, "subject CN", detail)
    count = len(certificate.alternative_names)
    if not 1 <= count <= MAX_ALTERNATIVE_NAMES:
        detail = f"has {count} entries; 1 to {MAX_ALTERNATIVE_NAMES} are permitted"
        yield Finding(Reason.SUBJECT_ALT_NAME_INVALID, "subjectAltName", detail)


def _check_reserved(names: set[DnsName], addresses: set[IPAddress], cluster: Cluster) -> Iterator[Finding]:
    """Identities that are refused even if EC2 agreed: the certificate chains to the CA that the API server's does."""
    for name in names:
        if is_reserved_name(name):
            yield Finding(Reason.RESERVED_IDENTITY, name, "is never a node's name")
    for address in addresses:
        if kind := _reserved_kind(address, cluster):
            yield Finding(Reason.RESERVED_IDENTITY, str(address), f"is {kind}, never a node's own")
    if cluster.endpoint in names or cluster.endpoint in addresses:
        yield Finding(Reason.RESERVED_IDENTITY, str(cluster.endpoint), "is the cluster's endpoint, never a node's own")


def _reserved_kind(address: IPAddress, cluster: Cluster) -> str | None:
    number = int(address)
    for kind, first, last in _RESERVED_RANGES[address.version]:
        if first <= number <= last:
            return kind
    for network in cluster.service_networks:
        if address in network:
            return "a Service address"
    return None
