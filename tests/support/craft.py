"""Print a request for a sample in events/, signed with a key that is thrown away.

    python -m tests.support.craft --node ip-10-0-1-23.us-west-2.compute.internal --instance i-0123456789abcdef0 \
        --name csr-x7k2p kubernetes.default.svc 10.0.1.23
"""

import argparse
import json
from uuid import uuid4

from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request


def main() -> None:
    """Names and addresses are taken as they are; the point of most samples is that they should not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME_OR_ADDRESS")
    parser.add_argument("--node", default=NODE_NAME)
    parser.add_argument("--instance", default=INSTANCE_ID)
    parser.add_argument("--name", required=True)
    parser.add_argument("--created", default="2026-11-22T08:30:00Z")
    arguments = parser.parse_args()
    document = signing_request(*arguments.names, node_name=arguments.node, instance_id=arguments.instance)
    document["metadata"] |= {
        "name": arguments.name,
        "uid": str(uuid4()),
        "creationTimestamp": arguments.created,
    }
    print(json.dumps(document, indent=4))


if __name__ == "__main__":
    main()
