"""AWS's wire forms by botocore's service models: what a request asks for, and how it is answered or refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from html import escape
from io import BytesIO
from typing import Any
from uuid import uuid4

from botocore.exceptions import UnknownServiceError
from botocore.utils import parse_to_aware_datetime
from botocore.validate import ParamValidator
from moto.core.errors import ErrorLookup, ErrorLookupFactory
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import AttributePickerContext, SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

# Codes that the service models do not list: EC2 API "Error codes", and the IAM and Lambda common errors.
_COMMON_STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "UnauthorizedOperation": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
}


class AwsError(Exception):
    """A refusal as the service gives it. `status` (HTTP) is for codes that no service model lists."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it reached AWS; each retry of the SDK is a call of its own.

    `service` is botocore's name, `region` the one that the request is signed for, `params` as boto3 takes them.
    """

    service: str
    region: str
    operation: str
    params: Mapping[str, Any]


class AwsRequest:
    """A signed request, read by the service's model. Raises AwsError if it is none that AWS would look at."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = dict(environ)
        self._body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        service, region = _credential_scope(environ.get("HTTP_AUTHORIZATION", ""))
        try:
            model = get_service_model(service)
        except UnknownServiceError as error:
            raise AwsError("UnknownService", f"the local AWS does not know the service {service}", 501) from error
        request = Request(self.environ())
        try:
            self._operation, path_params = get_service_router(service).match(request)
        except NotFound as error:
            raise AwsError("UnknownOperationException", f"{service} has no such operation", 404) from error
        self._protocol = determine_request_protocol(model, request.content_type)
        parser = PROTOCOL_PARSERS[self._protocol](self._operation)
        params = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": self._body,
                "url_path": request.path,
                "url_params": path_params,
            }
        )
        self.call = Call(service, region, self._operation.name, params)

    def environ(self) -> dict[str, Any]:
        """The request for a WSGI application to read."""
        return {**self._environ, "wsgi.input": BytesIO(self._body), "CONTENT_LENGTH": str(len(self._body))}

    def answer(self, result: Mapping[str, Any]) -> Response:
        """A successful answer; `result` is in boto3's form."""
        request_id = str(uuid4())
        serializer_class = get_serializer_class(self.call.service, self._protocol)
        serializer = serializer_class(
            self._operation, context=SerializationContext(request_id), value_picker=_pick_member
        )
        written = serializer.serialize(result)
        headers = {**written["headers"], "x-amzn-RequestId": request_id}
        return Response(written["body"], written["status_code"], headers)

    def refuse(self, error: AwsError) -> Response:
        """An error answer in the protocol of the service."""
        shape = _errors(self.call.service).from_code(error.code)
        modelled = {} if shape is None else shape.metadata.get("error", {})
        status = error.status or modelled.get("httpStatusCode") or _COMMON_STATUS.get(error.code, 400)
        sender = "Sender" if status < 500 else "Receiver"
        code = error.code if shape is None else shape.error_code
        request_id = str(uuid4())
        headers = {"x-amzn-RequestId": request_id}
        if self._protocol in {"json", "rest-json"}:
            name = error.code if shape is None else shape.name
            headers["x-amzn-ErrorType"] = name
            # The AWS query compatible trait: SQS names its errors as it did before it spoke JSON.
            headers["x-amzn-query-error"] = f"{code};{sender}"
            body = json.dumps({"__type": name, "message": error.message})
            return Response(body, status, headers, content_type="application/json")
        inner = f"<Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
        if self._protocol == "ec2":
            inner = f"<Errors><Error>{inner}</Error></Errors>"
            body = f"<Response>{inner}<RequestID>{request_id}</RequestID></Response>"
        else:
            inner = f"<Error><Type>{sender}</Type>{inner}</Error>"
            body = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
        return Response(body, status, headers, content_type="text/xml")


def read_answer(service: str, operation: str, member: str, document: Mapping[str, Any]) -> Any:
    """`document[member]` of a document in the form that the AWS CLI prints for the operation.

    Raises ValueError, with each place, for anything else: a misspelt member would only be missing from the answers.
    """
    shape = get_service_model(service).operation_model(operation).output_shape
    report = ParamValidator().validate(document, shape)
    if report.has_errors():
        raise ValueError(f"this is no answer of {service} {operation}: {report.generate_report()}")
    if member not in document:
        raise ValueError(f"this is no answer of {service} {operation}: it has no {member}")
    return document[member]


def _credential_scope(authorization: str) -> tuple[str, str]:
    """Service and region that the request is signed for (SigV4: key/date/region/service/aws4_request)."""
    try:
        _, _, region, service, _ = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    except ValueError as error:
        message = "Request is missing Authentication Token"
        raise AwsError("MissingAuthenticationToken", message, 403) from error
    return service, region


def _pick_member(context: AttributePickerContext) -> Any:
    value = context.obj.get(context.key)
    if value is not None and context.shape.type_name == "timestamp":
        # moto writes the digits as they are and a Z, whatever the offset.
        return parse_to_aware_datetime(value).astimezone(UTC)
    return value


@cache
def _errors(service: str) -> ErrorLookup:
    return ErrorLookupFactory().for_service(get_service_model(service))
