"""What a person reads: each check with what was asked and what was found."""

from textwrap import dedent
from typing import Any

import pytest

from tests.support.command import Command
from tests.support.requests import NODE_NAME, kubelet_object, signing_request
from tests.support.terminal import Terminal
from tests.support.worlds import WORLD_FOLDER, with_instance

SAMPLES = WORLD_FOLDER.parent


TOP = "  settings   the defaults; --stack NAME takes those of a deployed stack\n\n"


def test_an_approved_request(command: Command) -> None:
    ran = command.explain("--csr", str(SAMPLES / "01-private-node" / "csr.json"))
    assert ran.out == TOP + dedent("""\
        csr-mdf8d: Approve
          asked by   system:node:ip-10-0-1-23.us-west-2.compute.internal
          created    2026-11-22 07:59:08Z

            CHECK      ASKED                                    FOUND                                   PERMITTED
          + routing    kubernetes.io/kubelet-serving            pending                                 pending requests of EC2 nodes
          + cluster    demo                                     vpc-0a1b2c3d4e5f60718 in us-west-2
          + identity   ip-10-0-1-23.us-west-2.compute.internal  i-0123456789abcdef0 with role NodeRole  any role that is mapped to nodes
          + form       digital signature, server auth           as a kubelet sends it
          + instance   i-0123456789abcdef0                      running in vpc-0a1b2c3d4e5f60718        running in vpc-0a1b2c3d4e5f60718, tagged for demo
          + names      ip-10-0-1-23.us-west-2.compute.internal  given by EC2                            ip-10-0-1-23.us-west-2.compute.internal
          + addresses  10.0.1.23                                the node's own                          10.0.1.23
          + role       NodeRole                                 NodeRole, assumed by EC2 only           NodeRole, assumed by EC2 only
          + dns        ip-10-0-1-23.us-west-2.compute.internal  10.0.1.23, no AAAA record               10.0.1.23
                                                                                                        10.0.1.99

          + NodeVerified
              -> Nothing. If the certificate is not there a minute later, the signer did not issue it: see 'Approving is not
                 issuing' in the threat model.

        """)  # noqa: E501 - the table is wider
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("now", "note"),
    [
        pytest.param(
            "2026-11-22T08:30:10Z",
            "  note       the denial is only written if a fresh read at the age of 60 s still gives it\n",
            id="in its first minute",
        ),
        pytest.param("2026-11-22T09:31:00+01:00", "", id="a minute later, in another time zone"),
    ],
)
def test_a_denied_request(command: Command, now: str, note: str) -> None:
    ran = command.explain("--csr", str(SAMPLES / "11-pod-address" / "csr.json"), "--now", now)
    _, _, rest = ran.out.partition("\n  x ")
    assert rest == (
        "addresses  10.0.1.23                                the node's own                          10.0.1.23\n"
        "               10.0.1.99                                the instance's, not the node's own\n"
        "  - not looked at: role, dns\n"
        "\n"
        "  x AddressNotOfInstance\n"
        "      10.0.1.99 is not this node's own; permitted: 10.0.1.23\n"
        "      -> Give the kubelet `--node-ip`, so that it does not ask for its pods' addresses."
        " After an Elastic IP moved, wait\n"
        "         for the kubelet's next request.\n"
        f"{note}\n"
    )


def test_the_readme_shows_what_is_printed(command: Command) -> None:
    csr = str(SAMPLES / "11-pod-address" / "csr.json")
    ran = command.explain("--csr", csr, "--now", "2026-11-22T09:00:00Z")
    assert f"{ran.out.rstrip()}\n```\n" in (SAMPLES.parent / "README.md").read_text()


def test_an_undetermined_request(command: Command) -> None:
    sample = SAMPLES / "26-assumable-role"
    ran = command.explain("--csr", str(sample / "csr.json"), roles=str(sample / "roles.json"))
    assert ran.out.startswith(f"{TOP}csr-mdf8d: Undetermined\n")
    assert "  ? role       NodeRole  " in ran.out
    assert "  + dns        ip-10-0-1-23.us-west-2.compute.internal  " in ran.out
    assert (
        "  ? RoleAssumableByOthers\n"
        "      NodeRole may be assumed by AWS arn:aws:iam::111122223333:root,"
        " who could name a session after any instance\n"
        "      -> Remove the others from the trust policy."
    ) in ran.out


