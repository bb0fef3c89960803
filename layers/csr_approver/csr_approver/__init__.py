"""Verifies kubelet-serving CertificateSigningRequests against EC2 and DNS, and approves, denies or leaves them."""

__version__ = "0.1.0"
