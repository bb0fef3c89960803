"""What to do about each reason, in the words of docs/policy.md; a test compares them."""

from collections.abc import Mapping

from csr_approver.message import Trouble
from csr_approver.policy.reason import Reason

ADVICE: Mapping[Reason | Trouble, str] = {
    Reason.NODE_VERIFIED: (
        "Nothing. If the certificate is not there a minute later, the signer did not issue it: see 'Approving is "
        "not issuing' in the threat model."
    ),
    Reason.NOT_A_SIGNING_REQUEST: (
        "Look at the file that was given to `explain`; the API server returns nothing else here."
    ),
    Reason.REQUEST_GONE: "Nothing. The kubelet made a new one, or the request was collected.",
    Reason.REQUEST_BEING_DELETED: "Nothing.",
    Reason.OTHER_SIGNER: "Nothing; another approver decides it.",
    Reason.ALREADY_DECIDED: "Nothing. On EKS the cluster's own controller is often first.",
    Reason.REQUESTER_NOT_A_NODE: (
        "If a kubelet made it, its IAM role is mapped wrongly: give it an access entry of type EC2_LINUX (or EC2), "
        "or `system:node:{{EC2PrivateDNSName}}` in aws-auth."
    ),
    Reason.NOT_AN_EC2_NODE: "Nothing. Fargate, hybrid and HyperPod nodes are left to EKS.",
    Reason.NO_INSTANCE_BINDING: (
        "Nodes with client certificates have no session: set `instance-binding=prefer` if such nodes are yours. If "
        "the nodes use IAM, the authenticator withholds the keys (scrubbed account)."
    ),
    Reason.NODE_NAME_INVALID: "Correct the node's host name or the access entry's user name.",
    Reason.GROUPS_NOT_OF_A_NODE: "Correct the mapping of the node's role. A node in `system:masters` is an incident.",
    Reason.SESSION_INCONSISTENT: "Look at who may impersonate users or write aws-auth in this cluster.",
    Reason.ROLE_NOT_PERMITTED: "Add the role to `node-roles`, or find out why it is mapped to nodes.",
    Reason.REQUEST_MALFORMED: "No kubelet sends this. Find out who did: the user name is in the record.",
    Reason.SUBJECT_MISMATCH: (
        "A node asked in another node's name: treat it as an intrusion until it is explained. If one of the two names "
        "is the instance's own id, the role's access entry is of the type of other nodes (EC2 in place of EC2_LINUX, "
        "or the other way round)."
    ),
    Reason.ATTRIBUTES_NOT_PERMITTED: "No kubelet sends this. Find out who did.",
    Reason.KEY_NOT_PERMITTED: "Look at the kubelet's version and configuration.",
    Reason.SIGNATURE_INVALID: "No kubelet sends this. Find out who did.",
    Reason.USAGES_NOT_PERMITTED: "No kubelet sends this. Find out who did.",
    Reason.EXPIRATION_NOT_PERMITTED: "Correct the requester, or raise the setting.",
    Reason.SUBJECT_ALT_NAME_INVALID: "Look at the node's host name; else find out who sent it.",
    Reason.RESERVED_IDENTITY: "Treat it as an attempt to impersonate the API server until it is explained.",
    Reason.INSTANCE_GONE: "Nothing, if the node was just terminated.",
    Reason.OTHER_ACCOUNT: "Treat it as an intrusion until it is explained.",
    Reason.OTHER_VPC: "Look at `cluster-vpc`; else a machine outside the cluster's network holds node credentials.",
    Reason.OTHER_CLUSTER: "Correct the tags, or remove the instance from this cluster.",
    Reason.INSTANCE_YOUNGER_THAN_REQUEST: (
        "Nothing. The request is of the name's former owner; the new node makes its own."
    ),
    Reason.NODE_NAME_NOT_OF_INSTANCE: (
        "Correct the kubelet's `--hostname-override`, or permit the domain with `custom-domains`."
    ),
    Reason.NAME_NOT_OF_INSTANCE: (
        "If the name is legitimate: `custom-domains`, or `public-addresses=allow` for public names. Else the node lies."
    ),
    Reason.ADDRESS_NOT_OF_INSTANCE: (
        "Give the kubelet `--node-ip`, so that it does not ask for its pods' addresses. After an Elastic IP moved, "
        "wait for the kubelet's next request."
    ),
    Reason.ROLE_NOT_OF_INSTANCE: (
        "Somebody assumed the node role and named his session after this instance: treat it as an intrusion. If "
        "the profile was changed under a running node, restart it."
    ),
    Reason.INSTANCE_ROLE_NOT_PERMITTED: "Add the role to `node-roles`, or find out why the instance is a node.",
    Reason.NAME_RESOLVES_ELSEWHERE: (
        "Correct the zone: a stale record of an earlier instance, or a name that leads to another machine."
    ),
    Reason.REQUEST_UNREADABLE: (
        "Look at the access entry, its Kubernetes group's ClusterRole, the security group and the endpoint."
    ),
    Reason.CLUSTER_UNREADABLE: (
        "Look at the function's permission for `eks:DescribeCluster` and its way to EKS; or state `cluster-vpc`, "
        "`cluster-endpoint` and `service-cidrs`."
    ),
    Reason.INSTANCE_NOT_FOUND: (
        "Nothing in the first minute: EC2 is eventually consistent. Then look whether the function asks the node's "
        "account and region."
    ),
    Reason.INSTANCE_AMBIGUOUS: (
        "Give the instances distinct names, or bind by session name (`instance-binding=require`)."
    ),
    Reason.INSTANCE_UNREADABLE: (
        "Look at the detail: throttling passes; `UnauthorizedOperation` needs `ec2:DescribeInstances`; a time-out "
        "needs a way to EC2 (NAT or endpoint)."
    ),
    Reason.INSTANCE_NOT_RUNNING: "Nothing, unless a stopped instance keeps asking.",
    Reason.INSTANCE_INCOMPLETE: (
        "Nothing in the first minutes. If it stays: the VPC gives no private DNS names (enableDnsHostnames)."
    ),
    Reason.MEMBERSHIP_UNPROVED: (
        "Tag the instance, or set `cluster-membership=off` if the VPC holds nothing but this cluster."
    ),
    Reason.INSTANCE_PROFILE_MISSING: "Attach the node role's profile.",
    Reason.INSTANCE_PROFILE_UNREADABLE: (
        "Look at the detail; the function needs `iam:GetInstanceProfile` and a way to IAM. Where there is none: "
        "`role-check=off` with `node-roles`."
    ),
    Reason.TRUST_POLICY_UNREADABLE: "The function needs `iam:GetRole`. Else `role-check=profile`.",
    Reason.ROLE_ASSUMABLE_BY_OTHERS: (
        "Remove the others from the trust policy. `role-check=profile` accepts the risk that they impersonate any "
        "node of this role."
    ),
    Reason.NAME_NOT_IN_DNS: "Add the record, or correct `dns-servers`: the function must see the operator's zone.",
    Reason.DNS_UNAVAILABLE: "Look at the resolver, at `dns-servers` and at the function's way to it.",
    Trouble.NOT_ISSUED: (
        "Wait a minute, if many nodes are starting. Then compare the names in the request with what EC2 says of "
        "the instance: names of a custom domain, a public address that came or went, another node with the same "
        "name or address shortly before. Look whether the node itself made the request (`requester`). Without a "
        "certificate for such names on EKS: let the kubelet ask only for names that EC2 gives. On other clusters "
        "look whether kube-controller-manager signs requests at all (`--controllers`, "
        "`--cluster-signing-cert-file`). The kubelet waits 15 minutes, then asks again; the old request stays "
        "until somebody deletes it."
    ),
    Trouble.FAILED_BY_SIGNER: (
        "Read `detail`, and look who approved the request: the condition Approved has `NodeVerified` if it was "
        "this approver. The kubelet takes it like a denial and asks again after 2, 4, 8, 16 and then every 32 "
        "seconds, with the same result until the cause is gone."
    ),
}