def test_an_ignored_request_says_why_and_shows_no_checks(command: Command) -> None:
    ran = command.explain("--csr", str(SAMPLES / "20-fargate" / "csr.json"))
    assert ran.out == TOP + dedent("""\
        csr-f2g6n: Ignore
          asked by   system:node:fargate-ip-10-0-5-26.us-west-2.compute.internal
          created    2026-11-22 08:30:00Z
          asks for   fargate-ip-10-0-5-26.us-west-2.compute.internal, 10.0.5.26, in the name of
                     system:node:fargate-ip-10-0-5-26.us-west-2.compute.internal

          - NotAnEC2Node
              spec.username fargate-ip-10-0-5-26.us-west-2.compute.internal is not named like an EC2 node
              -> Nothing. Fargate, hybrid and HyperPod nodes are left to EKS.

        """)


def test_a_request_that_is_no_kubelets_shows_what_it_asks_for(command: Command) -> None:
    ran = command.explain("--csr", command.file(signing_request("kubernetes.default.svc", "10.0.1.23")))
    assert "  asks for   kubernetes.default.svc, 10.0.1.23, in the name of" in ran.out
    assert "  x form " in ran.out
    assert "  - not looked at: instance, names, addresses, role, dns\n" in ran.out
    ran = command.explain("--csr", command.file(signing_request(spec={"request": "not base64"})))
    assert "  asks for   what no kubelet asks for" in ran.out


CONDITION = {"status": "True", "lastUpdateTime": "2026-11-22T08:00:00Z"}


@pytest.mark.parametrize(
    ("condition", "status", "advice"),
    [
        pytest.param(
            {"type": "Denied", "reason": "AddressNotOfInstance", "message": "10.0.1.24 is not this node's own."},
            "Denied by eks-csr-approver: AddressNotOfInstance: 10.0.1.24 is not this node's own.",
            "Give the kubelet `--node-ip`",
            id="denied by this approver",
        ),
        pytest.param(
            {"type": "Denied", "reason": "KubectlDeny", "message": "by hand"},
            "Denied by somebody: KubectlDeny: by hand",
            "Nothing.",
            id="denied by somebody else",
        ),
        pytest.param(
            {"type": "Approved", "reason": "AutoApproved"},
            "Approved by somebody: AutoApproved",
            "Wait a minute, if many nodes are starting.",
            id="approved and not issued",
        ),
        pytest.param(
            {"type": "Failed", "reason": "SignerValidationFailure"},
            "Failed by somebody: SignerValidationFailure",
            "Read `detail`, and look who approved",
            id="failed by the signer",
        ),
    ],
)
def test_a_decided_request_shows_its_decision_and_what_to_do_about_that(
    command: Command, condition: dict[str, str], status: str, advice: str
) -> None:
    document = signing_request() | {"status": {"conditions": [CONDITION | condition]}}
    fields: dict[str, Any] = {f'k:{{"type":"{condition["type"]}"}}': {}}
    document["metadata"]["managedFields"] = [
        {"manager": "kubelet", "fieldsV1": {"f:metadata": {}}},
        {"manager": "somebody", "subresource": "approval", "fieldsV1": {"f:status": {"f:conditions": fields}}},
    ]
    ran = command.explain("--csr", command.file(document))
    assert f"  status     {status}\n  issued     no: there is no certificate\n" in ran.out
    assert f"      status is already {condition['type']}\n      -> {advice}" in ran.out


def test_an_issued_request_needs_nothing(command: Command) -> None:
    ran = command.explain("--csr", command.file(kubelet_object("a-private-only-issued")))
    assert "  status     Approved by kubectl: KubectlApprove: " in ran.out
    assert "  issued     yes\n" in ran.out
    assert "      -> Nothing." in ran.out


@pytest.mark.parametrize(
    "conditions", [5, [5], [{}], [{"type": 5}], [{"type": "Note", "reason": 5, "message": ["x"]}]], ids=repr
)
def test_conditions_that_are_none_are_passed_over(command: Command, conditions: object) -> None:
    document = signing_request() | {"status": {"conditions": conditions}}
    ran = command.explain("--csr", command.file(document))
    assert (ran.status, ran.err) == (0, "")
    assert ": Approve\n" in ran.out


@pytest.mark.parametrize("fields", [5, [5], [{"fieldsV1": 5}], [{"fieldsV1": {"f:status": {"f:conditions": 5}}}]])
def test_managed_fields_that_are_none_name_nobody(command: Command, fields: object) -> None:
    document = signing_request() | {"status": {"conditions": [CONDITION | {"type": "Approved"}]}}
    document["metadata"]["managedFields"] = fields
    assert "  status     Approved\n" in command.explain("--csr", command.file(document)).out


