"""Whether the instance holds the role that asked, and nobody else could have (DESIGN section 3, profile and trust)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.endings import APPROVED, Ending, Played, Row, check, denied, left, play
from tests.support.fleet import instance_document, world_of
from tests.support.iam import (
    EC2_SERVICE,
    profile_arn,
    profile_document,
    role_document,
    statement,
    trust_policy,
    with_iam,
)
from tests.support.requests import ACCOUNT, signing_request

Document = Mapping[str, Any]

OPEN, UNREADABLE = left(Reason.ROLE_ASSUMABLE_BY_OTHERS), left(Reason.INSTANCE_PROFILE_UNREADABLE)
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
FEDERATED = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example"}
IF_TAGGED = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "nodes"}}}

POLICIES: dict[str, tuple[Document, Ending]] = {
    "the EC2 service": (trust_policy(statement()), APPROVED),
    "one statement instead of a list": ({"Version": "2012-10-17", "Statement": statement()}, APPROVED),
    "a list of the EC2 service alone": (trust_policy(statement({"Service": ["ec2.amazonaws.com"]})), APPROVED),
    "a list of actions": (trust_policy(statement(action=["sts:AssumeRole", "sts:TagSession"])), APPROVED),
    "the EC2 service twice": (trust_policy(statement(), statement()), APPROVED),
    "all of STS for the EC2 service": (trust_policy(statement(action="sts:*")), APPROVED),
    "the EC2 service under a condition": (trust_policy(statement() | IF_TAGGED), APPROVED),
    "somebody else who may only tag sessions": (
        trust_policy(statement(), statement(ROOT, action="sts:TagSession")),
        APPROVED,
    ),
    "somebody else who is denied": (trust_policy(statement(), statement(ROOT, effect="Deny")), APPROVED),
    "another service too": (
        trust_policy(statement({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]})),
        OPEN,
    ),
    "another service in a second statement": (
        trust_policy(statement(), statement({"Service": "ssm.amazonaws.com"})),
        OPEN,
    ),
    "the account itself": (trust_policy(statement(), statement(ROOT)), OPEN),
    "an account by its number": (trust_policy(statement(), statement({"AWS": ACCOUNT})), OPEN),
    "one other role": (
        trust_policy(statement(), statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/AdminRole"})),
        OPEN,
    ),
    "the EC2 service and the account in one statement": (trust_policy(statement(EC2_SERVICE | ROOT)), OPEN),
    "an identity provider": (
        trust_policy(statement(), statement(FEDERATED, action="sts:AssumeRoleWithWebIdentity")),
        OPEN,
    ),
    "a SAML provider": (
        trust_policy(statement(), statement(FEDERATED, action="sts:AssumeRoleWithSAML")),
        OPEN,
    ),
    "everybody": (trust_policy(statement(), statement("*")), OPEN),
    "everybody with an AWS account": (trust_policy(statement(), statement({"AWS": "*"})), OPEN),
    "everybody but one": (
        trust_policy(statement(), {"Effect": "Allow", "NotPrincipal": ROOT, "Action": "sts:AssumeRole"}),
        OPEN,
    ),
    "somebody else under a condition, which is not read": (
        trust_policy(statement(), statement(ROOT) | IF_TAGGED),
        OPEN,
    ),
    "somebody else who may do all": (trust_policy(statement(), statement(ROOT, action="*")), OPEN),
    "somebody else by a pattern": (trust_policy(statement(), statement(ROOT, action="sts:Assume*")), OPEN),
    "somebody else by a pattern of one character": (
        trust_policy(statement(), statement(ROOT, action="sts:AssumeRol?")),
        OPEN,
    ),
    "somebody else in capitals": (trust_policy(statement(), statement(ROOT, action="STS:ASSUMEROLE")), OPEN),
    "somebody else who may do all but something": (
        trust_policy(statement(), {"Effect": "Allow", "Principal": ROOT, "NotAction": "sts:TagSession"}),
        OPEN,
    ),
    "a denial of somebody else does not narrow": (
        trust_policy(statement(), statement(ROOT), statement(ROOT, effect="Deny")),
        OPEN,
    ),
    "the EC2 service of China": (trust_policy(statement({"Service": "ec2.amazonaws.com.cn"})), OPEN),
    "a service that is only named alike": (
        trust_policy(statement({"Service": "ec2.amazonaws.com.evil.example"})),
        OPEN,
    ),
    "nobody": (trust_policy(), OPEN),
    "a statement that is no object": (trust_policy(statement(), "Allow"), OPEN),
    "a policy without statements": ({"Version": "2012-10-17"}, OPEN),
}


def played_policies(settings: Mapping[str, str]) -> Played:
    """Every policy is that of a role and a profile of its own, on an instance of its own."""
    rows: dict[str, Row] = {}
    instances, profiles, roles = [], [], []
    for number, (sentence, (policy, ending)) in enumerate(POLICIES.items()):
        name, instance_id = f"Role{number}", f"i-{number:017x}"
        role = role_document(name, policy)
        roles.append(role)
        profiles.append(profile_document(name, [role]))
        instance = instance_document(instance_id)
        instance["IamInstanceProfile"]["Arn"] = profile_arn(name)
        instances.append((ACCOUNT, instance))
        rows[sentence] = (
            partial(signing_request, instance_id=instance_id, role=name),
            ending,
        )
    return play(rows, with_iam(world_of(*instances), profiles, roles), settings)


@pytest.fixture(scope="module")
def strictly() -> Played:
    return played_policies({})


@pytest.mark.parametrize("sentence", POLICIES)
def test_only_the_ec2_service_may_assume_a_node_role(sentence: str, strictly: Played) -> None:
    check(strictly.endings[sentence], POLICIES[sentence][1])


def test_no_policy_troubles_the_function(strictly: Played) -> None:
    assert strictly.troubles == []


def test_no_policy_matters_with_the_profile_checked_only() -> None:
    loosely = played_policies({"role-check": "profile"})
    assert set(loosely.endings.values()) == {APPROVED}


class Held:
    """What IAM says of one profile and its role, both under names of their own."""

    def __init__(self, number: int) -> None:
        self.instance_id, self.role_name, self.profile_name = f"i-{number:017x}", f"Role{number}", f"Profile{number}"
        self.role = role_document(self.role_name, trust_policy(statement()))
        self.roles: list[Document] = [self.role]
        self.profiles: list[Document] = [self.profile(self.role)]

    def profile(self, *roles: Document) -> dict[str, Any]:
        return profile_document(self.profile_name, roles)

    @property
    def row(self) -> Callable[[], dict[str, Any]]:
        return partial(signing_request, instance_id=self.instance_id, role=self.role_name)

    @property
    def instance(self) -> tuple[str, dict[str, Any]]:
        document = instance_document(self.instance_id)
        document["IamInstanceProfile"]["Arn"] = profile_arn(self.profile_name)
        return ACCOUNT, document


def as_it_should_be(_: Held) -> None:
    """The profile holds the role, and the EC2 service may assume it."""


def under_a_path(held: Held) -> None:
    held.roles = [role_document(held.role_name, trust_policy(statement()), path="/eks/nodes/")]
    held.profiles = [held.profile(*held.roles)]


def another_role(held: Held) -> None:
    held.profiles = [held.profile(role_document("OtherRole", trust_policy(statement())))]


def another_accounts_role(held: Held) -> None:
    held.profiles = [held.profile(in_another_account(held.role))]


def no_role(held: Held) -> None:
    held.profiles = [held.profile()]


def no_profile(held: Held) -> None:
    held.profiles = []


def a_namesake(held: Held) -> None:
    held.profiles = [held.profile(held.role) | {"Arn": profile_arn(f"other/{held.profile_name}")}]


def an_unknown_role(held: Held) -> None:
    held.roles = []


def a_role_elsewhere(held: Held) -> None:
    held.roles = [in_another_account(held.role)]


def an_open_role(held: Held) -> None:
    held.roles = [role_document(held.role_name, trust_policy(statement("*")))]


def in_another_account(role: Document) -> dict[str, Any]:
    return {**role, "Arn": str(role["Arn"]).replace(ACCOUNT, "444455556666")}


OTHER_ROLE, NO_TRUST = denied(Reason.ROLE_NOT_OF_INSTANCE), left(Reason.TRUST_POLICY_UNREADABLE)
# How it ends with role-check=require, and with role-check=profile.
HOLDINGS: dict[str, tuple[Callable[[Held], None], Ending, Ending]] = {
    "the profile holds the role": (as_it_should_be, APPROVED, APPROVED),
    "the profile holds the role under a path, which STS drops": (under_a_path, APPROVED, APPROVED),
    "the profile holds another role": (another_role, OTHER_ROLE, OTHER_ROLE),
    "the profile holds a role of that name in another account": (another_accounts_role, OTHER_ROLE, OTHER_ROLE),
    "the profile holds no role": (no_role, UNREADABLE, UNREADABLE),
    "IAM does not know the profile": (no_profile, UNREADABLE, UNREADABLE),
    "IAM knows another profile of that name": (a_namesake, UNREADABLE, UNREADABLE),
    "IAM does not know the role": (an_unknown_role, NO_TRUST, APPROVED),
    "IAM knows another role of that name": (a_role_elsewhere, NO_TRUST, APPROVED),
    "everybody may assume the role": (an_open_role, OPEN, APPROVED),
}


def played_holdings(endings: Mapping[str, Ending], settings: Mapping[str, str]) -> Played:
    held = {sentence: Held(number) for number, sentence in enumerate(HOLDINGS)}
    for sentence, (change, _, _) in HOLDINGS.items():
        change(held[sentence])
    world = with_iam(
        world_of(*(each.instance for each in held.values())),
        [profile for each in held.values() for profile in each.profiles],
        [role for each in held.values() for role in each.roles],
    )
    return play({sentence: (held[sentence].row, ending) for sentence, ending in endings.items()}, world, settings)


def test_the_role_is_followed_to_its_trust_policy_with_role_check_require() -> None:
    endings = {sentence: strictly for sentence, (_, strictly, _) in HOLDINGS.items()}
    assert played_holdings(endings, {"role-check": "require"}) == Played(endings, [])


def test_the_role_is_followed_to_the_profile_with_role_check_profile() -> None:
    endings = {sentence: loosely for sentence, (_, _, loosely) in HOLDINGS.items()}
    assert played_holdings(endings, {"role-check": "profile"}) == Played(endings, [])


def test_iam_is_not_asked_with_role_check_off() -> None:
    endings = dict.fromkeys(HOLDINGS, APPROVED)
    named = ",".join(f"arn:aws:iam::{ACCOUNT}:role/Role{number}" for number in range(len(HOLDINGS)))
    assert played_holdings(endings, {"role-check": "off", "node-roles": named}) == Played(endings, [])
