"""What the services refuse, as one line each: what was asked, what is wrong, and what to change."""

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli.inputs import InputError
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.aws import AwsClients

# EC2 and the services' common errors: who asks is not known, or not any more.
_NOT_ACCEPTED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NOT_PERMITTED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_SESSIONS = (exceptions.SSOError, exceptions.LoginError, exceptions.TokenRetrievalError)


def is_about_credentials(error: ClientError) -> bool:
    """Whether AWS does not take the caller for anybody: no other call will fare better."""
    return _code(error) in _NOT_ACCEPTED


def aws_failure(error: BotoCoreError | ClientError, service: str = "") -> str:
    """`service` is the prefix of its IAM actions, for the permission that may be missing."""
    said = " ".join(str(error).split())
    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return (
                f"no AWS credentials ({said}): give --profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and its secret"
            )
        case exceptions.ProfileNotFound():
            return f"{said}: `aws configure list-profiles` lists those that there are"
        case BotoCoreError() if isinstance(error, _SESSIONS):
            return f"the AWS session cannot be used ({said}): sign in again, as with `aws sso login`"
        case exceptions.ConnectionError():
            return f"AWS does not answer ({said}): see --region, and whether AWS can be reached from here"
        case ClientError() if is_about_credentials(error):
            return f"AWS does not accept the credentials ({_code(error)}): sign in again, or give another --profile"
        case ClientError() if _code(error) in _NOT_PERMITTED:
            action = f"{service}:{error.operation_name}" if service else error.operation_name
            return f"your AWS identity needs {action}: {said}"
        case _:
            return said


def require_credentials(aws: AwsClients) -> None:
    """Raises BotoCoreError where there are none, or a session that is over; does not ask the service itself."""
    credentials = aws.credentials
    if credentials is None:
        raise exceptions.NoCredentialsError
    credentials.get_frozen_credentials()


def cluster_failure(error: KubernetesError, reading: str, permission: str) -> InputError:
    """`reading` is what was read ("the requests"), `permission` the verb and the resource that it takes."""
    match error.status:
        case 401:
            hint = "the credentials of this kubeconfig context are not accepted: sign in again, or see --context"
        case 403:
            hint = f"needs {permission}: {error}"
        case 0:
            hint = f"{error}: see --context, and whether it can be reached from here"
        case _:
            hint = str(error)
    return InputError(f"reading {reading}: {hint}")


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "")
