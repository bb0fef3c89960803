"""Creating, reading and deleting requests, and who may do what."""

from dataclasses import replace
from typing import Any

import pytest

from tests.api_client import CSRS, ApiClient
from tests.contract.api_server.clusters import By, Cluster
from tests.contract.api_server.kubelet_requests import (
    condition,
    decided,
    encoded,
    pkcs10,
    serving_request,
    version,
)
from tests.support import requests
from tests.support.der import Pkcs10, node_subject
from tests.support.requests import INSTANCE_ID, session_extra

NODE = "a.example"


def test_a_new_request_carries_its_creators_identity_whatever_it_says_itself(by: By) -> None:
    forged = serving_request(NODE, username="admin", uid="0", groups=["system:masters"], extra={"arn": ["forged"]})
    created = by("node-a").create(decided(forged, condition("Approved")))
    assert created.status == 201
    spec = created.body["spec"]
    assert spec["username"] == "system:node:a.example"
    assert spec["groups"] == ["system:nodes", "system:authenticated"]
    assert "uid" not in spec
    assert "extra" not in spec
    assert created.body["status"] == {}


def test_an_instance_is_whom_the_authenticator_takes_it_for(cluster: Cluster) -> None:
    with cluster.instance(NODE, INSTANCE_ID) as kubelet:
        created = kubelet.create(serving_request(NODE, extra={"sessionName": ["forged"]}))
    spec = created.body["spec"]
    assert spec["username"] == "system:node:a.example"
    assert spec["uid"] == "aws-iam-authenticator:111122223333:AROAEXAMPLEROLEID"
    assert spec["groups"] == ["system:bootstrappers", "system:nodes", "system:authenticated"]
    # The keys as they are, capitals and slash.
    assert spec["extra"] == session_extra(INSTANCE_ID)


def test_a_new_request_gets_a_name_a_uid_a_version_and_a_time_from_the_server(csr: dict[str, Any]) -> None:
    metadata = csr["metadata"]
    assert metadata["name"].startswith("csr-")
    assert len(metadata["name"]) == len("csr-") + 5
    assert len(metadata["uid"]) == 36
    assert version(csr) > 0
    assert metadata["creationTimestamp"].endswith("Z")


def test_a_request_is_read_back_as_it_was_created(by: By, csr: dict[str, Any]) -> None:
    assert by("approver").get(csr["metadata"]["name"]) == (200, csr)
    assert by("admin").call("GET", f"{CSRS}/{csr['metadata']['name']}/approval") == (200, csr)


def test_a_name_is_taken_once(by: By, csr: dict[str, Any]) -> None:
    again = serving_request(NODE) | {"metadata": {"name": csr["metadata"]["name"]}}
    assert by("node-a").create(again).refusal == (409, "AlreadyExists")


def test_a_node_may_not_ask_for_another_node(by: By) -> None:
    answer = by("node-a").create(serving_request("b.example"))
    assert answer.refusal == (403, "Forbidden")
    assert "can only create a node CSR with CN=system:node:a.example" in answer.body["message"]


def test_whoever_is_no_node_may_ask_for_any_node(by: By) -> None:
    assert by("admin").create(serving_request("b.example")).status == 201


def asks_for(*names: str) -> Pkcs10:
    return requests.pkcs10(*names, node_name=NODE)


@pytest.mark.parametrize(
    ("signed", "usage"),
    [
        pytest.param(asks_for(NODE, "10.0.1.23"), "server auth", id="what it should"),
        pytest.param(asks_for(NODE), "server auth", id="a name alone"),
        pytest.param(asks_for("10.0.1.23"), "server auth", id="an address alone"),
        pytest.param(asks_for("kubernetes.default.svc"), "server auth", id="another's name"),
        pytest.param(replace(asks_for(), attributes=[]), "server auth", id="no name"),
        pytest.param(asks_for(NODE), "client auth", id="another usage"),
        pytest.param(
            replace(asks_for(NODE), subject=node_subject(f"system:node:{NODE}", organization="system:masters")),
            "server auth",
            id="another organisation",
        ),
    ],
)
def test_a_node_may_ask_for_whatever_it_likes_for_itself(by: By, signed: Pkcs10, usage: str) -> None:
    """Whether it gets that is for the approver, and then for the signer, to say."""
    content = encoded(requests.pem(signed.der()))
    created = by("node-a").create(serving_request(NODE, request=content, usages=[usage]))
    assert created.status == 201
    assert by("approver").put_approval(decided(created.body, condition("Approved"))).status == 200


