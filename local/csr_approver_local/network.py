"""EC2's security groups, route tables and VPC attributes, answered from documents: ids are those of a sample."""

from collections.abc import Mapping
from typing import Any

from csr_approver_local.wire import AwsError, read_answer


class Network:
    """The networks of one account and region."""

    def __init__(self) -> None:
        self._groups: dict[str, Mapping[str, Any]] = {}
        self._tables: list[Mapping[str, Any]] = []
        self._attributes: dict[tuple[str, str], Mapping[str, Any]] = {}

    def put_security_groups(self, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws ec2 describe-security-groups` prints it, in place of the groups. ValueError."""
        groups = read_answer("ec2", "DescribeSecurityGroups", "SecurityGroups", document)
        self._groups = {group["GroupId"]: group for group in groups}

    def put_route_tables(self, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws ec2 describe-route-tables` prints it, in place of the tables. ValueError."""
        self._tables = read_answer("ec2", "DescribeRouteTables", "RouteTables", document)

    def put_vpc_attribute(self, attribute: str, document: Mapping[str, Any]) -> None:
        """What `aws ec2 describe-vpc-attribute --attribute ATTRIBUTE` prints. ValueError."""
        vpc_id = read_answer("ec2", "DescribeVpcAttribute", "VpcId", document)
        self._attributes[vpc_id, attribute] = document

    def security_groups(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeSecurityGroups by GroupIds."""
        for group_id in params["GroupIds"]:
            if group_id not in self._groups:
                raise AwsError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        return {"SecurityGroups": [self._groups[group_id] for group_id in params["GroupIds"]]}

    def route_tables(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeRouteTables of one VPC, by the filter vpc-id; all on one page."""
        ((name, values),) = ((each["Name"], each["Values"]) for each in params["Filters"])
        if name != "vpc-id":
            raise AwsError("NotImplemented", f"the local EC2 does not filter route tables by {name}", 501)
        return {"RouteTables": [table for table in self._tables if table["VpcId"] in values]}

    def vpc_attribute(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeVpcAttribute."""
        key = params["VpcId"], params["Attribute"]
        if key not in self._attributes:
            raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{params['VpcId']}' does not exist")
        return self._attributes[key]
