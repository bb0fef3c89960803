"""The way to the cluster: its facts and its API server, by EKS or by a kubeconfig."""

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import NoCredentialsError

from csr_approver.clients.aws import AwsClients
from csr_approver.clients.kubernetes import KubernetesApi, eks_token, for_eks, from_kubeconfig
from csr_approver.environment import SettingsError
from csr_approver.evidence.clusters import EksClusters, cluster_access, described_cluster, stated_cluster
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.settings import ClusterSettings

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials


class ClusterConnection:
    """One cluster's facts (at most five minutes old) and a client for its API server."""

    def __init__(self, settings: ClusterSettings, aws: AwsClients, kubeconfig: str | None = None) -> None:
        """`kubeconfig`: a file to use instead of EKS authentication. Raises SettingsError without a region."""
        if aws.region is None:
            raise SettingsError("no AWS region: set AWS_REGION, or a region in the profile")
        self._settings, self._aws, self._region = settings, aws, aws.region
        self._eks = EksClusters(aws.eks)
        self._stated = stated_cluster(settings, aws.partition(self._region), self._region)
        self._lock = threading.Lock()
        self._eks_api: tuple[tuple[str, bytes], KubernetesApi] | None = None
        self._kubeconfig_api = from_kubeconfig(kubeconfig) if kubeconfig else None

    def facts(self) -> Observation[Cluster]:
        """What the settings state in full, else what EKS describes."""
        if self._stated:
            return Seen(self._stated)
        match self._eks.describe(self._settings.name):
            case Seen(document):
                return described_cluster(document, self._settings)
            case Absent() | Unavailable() as unknown:
                return unknown

    def api(self) -> Observation[KubernetesApi]:
        """The client; made anew when EKS describes another endpoint or certificate authority."""
        if self._kubeconfig_api:
            return Seen(self._kubeconfig_api)
        match self._eks.describe(self._settings.name):
            case Absent() | Unavailable() as unknown:
                return unknown
            case Seen(document):
                try:
                    access = cluster_access(document)
                except ValueError as error:
                    return Unavailable(str(error))
                with self._lock:
                    if self._eks_api is None or self._eks_api[0] != access:
                        self._eks_api = access, for_eks(*access, self._token)
                    return Seen(self._eks_api[1])

    def _token(self) -> str:
        return eks_token(self._credentials(), self._sts_host, self._region, self._settings.name)

    @cached_property
    def _sts_host(self) -> str:
        return self._aws.sts_host(self._region)

    def _credentials(self) -> "ReadOnlyCredentials":
        """Frozen at each use, so that a rotation is never missed and never seen by halves."""
        credentials = self._aws.credentials
        if credentials is None:
            raise NoCredentialsError
        return credentials.get_frozen_credentials()