def test_a_node_may_read_requests_but_not_decide_or_delete_them(by: By, csr: dict[str, Any]) -> None:
    node = by("node-a")
    assert node.get(csr["metadata"]["name"]) == (200, csr)
    assert node.list(limit="1").status == 200
    assert node.put_approval(decided(csr, condition("Approved"))).refusal == (403, "Forbidden")
    assert node.delete(csr["metadata"]["name"]).refusal == (403, "Forbidden")


def test_an_unreadable_request_of_a_node_is_refused_by_admission(by: By) -> None:
    assert by("node-a").create(serving_request(NODE, request=encoded(b"garbage"))).refusal == (403, "Forbidden")


OTHER_LABEL = pkcs10(NODE).replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
OTHER_BLOCK_FIRST = b"-----BEGIN FOO-----\nAAAA\n-----END FOO-----\n" + pkcs10(NODE)
MALFORMED_BLOCK_FIRST = OTHER_BLOCK_FIRST.replace(b"AAAA", b"!!!!")


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        pytest.param({"request": None}, ("FieldValueInvalid", "spec.request"), id="no request"),
        pytest.param({"request": encoded(b"x")}, ("FieldValueInvalid", "spec.request"), id="no PEM"),
        pytest.param({"request": encoded(OTHER_LABEL)}, ("FieldValueInvalid", "spec.request"), id="other label"),
        pytest.param(
            {"request": encoded(OTHER_BLOCK_FIRST)}, ("FieldValueInvalid", "spec.request"), id="other block first"
        ),
        pytest.param(
            {"request": encoded(pkcs10(NODE, forged=True))},
            ("FieldValueInvalid", "spec.request"),
            id="not signed by its key",
        ),
        pytest.param({"usages": []}, ("FieldValueRequired", "spec.usages"), id="no usage"),
        pytest.param({"usages": ["tea"]}, ("FieldValueNotSupported", "spec.usages[0]"), id="unknown usage"),
        pytest.param({"usages": ["any", "any"]}, ("FieldValueDuplicate", "spec.usages[1]"), id="the same usage twice"),
        pytest.param({"signerName": None}, ("FieldValueRequired", "spec.signerName"), id="no signer"),
        pytest.param({"signerName": "kubelet"}, ("FieldValueInvalid", "spec.signerName"), id="signer of no domain"),
        pytest.param(
            {"signerName": "kubernetes.io/legacy-unknown"},
            ("FieldValueInvalid", "spec.signerName"),
            id="the legacy signer",
        ),
        pytest.param(
            {"expirationSeconds": 599}, ("FieldValueInvalid", "spec.expirationSeconds"), id="under ten minutes"
        ),
    ],
)
def test_an_invalid_request_is_refused(by: By, spec: dict[str, Any], cause: tuple[str, str]) -> None:
    assert by("admin").create(serving_request(NODE, **spec)).causes == [cause]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"expirationSeconds": 600}, id="ten minutes"),
        pytest.param({"usages": ["server auth", "digital signature", "key encipherment"]}, id="usages in any order"),
        pytest.param({"signerName": "example.com/a.b-c"}, id="anybody's signer"),
        pytest.param({"request": encoded(b"text\n" + pkcs10(NODE) + b"text")}, id="text around the block"),
        pytest.param({"request": encoded(MALFORMED_BLOCK_FIRST)}, id="a malformed block first"),
        pytest.param({"request": encoded(pkcs10(NODE)) + "\n"}, id="a line break in base64"),
        pytest.param({"teapot": 1}, id="an unknown field"),
    ],
)
def test_an_unusual_request_is_accepted(by: By, spec: dict[str, Any]) -> None:
    assert by("admin").create(serving_request(NODE, **spec)).status == 201


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param([], id="an array"),
        pytest.param(serving_request(NODE, request="!!!"), id="no base64"),
        pytest.param(serving_request(NODE, usages="any"), id="a string for a list"),
        pytest.param(serving_request(NODE, expirationSeconds="600"), id="a string for a number"),
        pytest.param(serving_request(NODE) | {"kind": "Pod", "apiVersion": "v1"}, id="another kind"),
        pytest.param(serving_request(NODE) | {"apiVersion": "certificates.k8s.io/v1beta1"}, id="another version"),
        pytest.param(serving_request(NODE) | {"apiVersion": 1}, id="a number for a version"),
    ],
)
def test_what_cannot_be_decoded_is_a_bad_request(by: By, body: object) -> None:
    assert by("admin").call("POST", CSRS, body).refusal == (400, "BadRequest")


