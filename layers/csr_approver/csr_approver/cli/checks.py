"""The verdict's reasons, gathered into the checks that a person thinks in."""

from csr_approver.policy.reason import Reason

CHECKS: dict[str, frozenset[Reason]] = {
    "routing": frozenset(
        {
            Reason.NOT_A_SIGNING_REQUEST,
            Reason.REQUEST_GONE,
            Reason.REQUEST_UNREADABLE,
            Reason.REQUEST_BEING_DELETED,
            Reason.OTHER_SIGNER,
            Reason.ALREADY_DECIDED,
            Reason.REQUESTER_NOT_A_NODE,
            Reason.NOT_AN_EC2_NODE,
            Reason.NO_INSTANCE_BINDING,
        }
    ),
    "cluster": frozenset({Reason.CLUSTER_UNREADABLE}),
    "identity": frozenset(
        {
            Reason.NODE_NAME_INVALID,
            Reason.GROUPS_NOT_OF_A_NODE,
            Reason.SESSION_INCONSISTENT,
            Reason.ROLE_NOT_PERMITTED,
        }
    ),
    "form": frozenset(
        {
            Reason.REQUEST_MALFORMED,
            Reason.SUBJECT_MISMATCH,
            Reason.ATTRIBUTES_NOT_PERMITTED,
            Reason.KEY_NOT_PERMITTED,
            Reason.SIGNATURE_INVALID,
            Reason.USAGES_NOT_PERMITTED,
            Reason.EXPIRATION_NOT_PERMITTED,
            Reason.SUBJECT_ALT_NAME_INVALID,
            Reason.RESERVED_IDENTITY,
        }
    ),
    "instance": frozenset(
        {
            Reason.INSTANCE_NOT_FOUND,
            Reason.INSTANCE_AMBIGUOUS,
            Reason.INSTANCE_UNREADABLE,
            Reason.INSTANCE_NOT_RUNNING,
            Reason.INSTANCE_INCOMPLETE,
            Reason.INSTANCE_GONE,
            Reason.OTHER_ACCOUNT,
            Reason.OTHER_VPC,
            Reason.OTHER_CLUSTER,
            Reason.MEMBERSHIP_UNPROVED,
            Reason.INSTANCE_YOUNGER_THAN_REQUEST,
            Reason.NODE_NAME_NOT_OF_INSTANCE,
        }
    ),
    "names": frozenset({Reason.NAME_NOT_OF_INSTANCE}),
    "addresses": frozenset({Reason.ADDRESS_NOT_OF_INSTANCE}),
    "role": frozenset(
        {
            Reason.INSTANCE_PROFILE_MISSING,
            Reason.INSTANCE_PROFILE_UNREADABLE,
            Reason.ROLE_NOT_OF_INSTANCE,
            Reason.INSTANCE_ROLE_NOT_PERMITTED,
            Reason.TRUST_POLICY_UNREADABLE,
            Reason.ROLE_ASSUMABLE_BY_OTHERS,
        }
    ),
    "dns": frozenset({Reason.NAME_RESOLVES_ELSEWHERE, Reason.NAME_NOT_IN_DNS, Reason.DNS_UNAVAILABLE}),
}
"""Each reason but the approval's in one check, in the order in which the checks are made; a test compares."""
