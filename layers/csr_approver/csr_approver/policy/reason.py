"""Every reason that the product can give, in one closed list.

A reason is the condition's reason on the request, the field in a denial record and the heading in docs/policy.md,
which a test compares with this list. Each reason leads to exactly one verdict and rests on exactly one source.
"""

from enum import Enum, StrEnum


class Outcome(Enum):
    """The verdict that a reason leads to."""

    APPROVE = "Approve"
    DENY = "Deny"
    UNDETERMINED = "Undetermined"
    IGNORE = "Ignore"


class Source(Enum):
    """Where the fact behind a reason was read."""

    REQUEST = "the request, as the API server returned it"
    CLUSTER = "the cluster's facts"
    EC2 = "EC2"
    IAM = "IAM"
    DNS = "DNS"


class Reason(StrEnum):
    """CamelCase, as Kubernetes writes the reason of a condition."""

    outcome: Outcome
    source: Source

    def __new__(cls, value: str, outcome: Outcome, source: Source) -> "Reason":
        """Attach to the string what it means for the verdict."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.source = source
        return member

    NODE_VERIFIED = "NodeVerified", Outcome.APPROVE, Source.EC2

    NOT_A_SIGNING_REQUEST = "NotASigningRequest", Outcome.IGNORE, Source.REQUEST
    REQUEST_GONE = "RequestGone", Outcome.IGNORE, Source.REQUEST
    REQUEST_BEING_DELETED = "RequestBeingDeleted", Outcome.IGNORE, Source.REQUEST
    OTHER_SIGNER = "OtherSigner", Outcome.IGNORE, Source.REQUEST
    ALREADY_DECIDED = "AlreadyDecided", Outcome.IGNORE, Source.REQUEST
    REQUESTER_NOT_A_NODE = "RequesterNotANode", Outcome.IGNORE, Source.REQUEST
    NOT_AN_EC2_NODE = "NotAnEC2Node", Outcome.IGNORE, Source.REQUEST
    NO_INSTANCE_BINDING = "NoInstanceBinding", Outcome.IGNORE, Source.REQUEST

    NODE_NAME_INVALID = "NodeNameInvalid", Outcome.DENY, Source.REQUEST
    GROUPS_NOT_OF_A_NODE = "GroupsNotOfANode", Outcome.DENY, Source.REQUEST
    SESSION_INCONSISTENT = "SessionInconsistent", Outcome.DENY, Source.REQUEST
    ROLE_NOT_PERMITTED = "RoleNotPermitted", Outcome.DENY, Source.REQUEST
    REQUEST_MALFORMED = "RequestMalformed", Outcome.DENY, Source.REQUEST
    SUBJECT_MISMATCH = "SubjectMismatch", Outcome.DENY, Source.REQUEST
    ATTRIBUTES_NOT_PERMITTED = "AttributesNotPermitted", Outcome.DENY, Source.REQUEST
    KEY_NOT_PERMITTED = "KeyNotPermitted", Outcome.DENY, Source.REQUEST
    SIGNATURE_INVALID = "SignatureInvalid", Outcome.DENY, Source.REQUEST
    USAGES_NOT_PERMITTED = "UsagesNotPermitted", Outcome.DENY, Source.REQUEST
    EXPIRATION_NOT_PERMITTED = "ExpirationNotPermitted", Outcome.DENY, Source.REQUEST
    SUBJECT_ALT_NAME_INVALID = "SubjectAltNameInvalid", Outcome.DENY, Source.REQUEST
    RESERVED_IDENTITY = "ReservedIdentity", Outcome.DENY, Source.REQUEST

    INSTANCE_GONE = "InstanceGone", Outcome.DENY, Source.EC2
    OTHER_ACCOUNT = "OtherAccount", Outcome.DENY, Source.EC2
    OTHER_VPC = "OtherVpc", Outcome.DENY, Source.EC2
    OTHER_CLUSTER = "OtherCluster", Outcome.DENY, Source.EC2
    INSTANCE_YOUNGER_THAN_REQUEST = "InstanceYoungerThanRequest", Outcome.DENY, Source.EC2
    NODE_NAME_NOT_OF_INSTANCE = "NodeNameNotOfInstance", Outcome.DENY, Source.EC2
    NAME_NOT_OF_INSTANCE = "NameNotOfInstance", Outcome.DENY, Source.EC2
    ADDRESS_NOT_OF_INSTANCE = "AddressNotOfInstance", Outcome.DENY, Source.EC2
    ROLE_NOT_OF_INSTANCE = "RoleNotOfInstance", Outcome.DENY, Source.IAM
    INSTANCE_ROLE_NOT_PERMITTED = "InstanceRoleNotPermitted", Outcome.DENY, Source.IAM
    NAME_RESOLVES_ELSEWHERE = "NameResolvesElsewhere", Outcome.DENY, Source.DNS

    REQUEST_UNREADABLE = "RequestUnreadable", Outcome.UNDETERMINED, Source.REQUEST
    CLUSTER_UNREADABLE = "ClusterUnreadable", Outcome.UNDETERMINED, Source.CLUSTER
    INSTANCE_NOT_FOUND = "InstanceNotFound", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_AMBIGUOUS = "InstanceAmbiguous", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_UNREADABLE = "InstanceUnreadable", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_NOT_RUNNING = "InstanceNotRunning", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_INCOMPLETE = "InstanceIncomplete", Outcome.UNDETERMINED, Source.EC2
    MEMBERSHIP_UNPROVED = "MembershipUnproved", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_PROFILE_MISSING = "InstanceProfileMissing", Outcome.UNDETERMINED, Source.EC2
    INSTANCE_PROFILE_UNREADABLE = "InstanceProfileUnreadable", Outcome.UNDETERMINED, Source.IAM
    TRUST_POLICY_UNREADABLE = "TrustPolicyUnreadable", Outcome.UNDETERMINED, Source.IAM
    ROLE_ASSUMABLE_BY_OTHERS = "RoleAssumableByOthers", Outcome.UNDETERMINED, Source.IAM
    NAME_NOT_IN_DNS = "NameNotInDns", Outcome.UNDETERMINED, Source.DNS
    DNS_UNAVAILABLE = "DnsUnavailable", Outcome.UNDETERMINED, Source.DNS
