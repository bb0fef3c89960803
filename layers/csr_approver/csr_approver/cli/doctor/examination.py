"""All checks at once, and their lines in order; a check that fails or may not look says so in its own line."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli.doctor import (
    access,
    decisions,
    network,
    node_roles,
    permissions,
    queues,
    rights,
    stack_state,
    watcher,
)
from csr_approver.cli.doctor.facts import Facts, NotApplicableError
from csr_approver.cli.doctor.findings import Check, Checks, Found, not_applicable, unknown
from csr_approver.cli.failures import aws_failure
from csr_approver.cli.inputs import InputError
from csr_approver.clients.api_server import KubernetesError
from csr_approver.environment import SettingsError

_SECTIONS: Mapping[str, Checks] = {
    "stack": stack_state.CHECKS,
    "cluster": access.CHECKS,
    "rights in the cluster": rights.CHECKS,
    "watcher": watcher.CHECKS,
    "decisions": decisions.CHECKS,
    "permissions in AWS": permissions.CHECKS,
    "queues": queues.CHECKS,
    "network": network.CHECKS,
    "node roles": node_roles.CHECKS,
}
_AT_ONCE = 8
# The IAM actions of the calls that are made here, by what botocore calls them.
_SERVICES = {
    "DescribeAccessEntry": "eks",
    "DescribeCluster": "eks",
    "DescribeRouteTables": "ec2",
    "DescribeSecurityGroups": "ec2",
    "DescribeVpcAttribute": "ec2",
    "GetQueueAttributes": "sqs",
    "GetRole": "iam",
    "ListAccessEntries": "eks",
    "ListEventSourceMappings": "lambda",
    "SimulatePrincipalPolicy": "iam",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, and where it belongs."""

    section: str
    name: str
    found: Found


def examine(facts: Facts) -> Iterator[Line]:
    """Every line, in the order of the sections."""
    _connect(facts)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looking = [
            (section, name, pool.submit(_look, check, facts))
            for section, checks in _SECTIONS.items()
            for name, check in checks.items()
        ]
        for section, name, future in looking:
            for found in future.result():
                yield Line(section, f"{name} {found.subject}".rstrip(), found)


def _connect(facts: Facts) -> None:
    """boto3's sessions make one client at a time."""
    aws = facts.aws
    for _ in (aws.cloudformation, aws.functions, aws.eks, aws.iam, aws.sqs, aws.logs, aws.ec2):
        pass


def _look(check: Check, facts: Facts) -> list[Found]:
    found: list[Found] = []
    try:
        found.extend(check(facts))
    except NotApplicableError as reason:
        found.append(not_applicable(str(reason)))
    except (InputError, KubernetesError, SettingsError) as error:
        found.append(unknown(str(error)))
    except ClientError as error:
        found.append(unknown(aws_failure(error, _SERVICES.get(error.operation_name, ""))))
    except BotoCoreError as error:
        found.append(unknown(aws_failure(error)))
    except Exception as error:  # an answer that is not as documented must not keep the other checks from looking
        found.append(unknown(f"could not be looked at: {type(error).__name__} {error}"))
    return found
