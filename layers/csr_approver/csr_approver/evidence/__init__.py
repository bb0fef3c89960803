"""What is read: cluster facts, instances, roles, DNS names, signing requests."""
