"""The EKS authenticator's part: a webhook that tells the API server who a node's token stands for."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Self

from csr_approver_local.apiserver.server import Answer, HttpsServer, Request
from tests.support.requests import ACCOUNT, session_extra


def instance_user(node_name: str, instance_id: str, role: str = "NodeRole") -> dict[str, Any]:
    """`status.user` of a TokenReview for an instance with that role, mapped to that node."""
    return {
        "username": f"system:node:{node_name}",
        "uid": f"aws-iam-authenticator:{ACCOUNT}:AROAEXAMPLEROLEID",
        "groups": ["system:bootstrappers", "system:nodes"],
        "extra": session_extra(instance_id, role),
    }


class TokenReviews:
    """Use as a context manager. Tokens are those that it has given out."""

    def __init__(self) -> None:
        self._users: dict[str, Mapping[str, Any]] = {}
        self._server = HttpsServer(self._review)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def token(self, node_name: str, instance_id: str, role: str = "NodeRole") -> str:
        """A token of an instance with that role, mapped to that node (aws-iam-authenticator, EC2 instance roles)."""
        token = secrets.token_hex(16)
        self._users[token] = instance_user(node_name, instance_id, role)
        return token

    def _review(self, request: Request) -> Answer:
        review = json.loads(request.body)
        user = self._users.get(review["spec"]["token"])
        status = {"authenticated": True, "user": user} if user else {"authenticated": False}
        return Answer(200, {"apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status})
