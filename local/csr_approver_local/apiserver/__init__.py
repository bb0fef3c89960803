"""An API server for CertificateSigningRequests alone, in this process.

It answers as kube-apiserver 1.36 does wherever the contract tests (tests/contract) look. Known to be absent:
impersonation of whom it is not told of, PATCH for those who may, label selectors, finalizers, label syntax checks, and
the differences between what Go and `cryptography` can parse. What is absent is answered 501, never silently half-done.
"""
