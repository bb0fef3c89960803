"""The operator's command, csr-approver."""
