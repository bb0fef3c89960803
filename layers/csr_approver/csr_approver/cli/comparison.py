"""Each check with what was asked, what was found and what is permitted, from what a verdict rests on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from csr_approver.assess import Assessment
from csr_approver.cli.checks import CHECKS
from csr_approver.cli.terminal import Mark
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.evidence import Evidence
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.instance_rules import the_instance
from csr_approver.policy.names import DnsName, IPAddress
from csr_approver.policy.observation import Observation, Seen
from csr_approver.policy.permitted import Permitted, listed_addresses, permitted
from csr_approver.policy.question import InstanceById
from csr_approver.policy.request import SESSION_NAME, SigningRequest
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.settings import RoleCheck
from csr_approver.policy.verdict import Finding, findings_of, is_violation, listed, shown
from csr_approver.settings import Settings

_FEW = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One check; each column holds a value a line. In `asked` and `found` the lines belong together."""

    check: str
    asked: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    mark: Mark = Mark.SKIPPED


def rows(
    request: SigningRequest, assessment: Assessment, cluster: Observation[Cluster], settings: Settings
) -> list[Row]:
    """A row for each check in the order of CHECKS; SKIPPED are those that the verdict did not need."""
    compared = {row.check: row for row in _compared(request, assessment, cluster, settings)}
    findings = findings_of(assessment.verdict)
    return [
        replace(
            compared.get(check, Row(check)),
            mark=_mark([finding for finding in findings if finding.reason in reasons], made=check in compared),
        )
        for check, reasons in CHECKS.items()
    ]


def _mark(findings: list[Finding], *, made: bool) -> Mark:
    if any(map(is_violation, findings)):
        return Mark.DISPROVED
    if findings:
        return Mark.UNKNOWN
    return Mark.PASSED if made else Mark.SKIPPED


def _compared(
    request: SigningRequest, assessment: Assessment, cluster: Observation[Cluster], settings: Settings
) -> Iterator[Row]:
    """The checks that were made, whether or not they objected."""
    signer = shown(request.signer_name)
    yield Row("routing", (signer,), ("pending",), ("pending requests of EC2 nodes",))
    if not isinstance(cluster, Seen):
        yield Row("cluster", (settings.cluster.name,))
        return
    facts, candidate, evidence = cluster.value, assessment.candidate, assessment.evidence
    yield Row("cluster", (facts.name,), (f"{facts.vpc_id} in {facts.region}",))
    yield Row("identity", (shown(request.node_name),), (_identity(request, candidate),), _roles(settings))
    well_formed = not any(finding.reason in CHECKS["form"] for finding in findings_of(assessment.verdict))
    usages = shown(", ".join(request.usages or ()))
    yield Row("form", (usages,), ("as a kubelet sends it" if well_formed else "as no kubelet sends it",))
    if candidate is None or evidence is None:
        return
    instances = evidence.instances.value if isinstance(evidence.instances, Seen) else ()
    instance = the_instance(instances, candidate.question, facts)
    asked = _question(candidate)
    own_instance = f"running in {facts.vpc_id}" + (
        f", tagged for {facts.name}" if settings.policy.cluster_membership else ""
    )
    if not isinstance(instance, Instance):
        yield Row("instance", asked, (), (own_instance,))
        return
    yield Row("instance", asked, (f"{instance.state} in {instance.vpc_id or 'no VPC'}",), (own_instance,))
    own = permitted(instance, candidate.identity.node_name, facts, settings.policy)
    yield from _claims(candidate, instance, own)
    yield from _role(candidate, evidence, settings)
    yield from _dns(candidate, evidence, instance)


def _identity(request: SigningRequest, candidate: Candidate | None) -> str:
    if candidate and candidate.identity.session:
        return f"{candidate.identity.session.instance_id} with role {candidate.identity.session.role.name}"
    sessions = request.extra.get(SESSION_NAME)
    return shown(", ".join(sessions)) if sessions else "no session name"


def _roles(settings: Settings) -> tuple[str, ...]:
    roles = settings.policy.node_roles
    return tuple(sorted(f"role {role.name}" for role in roles)) or ("any role that is mapped to nodes",)


def _question(candidate: Candidate) -> tuple[str, ...]:
    match candidate.question:
        case InstanceById(instance_id):
            return (instance_id,)
        case by_name:
            return tuple(sorted(by_name.private_dns_names))


def _claims(candidate: Candidate, instance: Instance, own: Permitted) -> Iterator[Row]:
    names = sorted(candidate.claims.names)
    yield Row("names", tuple(names), tuple(_of_name(name, own) for name in names), tuple(sorted(own.names)))
    addresses = sorted(candidate.claims.addresses, key=str)
    yield Row(
        "addresses",
        tuple(map(str, addresses)),
        tuple(_of_address(address, instance, own) for address in addresses),
        tuple(sorted(map(str, own.addresses))),
    )


def _of_name(name: DnsName, own: Permitted) -> str:
    if name in own.ec2_names:
        return "given by EC2"
    return "under custom-domains" if name in own.custom_names else "not the instance's"


def _of_address(address: IPAddress, instance: Instance, own: Permitted) -> str:
    if address in own.addresses:
        return "the node's own"
    if address in listed_addresses(instance):
        return "the instance's, not the node's own"
    if any(address in prefix for interface in instance.interfaces for prefix in interface.prefixes):
        return "delegated to the instance's pods"
    return "not the instance's"


def _role(candidate: Candidate, evidence: Evidence, settings: Settings) -> Iterator[Row]:
    """The role in the instance's profile, which is to be the one that asked."""
    if evidence.profile_role is None:
        return
    session = candidate.identity.session
    permitted_roles = (session.role.name,) if session else _roles(settings)
    if settings.policy.role_check is RoleCheck.REQUIRE:
        permitted_roles = tuple(f"{role}, assumed by EC2 only" for role in permitted_roles)
    found = evidence.profile_role.value.name if isinstance(evidence.profile_role, Seen) else "not readable"
    if isinstance(evidence.trust_policy, Seen):
        others = evidence.trust_policy.value.others
        found += f", assumed by {shown(others)}" if others else ", assumed by EC2 only"
    yield Row("role", (session.role.name if session else "",), (found,), permitted_roles)


def _dns(candidate: Candidate, evidence: Evidence, instance: Instance) -> Iterator[Row]:
    resolutions: Mapping[DnsName, Resolution] = evidence.resolutions or {}
    asked = sorted(candidate.claims.names & resolutions.keys())
    if asked:
        yield Row("dns", tuple(asked), tuple(_answers(resolutions[name]) for name in asked), _few(instance))


def _few(instance: Instance) -> tuple[str, ...]:
    """With the VPC's network plugin, an instance has an address for each of its pods."""
    addresses = sorted(map(str, listed_addresses(instance)))
    more = len(addresses) - _FEW
    return (*addresses[:_FEW], *([f"and {more} more of the instance"] if more > 0 else []))


def _answers(resolution: Resolution) -> str:
    return ", ".join(
        listed(answer.value) if isinstance(answer, Seen) else answer.detail
        for answer in (resolution.ipv4, resolution.ipv6)
    )
