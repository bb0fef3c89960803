"""IAM's SimulatePrincipalPolicy over the policies of roles, as far as ours go; moto has no simulator."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from csr_approver_local.wire import AwsError, read_answer

# IAM's pages are longer; these are short so that a question of ours has more than one.
_PAGE = 2


class RolePolicies:
    """The inline policies of one account's roles, under an organization that may deny actions to all of them."""

    def __init__(self) -> None:
        self._policies: dict[str, list[Mapping[str, Any]]] = {}
        self.denied_by_organization: set[str] = set()
        """Actions that no role of the account may do, whatever its policies say."""

    def put(self, role_arn: str, *documents: Mapping[str, Any]) -> None:
        """The role's policies from now on, each as `aws iam get-role-policy` prints it. ValueError."""
        for document in documents:
            # IAM sends a policy as text, the CLI and boto3 show it decoded.
            read_answer("iam", "GetRolePolicy", "PolicyDocument", {**document, "PolicyDocument": "{}"})
        self._policies[role_arn] = [document["PolicyDocument"] for document in documents]

    def simulate(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """SimulatePrincipalPolicy of actions on resources, with what the caller says of the context."""
        arn = params["PolicySourceArn"]
        if arn not in self._policies:
            raise AwsError("NoSuchEntity", f"The role with name {arn.rpartition('/')[2]} cannot be found.")
        statements = [each for policy in self._policies[arn] for each in policy["Statement"]]
        context = {
            entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in params.get("ContextEntries", [])
        }
        results = [
            self._result(action, resource, statements, context)
            for action in params["ActionNames"]
            for resource in params.get("ResourceArns", ["*"])
        ]
        start = int(params.get("Marker", "0"))
        end = start + _PAGE
        more = {"IsTruncated": True, "Marker": str(end)} if end < len(results) else {"IsTruncated": False}
        return {"EvaluationResults": results[start:end], **more}

    def _result(
        self, action: str, resource: str, statements: Sequence[Mapping[str, Any]], context: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Any]:
        matching = [
            each
            for each in statements
            if any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _list(each["Action"]))
            and any(fnmatchcase(resource, pattern) for pattern in _list(each["Resource"]))
        ]
        holding = [each["Effect"] for each in matching if _holds(each.get("Condition", {}), context)]
        missing = sorted({key for each in matching for _, key, _ in _keys(each) if key.lower() not in context})
        if "Deny" in holding:
            decision = "explicitDeny"
        elif "Allow" in holding and action not in self.denied_by_organization:
            decision = "allowed"
        else:
            decision = "implicitDeny"
        return {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decision,
            "MatchedStatements": [],
            "MissingContextValues": missing,
            "OrganizationsDecisionDetail": {"AllowedByOrganizations": action not in self.denied_by_organization},
        }


def _holds(condition: Mapping[str, Any], context: Mapping[str, Sequence[str]]) -> bool:
    """A key that nobody gave a value has none."""
    return all(
        _compares(operator, context.get(key.lower()), _list(values))
        for operator, key, values in _keys({"Condition": condition})
    )


def _keys(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, values


def _compares(operator: str, found: Sequence[str] | None, values: Sequence[str]) -> bool:
    match operator:
        case "StringEquals":
            return found is not None and any(value in values for value in found)
        case "Null":
            return [str(found is None).lower()] == list(values)
        case _:
            raise AwsError("NotImplemented", f"the local IAM does not know the condition {operator}", 501)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