def test_a_node_by_its_name(command: Command) -> None:
    """The role is then asked of no session, and the instance of a name."""
    path = command.file(signing_request(instance_id=None, age_seconds=0))
    ran = command.explain("--csr", path, "--set", "instance-binding=prefer")
    assert "  settings   instance-binding=prefer (--set); " in ran.out
    assert f"  + identity   {NODE_NAME}  no session name " in ran.out
    assert f"  + instance   {NODE_NAME}  running in " in ran.out


@pytest.mark.parametrize(
    ("address", "found"),
    [
        pytest.param("10.0.1.99", "the instance's, not the node's own", id="a pod's secondary address"),
        pytest.param("10.0.1.24", "not the instance's", id="another node's"),
    ],
)
def test_where_an_address_was_found(command: Command, address: str, found: str) -> None:
    ran = command.explain("--csr", command.file(signing_request("10.0.1.23", address)))
    (line,) = (line for line in ran.out.splitlines() if line.strip().startswith(address) and found in line)
    assert line.split(maxsplit=1)[1] == found


def test_the_addresses_of_many_pods_are_counted(command: Command) -> None:
    def change(instance: dict[str, Any]) -> None:
        addresses = instance["NetworkInterfaces"][0]["PrivateIpAddresses"]
        addresses += [{"Primary": False, "PrivateIpAddress": f"10.0.2.{number}"} for number in range(50)]

    instances = command.file(with_instance(change).instances, "instances.json")
    ran = command.explain("--csr", command.file(signing_request()), instances=instances)
    assert "and 48 more of the instance\n" in ran.out
    assert "10.0.2.40" not in ran.out


def test_settings_that_are_not_the_defaults_are_named_with_their_origin(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSR_APPROVER_PUBLIC_ADDRESSES", "refuse")
    monkeypatch.setenv("CSR_APPROVER_INTERFACES", "primary")
    monkeypatch.setenv("CSR_APPROVER_MODE", "observe")
    ran = command.explain("--csr", command.file(signing_request()), "--set", "mode=enforce", "--set", "deny=false")
    first = ran.out.splitlines()[0]
    assert first.startswith("  settings   deny=false (--set), public-addresses=refuse (the environment); --stack NAME")


def test_a_terminal_shows_real_ticks(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    path = command.file(signing_request("10.0.1.23", "10.0.1.99"))
    terminal = Terminal(monkeypatch, 200)
    command.explain("--csr", path)
    assert "  \N{CHECK MARK} instance   " in terminal.getvalue()
    assert "  \N{BALLOT X} addresses  " in terminal.getvalue()
    assert "  - not looked at: role, dns\n" in terminal.getvalue()


def test_a_terminal_that_has_no_ticks_shows_none(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    path = command.file(signing_request("10.0.1.23", "10.0.1.99"))
    terminal = Terminal(monkeypatch, 200, "ascii")
    command.explain("--csr", path)
    assert "  x addresses  " in terminal.getvalue()
    assert terminal.getvalue().isascii()


def test_a_narrow_terminal_shows_one_below_the_other(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    path = command.file(signing_request("10.0.1.23", "10.0.1.99"))
    terminal = Terminal(monkeypatch, 80)
    command.explain("--csr", path)
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    at = lines.index("  \N{BALLOT X} addresses")
    assert lines[at + 1 : at + 4] == [
        "      asked      10.0.1.23; 10.0.1.99",
        "      found      the node's own; the instance's, not the node's own",
        "      permitted  10.0.1.23",
    ]


@pytest.mark.parametrize("field", ["username", "name"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[2J\x1b[1;1H", id="orders to the terminal"),
        pytest.param("x\ncsr-1: Approve", id="a line of its own"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("\u202etxt.exe", id="text from right to left"),
    ],
)
def test_what_a_requester_wrote_is_shown_and_not_obeyed(command: Command, field: str, text: str) -> None:
    document = signing_request(spec={"username": f"system:node:{text}"} if field == "username" else {})
    if field == "name":
        document["metadata"]["name"] = text
    ran = command.explain("--csr", command.file(document))
    assert ran.status == 0
    assert ran.out.isascii()
    assert ran.out.replace("\n", "").isprintable()
    assert not any(line.startswith("csr-1") for line in ran.out.splitlines())
