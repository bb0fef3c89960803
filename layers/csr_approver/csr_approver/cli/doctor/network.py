"""Section "network": whether the function can reach the API server, and AWS."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from csr_approver.cli.doctor.facts import Facts, NotApplicableError
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, unknown, wrong
from csr_approver.cli.stack import variables

_INTO_VPC = "deploy with VpcId, SubnetIds and ClusterSecurityGroupId (docs/operations.md, Private clusters)"
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_HTTPS = 443


def _endpoint(facts: Facts) -> Iterator[Found]:
    """Whether the function is where the endpoint lets it in."""
    access = facts.cluster().get("resourcesVpcConfig") or {}
    public, private = access.get("endpointPublicAccess"), access.get("endpointPrivateAccess")
    cidrs = set(access.get("publicAccessCidrs") or _EVERYWHERE)
    vpc_id = _vpc(facts)
    if private and vpc_id:
        if vpc_id == access.get("vpcId"):
            yield ok(f"private, and the function is in the cluster's {vpc_id}")
        else:
            yield unknown(
                f"private in {access.get('vpcId')}, the function is in {vpc_id}: see how the two are connected"
            )
    elif not public:
        yield wrong("private only, and the function is outside any VPC", _INTO_VPC)
    elif not cidrs & _EVERYWHERE:
        if vpc_id:
            yield unknown(f"public for {', '.join(sorted(cidrs))}: the NAT gateway's address must be in there")
        else:
            yield wrong(
                f"public for {', '.join(sorted(cidrs))} only, and a function outside a VPC has no address of its own",
                _INTO_VPC,
            )
    else:
        yield ok("public, from everywhere")


def _security_group(facts: Facts) -> Iterator[Found]:
    """The cluster's own lets nobody in by default but its nodes."""
    access = facts.cluster().get("resourcesVpcConfig") or {}
    if not (_vpc(facts) and access.get("endpointPrivateAccess")):
        raise NotApplicableError("the private endpoint is not used")
    own = sorted(_config(facts).get("SecurityGroupIds") or [])
    theirs = sorted({str(access.get("clusterSecurityGroupId")), *(access.get("securityGroupIds") or [])} - {"None"})
    groups = {
        group["GroupId"]: group
        for group in facts.aws.ec2.describe_security_groups(GroupIds=[*own, *theirs])["SecurityGroups"]
    }
    if not any(_allows(groups[group]["IpPermissionsEgress"], theirs) for group in own):
        yield wrong(
            f"{', '.join(own)}, the function's, lets nothing out to port {_HTTPS}",
            f"aws ec2 authorize-security-group-egress --group-id {own[0]} --protocol tcp --port {_HTTPS}"
            " --cidr 0.0.0.0/0",
        )
    elif not any(_allows(groups[group]["IpPermissions"], own) for group in theirs):
        yield wrong(
            f"{', '.join(theirs)}, the cluster's, does not let {', '.join(own)} in on port {_HTTPS}",
            f"sam deploy with ClusterSecurityGroupId={theirs[0]}, or aws ec2 authorize-security-group-ingress"
            f" --group-id {theirs[0]} --protocol tcp --port {_HTTPS} --source-group {own[0]}",
        )
    else:
        yield ok(f"{', '.join(theirs)} lets {', '.join(own)} in on port {_HTTPS}")


def _allows(permissions: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> bool:
    """Whether one of the rules is for port 443 and for one of these groups or for addresses, whichever they are."""
    for rule in permissions:
        if rule.get("IpProtocol") not in ("tcp", "6", "-1"):
            continue
        if rule.get("IpProtocol") != "-1" and not rule.get("FromPort", 0) <= _HTTPS <= rule.get("ToPort", 65535):
            continue
        if any(pair.get("GroupId") in groups for pair in rule.get("UserIdGroupPairs") or ()):
            return True
        if rule.get("IpRanges") or rule.get("Ipv6Ranges") or rule.get("PrefixListIds"):
            return True
    return False


def _way_out(facts: Facts) -> Iterator[Found]:
    """To EC2, EKS, IAM and SQS: endpoints of the stack, or a route; an internet gateway is of no use to a function."""
    vpc_id = _vpc(facts)
    if not vpc_id:
        yield not_applicable("the function is outside any VPC")
        return
    if "AWS_ENDPOINT_URL_EC2" in variables(facts.approver()):
        yield ok("the stack's own endpoints")
        return
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    tables = [
        table
        for page in facts.aws.ec2.get_paginator("describe_route_tables").paginate(Filters=filters)  # type: ignore[arg-type]  # the stubs want a TypedDict of their own here
        for table in page["RouteTables"]
    ]
    for subnet in sorted(_config(facts).get("SubnetIds") or []):
        route = _default_route(subnet, tables)
        if route is None:
            yield wrong("no route to AWS", f"a NAT gateway, or CreateEndpoints=true; {_INTO_VPC}", subnet)
        elif str(route.get("GatewayId", "")).startswith("igw-"):
            mend = "name private subnets in SubnetIds: a function gets no public address"
            yield wrong("a public subnet: its way out is an internet gateway", mend, subnet)
        else:
            target = next((str(route[key]) for key in route if key.endswith("Id")), "a route")
            yield ok(f"by {target}", subnet)


def _default_route(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    def associated(table: Mapping[str, Any], key: str, value: object) -> bool:
        return any(each.get(key) == value for each in table.get("Associations") or ())

    own = [table for table in tables if associated(table, "SubnetId", subnet)]
    for table in own or [table for table in tables if associated(table, "Main", True)]:
        for route in table.get("Routes") or ():
            destination = route.get("DestinationCidrBlock")
            if destination and ip_network(destination).prefixlen == 0 and route.get("State") == "active":
                return route  # type: ignore[no-any-return]  # of a document
    return None


def _resolver(facts: Facts) -> Iterator[Found]:
    vpc_id = _vpc(facts)
    if not vpc_id:
        yield not_applicable("the function is outside any VPC, and sees public names only")
        return
    ec2 = facts.aws.ec2
    support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
    names = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    missing = [option for option, on in (("support", support), ("hostnames", names)) if not on]
    if missing:
        yield wrong(
            f"{vpc_id} lacks {' and '.join(f'DNS {each}' for each in missing)}: private names do not resolve in it",
            "\n".join(f"aws ec2 modify-vpc-attribute --vpc-id {vpc_id} --enable-dns-{each}" for each in missing),
        )
    else:
        yield ok(f"{vpc_id} has DNS support and DNS hostnames")


def _config(facts: Facts) -> Mapping[str, Any]:
    found: Mapping[str, Any] = facts.approver().get("VpcConfig") or {}
    return found


def _vpc(facts: Facts) -> str:
    return str(_config(facts).get("VpcId") or "")


CHECKS: Checks = {
    "endpoint": _endpoint,
    "security group": _security_group,
    "way out": _way_out,
    "VPC's resolver": _resolver,
}
