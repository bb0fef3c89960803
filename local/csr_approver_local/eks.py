"""EKS's clusters and access entries, answered from documents, because moto invents the endpoint and the CA."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from csr_approver_local.wire import AwsError, read_answer


class Clusters:
    """The clusters of one account and region."""

    def __init__(self) -> None:
        self._clusters: dict[str, Mapping[str, Any]] = {}
        self._access_entries: dict[str, dict[str, Mapping[str, Any]]] = {}

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

    def put_access_entries(self, cluster: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Take these, each as `aws eks describe-access-entry` prints it, in place of the cluster's entries."""
        entries = [read_answer("eks", "DescribeAccessEntry", "accessEntry", document) for document in documents]
        self._access_entries[cluster] = {entry["principalArn"]: entry for entry in entries}

    def describe(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeCluster."""
        return {"cluster": self._cluster(params["name"])}

    def list_access_entries(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListAccessEntries: the principals' ARNs, all on one page."""
        return {"accessEntries": sorted(self._entries(params["clusterName"]))}

    def describe_access_entry(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeAccessEntry."""
        entries, arn = self._entries(params["clusterName"]), params["principalArn"]
        if arn not in entries:
            message = (
                f"The specified principalArn could not be found. You can view your available access entries: {arn}"
            )
            raise AwsError("ResourceNotFoundException", message)
        return {"accessEntry": entries[arn]}

    def _entries(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        mode = self._cluster(name).get("accessConfig", {}).get("authenticationMode")
        if mode == "CONFIG_MAP":
            message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]."
            raise AwsError("InvalidRequestException", message)
        return self._access_entries.get(name, {})

    def _cluster(self, name: str) -> Mapping[str, Any]:
        if name not in self._clusters:
            raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.")
        return self._clusters[name]
