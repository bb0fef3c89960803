"""Whether the instance holds the role that asked, and nobody else could have (DESIGN section 3, profile and trust)."""

from collections.abc import Mapping
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
from tests.support.worlds import default_world

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
        arn = {"IamInstanceProfile": {"Arn": profile_arn(name)}}
        instances.append((ACCOUNT, instance_document(instance_id, lambda instance, arn=arn: instance.update(arn))))
        rows[sentence] = (
            lambda instance_id=instance_id, name=name: signing_request(instance_id=instance_id, role=name),
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


NODE_ROLE = role_document("NodeRole", trust_policy(statement()))
OTHER_ROLE = role_document("OtherRole", trust_policy(statement()))
OPEN_ROLE = role_document("NodeRole", trust_policy(statement("*")))
PATHED_ROLE = role_document("NodeRole", trust_policy(statement()), path="/eks/nodes/")
NAMESAKE = profile_document("NodeInstanceProfile", [NODE_ROLE]) | {
    "Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/other/NodeInstanceProfile"
}
OTHER_ACCOUNTS_ROLE = NODE_ROLE | {"Arn": "arn:aws:iam::444455556666:role/NodeRole"}

BY_CHECK: dict[str, tuple[list[Document], list[Document], dict[str, Ending]]] = {
    "the profile holds the role": (
        [profile_document("NodeInstanceProfile", [NODE_ROLE])],
        [NODE_ROLE],
        {"require": APPROVED, "profile": APPROVED, "off": APPROVED},
    ),
    "the profile holds the role under a path, which STS drops": (
        [profile_document("NodeInstanceProfile", [PATHED_ROLE])],
        [PATHED_ROLE],
        {"require": APPROVED, "profile": APPROVED, "off": APPROVED},
    ),
    "the profile holds another role": (
        [profile_document("NodeInstanceProfile", [OTHER_ROLE])],
        [NODE_ROLE, OTHER_ROLE],
        {
            "require": denied(Reason.ROLE_NOT_OF_INSTANCE),
            "profile": denied(Reason.ROLE_NOT_OF_INSTANCE),
            "off": APPROVED,
        },
    ),
    "the profile holds a role of that name in another account": (
        [profile_document("NodeInstanceProfile", [OTHER_ACCOUNTS_ROLE])],
        [NODE_ROLE],
        {
            "require": denied(Reason.ROLE_NOT_OF_INSTANCE),
            "profile": denied(Reason.ROLE_NOT_OF_INSTANCE),
            "off": APPROVED,
        },
    ),
    "the profile holds no role": (
        [profile_document("NodeInstanceProfile", [])],
        [NODE_ROLE],
        {"require": UNREADABLE, "profile": UNREADABLE, "off": APPROVED},
    ),
    "IAM does not know the profile": ([], [NODE_ROLE], {"require": UNREADABLE, "profile": UNREADABLE, "off": APPROVED}),
    "IAM knows another profile of that name": (
        [NAMESAKE],
        [NODE_ROLE],
        {"require": UNREADABLE, "profile": UNREADABLE, "off": APPROVED},
    ),
    "IAM does not know the role": (
        [profile_document("NodeInstanceProfile", [NODE_ROLE])],
        [],
        {"require": left(Reason.TRUST_POLICY_UNREADABLE), "profile": APPROVED, "off": APPROVED},
    ),
    "IAM knows another role of that name": (
        [profile_document("NodeInstanceProfile", [NODE_ROLE])],
        [OTHER_ACCOUNTS_ROLE],
        {"require": left(Reason.TRUST_POLICY_UNREADABLE), "profile": APPROVED, "off": APPROVED},
    ),
    "everybody may assume the role": (
        [profile_document("NodeInstanceProfile", [OPEN_ROLE])],
        [OPEN_ROLE],
        {"require": OPEN, "profile": APPROVED, "off": APPROVED},
    ),
}


@pytest.mark.parametrize("check_mode", ["require", "profile", "off"])
@pytest.mark.parametrize("sentence", BY_CHECK)
def test_the_role_is_followed_as_far_as_the_setting_says(sentence: str, check_mode: str) -> None:
    profiles, roles, endings = BY_CHECK[sentence]
    settings = {"role-check": check_mode}
    if check_mode == "off":
        settings["node-roles"] = f"arn:aws:iam::{ACCOUNT}:role/NodeRole"
    rows: dict[str, Row] = {sentence: (signing_request, endings[check_mode])}
    found = play(rows, with_iam(default_world(), profiles, roles), settings)
    check(found.endings[sentence], endings[check_mode])
    assert found.troubles == []
