"""EKS's DescribeCluster, answered from documents, because moto invents the endpoint and the CA."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from csr_approver_local.wire import AwsError, read_answer


class Clusters:
    """The clusters of one account and region."""

    def __init__(self) -> None:
        self._clusters: dict[str, Mapping[str, Any]] = {}

    def put(self, document: Mapping[str, Any], endpoint: str | None, ca_pem: bytes | None) -> None:
        """Add the cluster of `document`, as `aws eks describe-cluster` prints it, or take it in place of its namesake.

        `endpoint` (a URL) and `ca_pem` replace those of the document, for an API server that runs elsewhere.
        """
        cluster = dict(read_answer("eks", "DescribeCluster", "cluster", document))
        if endpoint is not None:
            cluster["endpoint"] = endpoint
        if ca_pem is not None:
            cluster["certificateAuthority"] = {"data": b64encode(ca_pem).decode()}
        self._clusters[cluster["name"]] = cluster

    def describe(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeCluster."""
        name = params["name"]
        if name not in self._clusters:
            raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")
        return {"cluster": self._clusters[name]}
