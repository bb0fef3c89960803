"""`csr-approver explain`: what it takes, what it prints, and its exit status."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import OFFLINE, Command, listed
from tests.support.requests import NODE_NAME, kubelet_object, signing_request

EXECUTABLE = Path(sys.executable).with_name("csr-approver")
APPROVED, DENIED = signing_request(), signing_request("10.0.1.23", "10.0.1.24")
IGNORED = signing_request(spec={"signerName": "example.com/x"})
POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "uid": "0"}, "spec": {}}


def line(document: dict[str, Any], verdict: str, *findings: tuple[str, str, str]) -> str:
    """The contract: these keys in this order, one line a request."""
    told = [{"reason": reason, "subject": subject, "detail": detail} for reason, subject, detail in findings]
    metadata = document["metadata"]
    return json.dumps({"name": metadata["name"], "uid": metadata["uid"], "verdict": verdict, "findings": told}) + "\n"


def test_the_json_output_is_one_line_a_request(command: Command) -> None:
    path = command.file(listed(APPROVED, DENIED, IGNORED))
    ran = command.explain("--csr", path, "--output", "json")
    assert ran.out == (
        line(APPROVED, "Approve")
        + line(
            DENIED,
            "Deny",
            ("AddressNotOfInstance", "10.0.1.24", "is not this node's own; permitted: 10.0.1.23"),
        )
        + line(
            IGNORED,
            "Ignore",
            ("OtherSigner", "spec.signerName", "is example.com/x, not kubernetes.io/kubelet-serving"),
        )
    )
    assert (ran.status, ran.err) == (0, "")


def test_every_objection_is_told_in_a_stable_order(command: Command) -> None:
    document = signing_request("10.0.1.25", "x.example.com", "10.0.1.24")
    ran = command.explain("--csr", command.file(document), "--output", "json")
    findings = json.loads(ran.out)["findings"]
    assert [(finding["reason"], finding["subject"]) for finding in findings] == [
        ("AddressNotOfInstance", "10.0.1.24"),
        ("AddressNotOfInstance", "10.0.1.25"),
        ("NameNotOfInstance", "x.example.com"),
    ]


@pytest.mark.parametrize(
    ("content", "verdicts"),
    [
        pytest.param(APPROVED, ["Approve"], id="one object"),
        pytest.param(json.dumps(APPROVED, indent=4), ["Approve"], id="one object on many lines"),
        pytest.param(listed(APPROVED, DENIED), ["Approve", "Deny"], id="a List"),
        pytest.param(
            listed(
                *({key: value for key, value in item.items() if key != "kind"} for item in (APPROVED, DENIED)),
                kind="CertificateSigningRequestList",
            ),
            ["Approve", "Deny"],
            id="a CertificateSigningRequestList, whose items have no kind",
        ),
        pytest.param(listed(), [], id="an empty List"),
        pytest.param({"kind": "List", "items": None}, [], id="a List of nothing"),
        pytest.param({"kind": "CertificateSigningRequestList", "items": 5}, [], id="a list whose items are a number"),
        pytest.param(json.dumps(APPROVED) + json.dumps(DENIED), ["Approve", "Deny"], id="JSON after JSON"),
        pytest.param(json.dumps(APPROVED) + "\n\n" + json.dumps(DENIED), ["Approve", "Deny"], id="a line of JSON each"),
        pytest.param(yaml.safe_dump(APPROVED), ["Approve"], id="YAML"),
        pytest.param(yaml.safe_dump(listed(APPROVED, DENIED)), ["Approve", "Deny"], id="a List in YAML"),
        pytest.param(yaml.safe_dump_all([APPROVED, DENIED]), ["Approve", "Deny"], id="two YAML documents"),
        pytest.param(
            "---\n" + yaml.safe_dump(APPROVED) + "---\n# nothing\n---\n" + yaml.safe_dump(DENIED),
            ["Approve", "Deny"],
            id="YAML documents, one of them empty",
        ),
        pytest.param(
            yaml.safe_dump(APPROVED).replace("'20", "20").replace("Z'", "Z"), ["Approve"], id="YAML with a bare time"
        ),
        pytest.param(listed(POD, APPROVED), ["Ignore", "Approve"], id="an object of another kind among them"),
        pytest.param(
            listed(APPROVED, {}, {"kind": "CertificateSigningRequest"}),
            ["Approve", "Ignore", "Ignore"],
            id="objects that are nearly empty",
        ),
        pytest.param('[1, "x", null]', ["Ignore"], id="a bare list"),
        pytest.param("null", ["Ignore"], id="null"),
        pytest.param("just words", ["Ignore"], id="words, which are YAML"),
        pytest.param(
            {"kind": "List", "items": [None, 5, [APPROVED], APPROVED]},
            ["Ignore", "Ignore", "Ignore", "Approve"],
            id="items that are no objects",
        ),
        pytest.param(signing_request(spec={"request": "not base64!"}), ["Deny"], id="a request that cannot be decoded"),
        pytest.param(signing_request(spec={"request": None}), ["Deny"], id="a request without spec.request"),
        pytest.param(signing_request(spec={"extra": 5}), ["Ignore"], id="an extra that is a number"),
        pytest.param(signing_request() | {"spec": []}, ["Ignore"], id="a spec that is a list"),
        pytest.param(signing_request() | {"metadata": None}, ["Approve"], id="no metadata"),
    ],
)
def test_every_object_in_the_file_gets_its_verdict(command: Command, content: object, verdicts: list[str]) -> None:
    ran = command.explain("--csr", command.file(content), "--output", "json")
    assert (ran.status, ran.verdicts, ran.err) == (0, verdicts, "")


def test_names_select_and_order_the_objects(command: Command) -> None:
    path = command.file(listed(APPROVED, IGNORED, DENIED))
    names = DENIED["metadata"]["name"], APPROVED["metadata"]["name"]
    assert command.explain(*names, "--csr", path, "--output", "json").verdicts == ["Deny", "Approve"]


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        pytest.param([], "Approve", id="the defaults"),
        pytest.param(["--set", "mode=observe"], "Approve", id="mode=observe"),
        pytest.param(["--set", "deny=false"], "Approve", id="deny=false"),
        pytest.param(["--set", "node-roles=arn:aws:iam::111122223333:role/Other"], "Deny", id="another role"),
        pytest.param(
            ["--set", "node-roles=arn:aws:iam::111122223333:role/Other,arn:aws:iam::111122223333:role/NodeRole"],
            "Approve",
            id="one of two roles",
        ),
        pytest.param(["--set", "max-expiration-seconds=600"], "Deny", id="a short maximum of the lifetime"),
        pytest.param(
            ["--set", "max-expiration-seconds=600", "--set", "max-expiration-seconds=7200"],
            "Approve",
            id="a setting twice, of which the last counts",
        ),
    ],
)
def test_set_changes_a_setting(command: Command, arguments: list[str], verdict: str) -> None:
    path = command.file(signing_request(spec={"expirationSeconds": 3600}))
    assert command.explain("--csr", path, "--output", "json", *arguments).verdicts == [verdict]


def test_settings_come_from_the_environment_and_set_counts_more(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = command.file(signing_request(spec={"expirationSeconds": 3600}))
    monkeypatch.setenv("CSR_APPROVER_MAX_EXPIRATION_SECONDS", "600")
    assert command.explain("--csr", path, "--output", "json").verdicts == ["Deny"]
    ran = command.explain("--csr", path, "--output", "json", "--set", "max-expiration-seconds=3600")
    assert ran.verdicts == ["Approve"]


@pytest.mark.parametrize("setting", ["deny=false", "mode=observe"])
def test_what_is_done_about_a_denial_does_not_change_it(command: Command, setting: str) -> None:
    path = command.file(signing_request("10.0.1.24", age_seconds=0))
    assert command.explain("--csr", path, "--output", "json", "--set", setting).verdicts == ["Deny"]


def test_observe_judges_what_somebody_else_approved(command: Command) -> None:
    path = command.file(kubelet_object("a-private-only-issued"))
    assert command.explain("--csr", path, "--output", "json").verdicts == ["Ignore"]
    assert command.explain("--csr", path, "--output", "json", "--set", "mode=observe").verdicts == ["Approve"]


def test_without_roles_the_profile_alone_is_looked_at_and_said_so(command: Command) -> None:
    ran = command.explain("--csr", command.file(APPROVED), "--output", "json", roles="")
    assert (ran.status, ran.verdicts) == (0, ["Approve"])
    assert ran.err == "csr-approver: without --roles FILE, role-check=require looks at the instance profile only\n"


def test_without_roles_nothing_is_said_where_the_profile_is_all_that_is_asked_for(command: Command) -> None:
    path = command.file(APPROVED)
    ran = command.explain("--csr", path, "--output", "json", "--set", "role-check=profile", roles="")
    assert (ran.verdicts, ran.err) == (["Approve"], "")


def test_a_source_that_is_not_given_as_a_file_is_no_ground_for_a_denial(command: Command) -> None:
    ran = command.explain("--csr", command.file(APPROVED), "--output", "json", instance_profiles="")
    assert [finding["reason"] for finding in json.loads(ran.out)["findings"]] == ["InstanceProfileUnreadable"]
    assert ran.verdicts == ["Undetermined"]


def test_several_zone_files_are_one_tree(command: Command) -> None:
    """The name leads to the node by the first file; the second says what it resolves to on IPv6."""
    path = command.file(APPROVED)
    elsewhere = command.file(f"{NODE_NAME}. AAAA 2600::1\n", "more.db")
    ran = command.explain("--csr", path, "--output", "json", "--zone", elsewhere)
    assert ran.verdicts == ["Deny"]
    assert command.explain("--csr", path, "--output", "json", zone=elsewhere).verdicts == ["Deny"]


def test_a_cluster_without_eks_is_stated_by_settings(command: Command) -> None:
    settings = (
        "cluster=demo",
        "cluster-vpc=vpc-0a1b2c3d4e5f60718",
        "cluster-endpoint=10.0.0.10",
        "service-cidrs=172.20.0.0/16",
    )
    options = [word for setting in settings for word in ("--set", setting)]
    path = command.file(APPROVED)
    ran = command.explain("--csr", path, "--output", "json", "--region", "us-west-2", *options, cluster="")
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")


def test_the_command_stops_without_a_word_when_nobody_reads_on(command: Command) -> None:
    """As with `| head -1`: a pipe that is closed before the last verdict is no error."""
    arguments = [word for option in OFFLINE.items() for word in option]
    csr = command.file(listed(*[APPROVED] * 300))
    with subprocess.Popen(
        [EXECUTABLE, "explain", "--csr", csr, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 0)


def test_the_installed_command_says_which_version_it_is() -> None:
    ran = subprocess.run([EXECUTABLE, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == f"csr-approver {version('eks-csr-approver')}"