def test_kind_and_version_may_be_left_out(by: By) -> None:
    body = {k: v for k, v in serving_request(NODE).items() if k not in ("kind", "apiVersion")}
    assert by("admin").create(body).status == 201


def test_an_unknown_token_is_unauthorized(cluster: Cluster) -> None:
    with ApiClient(cluster.url, cluster.ca_pem, "no-such-token") as stranger:
        assert stranger.get("x").refusal == (401, "Unauthorized")


def test_without_a_token_one_is_anonymous(cluster: Cluster) -> None:
    with ApiClient(cluster.url, cluster.ca_pem, None) as stranger:
        answer = stranger.get("x")
    assert answer.refusal == (403, "Forbidden")
    assert 'User "system:anonymous" cannot get resource "certificatesigningrequests"' in answer.body["message"]


@pytest.mark.parametrize(
    ("role", "method", "suffix", "denied"),
    [
        pytest.param("nobody", "GET", "/x", 'get resource "certificatesigningrequests"', id="get"),
        pytest.param("approver", "GET", "", 'list resource "certificatesigningrequests"', id="list"),
        pytest.param("approver", "GET", "?watch=1", 'watch resource "certificatesigningrequests"', id="watch"),
        pytest.param("watcher", "GET", "/x", 'get resource "certificatesigningrequests"', id="get by a watcher"),
        pytest.param("approver", "POST", "", 'create resource "certificatesigningrequests"', id="create"),
        pytest.param("approver", "DELETE", "/x", 'delete resource "certificatesigningrequests"', id="delete"),
        pytest.param(
            "watcher", "PUT", "/x/approval", 'update resource "certificatesigningrequests/approval"', id="approve"
        ),
        pytest.param(
            "approver", "PATCH", "/x/approval", 'patch resource "certificatesigningrequests/approval"', id="patch"
        ),
        pytest.param("approver", "PUT", "/x/status", 'update resource "certificatesigningrequests/status"', id="issue"),
    ],
)
def test_what_no_role_permits_is_forbidden(by: By, role: str, method: str, suffix: str, denied: str) -> None:
    answer = by(role).call(method, CSRS + suffix, {})
    assert answer.refusal == (403, "Forbidden")
    expected = f'is forbidden: User "{role}" cannot {denied} in API group "certificates.k8s.io" at the cluster scope'
    assert expected in answer.body["message"]


def test_an_unknown_request_is_not_found(by: By) -> None:
    answer = by("approver").get("no-such-request")
    assert answer.refusal == (404, "NotFound")
    assert answer.body["details"]["name"] == "no-such-request"


def test_paths_and_methods_that_do_not_exist_are_refused(by: By) -> None:
    assert by("admin").call("GET", "/apis/certificates.k8s.io/v1/teapots").refusal == (404, "NotFound")
    assert by("admin").call("GET", f"{CSRS}/x/teapot").refusal == (404, "NotFound")
    assert by("admin").call("PUT", CSRS, {}).refusal == (405, "MethodNotAllowed")
    assert by("admin").call("POST", f"{CSRS}/x", {}).refusal == (405, "MethodNotAllowed")


def test_a_deleted_request_is_gone(by: By, csr: dict[str, Any]) -> None:
    name = csr["metadata"]["name"]
    deleted = by("admin").delete(name)
    assert (deleted.status, deleted.body["status"]) == (200, "Success")
    assert deleted.body["details"]["uid"] == csr["metadata"]["uid"]
    assert by("approver").get(name).refusal == (404, "NotFound")
    assert by("admin").delete(name).refusal == (404, "NotFound")
