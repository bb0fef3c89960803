"""What a person reads: each check with what was asked and what was found."""

from textwrap import dedent

import pytest

from tests.support.command import Command
from tests.support.requests import signing_request
from tests.support.worlds import WORLD_FOLDER

SAMPLES = WORLD_FOLDER.parent


def test_an_approved_request(command: Command) -> None:
    ran = command.explain("--csr", str(SAMPLES / "01-private-node" / "csr.json"))
    assert ran.out == dedent("""\
        csr-mdf8d: Approve
            asked by   system:node:ip-10-0-1-23.us-west-2.compute.internal
            asks for   10.0.1.23, ip-10-0-1-23.us-west-2.compute.internal
          + routing    a pending kubelet-serving request of an EC2 node
          + cluster    demo in us-west-2, vpc-0a1b2c3d4e5f60718
          + identity   ip-10-0-1-23.us-west-2.compute.internal, i-0123456789abcdef0 with role NodeRole
          + form       as a kubelet sends it
          + instance   i-0123456789abcdef0 is running in vpc-0a1b2c3d4e5f60718
          + names      permitted: ip-10-0-1-23.us-west-2.compute.internal
          + addresses  permitted: 10.0.1.23
          + role       the instance profile holds NodeRole
          + dns        ip-10-0-1-23.us-west-2.compute.internal -> 10.0.1.23, no AAAA record

        """)
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("now", "note"),
    [
        pytest.param(
            "2026-11-22T08:30:10Z",
            "    note       is only written if a fresh read at the age of 60 s still gives it\n",
            id="in its first minute",
        ),
        pytest.param("2026-11-22T09:31:00+01:00", "", id="a minute later, in another time zone"),
    ],
)
def test_a_denied_request(command: Command, now: str, note: str) -> None:
    ran = command.explain("--csr", str(SAMPLES / "10-other-nodes-address" / "csr.json"), "--now", now)
    expected = dedent("""\
        csr-h8v3t: Deny
            asked by   system:node:ip-10-0-1-23.us-west-2.compute.internal
            asks for   10.0.1.24, ip-10-0-1-23.us-west-2.compute.internal
          + routing    a pending kubelet-serving request of an EC2 node
          + cluster    demo in us-west-2, vpc-0a1b2c3d4e5f60718
          + identity   ip-10-0-1-23.us-west-2.compute.internal, i-0123456789abcdef0 with role NodeRole
          + form       as a kubelet sends it
          + instance   i-0123456789abcdef0 is running in vpc-0a1b2c3d4e5f60718
          + names      permitted: ip-10-0-1-23.us-west-2.compute.internal
          x addresses  AddressNotOfInstance: 10.0.1.24 is not this node's own; permitted: 10.0.1.23
          - role       not looked at
          - dns        not looked at
        """)
    assert ran.out == expected + note + "\n"


def test_an_undetermined_request(command: Command) -> None:
    sample = SAMPLES / "26-assumable-role"
    ran = command.explain("--csr", str(sample / "csr.json"), roles=str(sample / "roles.json"))
    assert (
        "  ? role       RoleAssumableByOthers: NodeRole may be assumed by AWS arn:aws:iam::111122223333:root,"
        " who could name a session after any instance\n"
        "  + dns        ip-10-0-1-23.us-west-2.compute.internal -> 10.0.1.23, no AAAA record\n"
    ) in ran.out
    assert ran.out.startswith("csr-mdf8d: Undetermined\n")


def test_an_ignored_request_says_why_and_looks_no_further(command: Command) -> None:
    ran = command.explain("--csr", str(SAMPLES / "20-fargate" / "csr.json"))
    first, _, reason, *rest = ran.out.rstrip().splitlines()
    assert first == "csr-f2g6n: Ignore"
    assert reason == (
        "  - routing    NotAnEC2Node: spec.username fargate-ip-10-0-5-26.us-west-2.compute.internal"
        " is not named like an EC2 node"
    )
    assert all(line.endswith(" not looked at") for line in rest)


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
