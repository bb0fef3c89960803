"""`csr-approver replay`: play samples through the real handlers, and say how each ended."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from csr_approver.policy.names import canonical_address
from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.request import SigningRequest, read_signing_request
from csr_approver_local.lambda_runtime import Loader, load
from csr_approver_local.real_cluster import RefusedError
from csr_approver_local.samples import Expectation, Sample
from csr_approver_local.system import System

REFUSED = "refused by the API server"

# A fault in a sample lasts as long as the sample.
_ALWAYS = 1000
_DECISIONS = ("Approved", "Denied")


@dataclass(frozen=True, slots=True)
class Row:
    """How one request of one sample ended; `problem`: how that differs from what the sample says, None if not."""

    event: str
    node: str
    asked: tuple[str, ...]
    verdict: str
    reasons: tuple[str, ...]
    written: str
    recorded: int
    milliseconds: int
    problem: str | None


def play(sample: Sample, kubeconfig: str | None = None, load: Loader = load) -> list[Row]:
    """Everything from the message on the queue to the record in CloudWatch, by functions that `load` starts.

    With a kubeconfig the requests are made in that cluster; one that it refuses to take is no problem of ours.
    """
    with System(sample.world, sample.settings, sample.dns_faults, kubeconfig, load=load) as system:
        system.dns.down = sample.dns_down
        for operation, code in sample.aws_faults.items():
            system.aws.fail_next(operation, code, times=_ALWAYS)
        made: dict[str, Mapping[str, Any]] = {}
        refusals: dict[str, str] = {}
        for document in sample.requests:
            name = document["metadata"]["name"]
            try:
                made[name] = system.cluster.load(document)
            except RefusedError as error:
                refusals[name] = str(error)
        for body in sample.bodies:
            if not any(name in body for name in refusals):
                system.send(_pointed_at(body, made, system) if kubeconfig else body)
        system.run()
        return [
            _row(sample, document, made.get(name), refusals.get(name), system)
            for document in sample.requests
            if (name := document["metadata"]["name"]) in sample.expectations
        ]


def as_json(row: Row) -> Mapping[str, Any]:
    """One row for --output json."""
    return asdict(row)


def _pointed_at(body: str, made: Mapping[str, Mapping[str, Any]], system: System) -> str:
    """A pointer to a request under the name that the real cluster gave it; any other message as it is."""
    try:
        message = json.loads(body)
    except ValueError:
        return body
    stored = made.get(str(message.get("name"))) if isinstance(message, dict) else None
    return system.pointer(stored["metadata"]["name"], stored["metadata"]["uid"]) if stored else body


def _row(
    sample: Sample, document: Mapping[str, Any], made: Mapping[str, Any] | None, refusal: str | None, system: System
) -> Row:
    request = read_signing_request(document)
    name = made["metadata"]["name"] if made else request.name
    decisions = [line for line in system.decisions if line["csr"] == name]
    last: Mapping[str, Any] = decisions[-1] if decisions else {"verdict": "none", "reasons": []}
    before, after = _conditions(made), _conditions(system.cluster.stored(name) if made else None)
    row = Row(
        event=sample.name,
        node=request.node_name or request.username or "",
        asked=_asked(request),
        verdict=REFUSED if refusal else last["verdict"],
        reasons=tuple(last["reasons"]),
        written=", ".join(after[len(before) :]) or "none",
        # Records come at least once; whoever reads them counts a uid once.
        recorded=len({record["uid"] for record in system.denials if record["name"] == name}),
        milliseconds=round(1000 * sum(invocation.seconds for invocation in system.invocations)),
        problem=None,
    )
    return row if refusal else replace(row, problem=_problem(row, sample.expectations[request.name], system))


def _problem(row: Row, expected: Expectation, system: System) -> str | None:
    differences = [
        f"{field} is {found}, must be {wanted}"
        for field, found, wanted in (
            ("verdict", row.verdict, expected.verdict),
            ("reasons", ", ".join(row.reasons), ", ".join(sorted(expected.reasons))),
            ("written", row.written, expected.condition),
            ("recorded", row.recorded, expected.recorded),
            ("dead letters", system.dead_letters, 0),
        )
        if found != wanted
    ]
    differences += [
        f"the function failed: {invocation.error.message}" for invocation in system.invocations if invocation.error
    ]
    return "; ".join(differences) or None


def _asked(request: SigningRequest) -> tuple[str, ...]:
    certificate = read_certificate_request(request.pem_base64)
    if not isinstance(certificate, CertificateRequest):
        return ()
    return tuple(
        name if isinstance(name, str) else str(canonical_address(name) or name.hex(":"))
        for name in certificate.alternative_names
    )


def _conditions(document: Mapping[str, Any] | None) -> list[str]:
    conditions = (document or {}).get("status", {}).get("conditions", [])
    return [condition["type"] for condition in conditions if condition["type"] in _DECISIONS]
