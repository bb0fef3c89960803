"""Verifies kubelet-serving CertificateSigningRequests against EC2 and DNS, and approves, denies or leaves them."""
