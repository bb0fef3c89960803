"""The cluster side of eks-csr-approver: forwards every pending kubelet-serving request to the queue."""

__version__ = "0.1.0"
