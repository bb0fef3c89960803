"""A batch works as a batch: what it asks, what it says of itself, and that it ends in time."""

from collections import Counter
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.system import System
from tests.support.endings import troubles
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

BATCH = 100
FOREIGN = (NODE_NAME, "10.0.1.24")


def batch() -> list[dict[str, Any]]:
    """Approvals, and every tenth a denial."""
    return [signing_request(*(FOREIGN if number % 10 == 0 else ())) for number in range(BATCH)]


class Figures:
    """What was counted while one batch was decided."""

    def __init__(self) -> None:
        with System(default_world(), batch_size=BATCH) as system:
            for request in batch():
                system.submit(request)
            self.calls_before = len(system.aws.calls)
            system.run()
            self.decisions = system.decisions
            self.metrics = system.metrics
            self.invocations = system.invocations
            self.aws = Counter(call.operation for call in system.aws.calls[self.calls_before :])
            self.queries = Counter((query.name, query.type) for query in system.dns.queries)
            self.kubernetes = Counter(method for method, _, _ in system.kubernetes.requests)
            self.denials = system.denials
            self.troubles = troubles(system)


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures()


def test_a_hundred_requests_are_one_invocation(figures: Figures) -> None:
    assert len(figures.invocations) == 1
    assert figures.troubles == []


def test_ec2_iam_and_eks_are_asked_once(figures: Figures) -> None:
    once = ("DescribeInstances", "GetInstanceProfile", "GetRole", "DescribeCluster")
    assert [figures.aws[operation] for operation in once] == [1, 1, 1, 1]


def test_each_name_is_resolved_once_in_each_family(figures: Figures) -> None:
    assert figures.queries == {(NODE_NAME, "A"): 1, (NODE_NAME, "AAAA"): 1}


def test_each_request_is_read_once_and_written_once(figures: Figures) -> None:
    assert figures.kubernetes == {"GET": BATCH, "PUT": BATCH}


def test_each_request_is_told_in_one_line_with_its_reasons(figures: Figures) -> None:
    assert len({line["uid"] for line in figures.decisions}) == len(figures.decisions) == BATCH
    told = Counter((line["verdict"], *line["reasons"]) for line in figures.decisions)
    assert told == {("Approve",): 90, ("Deny", Reason.ADDRESS_NOT_OF_INSTANCE): 10}


def test_each_denial_is_on_record_once(figures: Figures) -> None:
    assert len({record["uid"] for record in figures.denials}) == len(figures.denials) == 10


def test_decisions_are_counted_by_cluster_and_verdict(figures: Figures) -> None:
    counted = {metric["verdict"]: sum(metric["Decisions"]) for metric in figures.metrics if "Decisions" in metric}
    assert counted == {"Approve": 90, "Deny": 10}


def test_every_decisions_age_is_counted(figures: Figures) -> None:
    ages = [age for metric in figures.metrics for age in metric.get("CreatedToDecidedSeconds", [])]
    assert len(ages) == BATCH
    assert all(3600 <= age < 3700 for age in ages)


def test_no_metric_has_another_dimension_than_cluster_and_verdict(figures: Figures) -> None:
    directives = [directive for metric in figures.metrics for directive in metric["_aws"]["CloudWatchMetrics"]]
    assert {(directive["Namespace"], *map(tuple, directive["Dimensions"])) for directive in directives} == {
        ("CsrApprover", ("cluster", "verdict")),
        ("CsrApprover", ("cluster",)),
    }
    assert {metric["cluster"] for metric in figures.metrics} == {"demo"}


def test_no_metric_holds_more_values_than_emf_allows(figures: Figures) -> None:
    for metric in figures.metrics:
        assert all(len(values) <= 100 for values in metric.values() if isinstance(values, list))


def test_no_metric_names_a_node_a_reason_or_a_request(figures: Figures) -> None:
    metrics = str(figures.metrics)
    for word in (NODE_NAME, Reason.ADDRESS_NOT_OF_INSTANCE, "csr-0"):
        assert word not in metrics
