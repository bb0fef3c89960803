"""Section "rights in the cluster": what RBAC gives the approver and the watcher, and that it gives them no more."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from csr_approver.cli.conditions import conditions_of
from csr_approver.cli.doctor.access import GROUP
from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, unknown, wrong
from csr_approver.cli.inputs import InputError
from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError
from csr_approver.effects.approvals import with_condition
from csr_approver.policy.request import KUBELET_SERVING
from csr_approver.policy.verdict import Approve, shown

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_APPLY = "kubectl apply -k watcher/deploy"
_APPROVER_USER = "csr-approver"


class _Right(NamedTuple):
    verb: str
    resource: str
    name: str = ""
    api_group: str = "certificates.k8s.io"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verb, self.resource, self.name)))


_CSRS, _APPROVAL, _STATUS = (f"certificatesigningrequests{part}" for part in ("", "/approval", "/status"))
_SERVING, _CLIENT = KUBELET_SERVING, "kubernetes.io/kube-apiserver-client"
_SECRETS = _Right("list", "secrets", api_group="")
_PODS = _Right("create", "pods", api_group="")
# watcher/deploy/base/rbac-approver.yaml and rbac-watcher.yaml
_APPROVER_NEEDS = (_Right("get", _CSRS), _Right("update", _APPROVAL), _Right("approve", "signers", _SERVING))
_WATCHER_NEEDS = (_Right("list", _CSRS), _Right("watch", _CSRS))
# Not all that there is: what would do harm, and what a role that is too wide gives.
_APPROVER_MAY_NOT = (
    _Right("approve", "signers", _CLIENT),
    _Right("sign", "signers", _SERVING),
    _Right("update", _STATUS),
    _Right("delete", _CSRS),
    _Right("list", _CSRS),
    _SECRETS,
    _PODS,
)
_WATCHER_MAY_NOT = (
    _Right("update", _APPROVAL),
    _Right("approve", "signers", _SERVING),
    _Right("update", _STATUS),
    _Right("delete", _CSRS),
    _SECRETS,
    _PODS,
)


class _Subject(NamedTuple):
    user: str
    groups: Sequence[str]


_APPROVER = _Subject(_APPROVER_USER, (GROUP, "system:authenticated"))


def _watcher(facts: Facts) -> _Subject:
    accounts = "system:serviceaccounts"
    name = f"system:serviceaccount:{facts.namespace}:csr-watcher"
    return _Subject(name, (accounts, f"{accounts}:{facts.namespace}", "system:authenticated"))


def _approver_may(facts: Facts) -> Iterator[Found]:
    yield _needs(facts, _APPROVER, _APPROVER_NEEDS)


def _watcher_may(facts: Facts) -> Iterator[Found]:
    yield _needs(facts, _watcher(facts), _WATCHER_NEEDS)


def _approver_may_not(facts: Facts) -> Iterator[Found]:
    as_it = f"--as={_APPROVER_USER} --as-group={GROUP} --as-group=system:authenticated"
    yield _no_more(facts, _APPROVER, _APPROVER_MAY_NOT, as_it)


def _watcher_may_not(facts: Facts) -> Iterator[Found]:
    subject = _watcher(facts)
    yield _no_more(facts, subject, _WATCHER_MAY_NOT, f"--as={subject.user}")


def _needs(facts: Facts, subject: _Subject, rights: Sequence[_Right]) -> Found:
    missing = [str(right) for right in rights if not _may(facts, subject, right)]
    if missing:
        return wrong(f"{subject.user} may not: {'; '.join(missing)}", _APPLY)
    return ok("; ".join(map(str, rights)))


def _no_more(facts: Facts, subject: _Subject, rights: Sequence[_Right], as_it: str) -> Found:
    excess = [str(right) for right in rights if _may(facts, subject, right)]
    if excess:
        return wrong(
            f"{subject.user} may also: {'; '.join(excess)}",
            f"find and remove the binding that gives it: kubectl auth can-i --list {as_it}",
        )
    return ok(f"may not: {'; '.join(map(str, rights))}")


def _may(facts: Facts, subject: _Subject, right: _Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "group": right.api_group,
        "resource": resource,
        "subresource": subresource,
        "verb": right.verb,
        "name": right.name,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": subject.user, "groups": list(subject.groups), "resourceAttributes": attributes},
    }
    try:
        answer = facts.kubernetes().ask(_REVIEWS, review)
    except KubernetesError as error:
        if error.status == 403:
            needed = "create on subjectaccessreviews.authorization.k8s.io"
            raise InputError(f"whether {subject.user} may {right} takes {needed}: {error}") from None
        raise
    return (answer.get("status") or {}).get("allowed") is True


def _dry_run(facts: Facts) -> Iterator[Found]:
    """The whole way that an approval takes in the API server, admission too. Nothing of it is kept."""
    pending = next(
        (
            document
            for document in facts.kubernetes().items(
                REQUESTS_PATH, {"fieldSelector": f"spec.signerName={KUBELET_SERVING}"}
            )
            if not conditions_of(document)
        ),
        None,
    )
    if pending is None:
        yield not_applicable("no request is pending that it could be tried with")
        return
    # In a list, items tell neither their kind nor its version.
    named = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", **pending}
    name = shown(pending["metadata"]["name"])
    try:
        facts.kubernetes().try_approval(with_condition(named, Approve(), datetime.now(UTC)), _APPROVER_USER, GROUP)
    except KubernetesError as error:
        if error.status != 403:
            yield unknown(f"a dry run with {name} was not carried out: {error}")
        elif "impersonate" in str(error):
            yield unknown(f"a dry run with {name} takes impersonate on users and groups: {error}")
        else:
            yield wrong(f"a dry run with {name} was refused: {error}", _APPLY)
    else:
        yield ok(f"a dry run of the approval of {name} as {_APPROVER_USER} went through")


CHECKS: Checks = {
    "approver may": _approver_may,
    "approver may no more": _approver_may_not,
    "approval": _dry_run,
    "watcher may": _watcher_may,
    "watcher may no more": _watcher_may_not,
}
