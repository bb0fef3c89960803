"""JSON log lines of the same form as the functions'."""

import logging
import sys

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

# Of these, warnings are worth a line; their talk at INFO is not.
_TALKATIVE = ("botocore", "urllib3", "kubernetes")


def log_json(level: str, cluster: str, watcher: str) -> None:
    """From now on, everything that is logged in this process goes to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = LambdaPowertoolsFormatter(utc=True)
    formatter.append_keys(service="csr-watcher", cluster=cluster, watcher=watcher)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
