"""The system on one machine: what stands in for AWS, DNS and the cluster, and what replays samples against it."""
