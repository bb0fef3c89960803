"""AWS on one machine: moto behind a loopback address, and in front of it what moto does not know or gets wrong.

boto3 reaches it over the wire; what runs against AWS runs against this with other environment variables only.
"""

import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from random import Random
from threading import Condition
from typing import Any, NamedTuple, Self
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.core.model_instances import reset_model_data
from werkzeug.wrappers import Response

from csr_approver_local.ec2 import Instances
from csr_approver_local.eks import Clusters
from csr_approver_local.functions import Functions
from csr_approver_local.iam import InstanceProfiles
from csr_approver_local.logs import LogEvent, LogGroups
from csr_approver_local.network import Network
from csr_approver_local.role_policies import RolePolicies
from csr_approver_local.server import loopback_server
from csr_approver_local.sqs import Queues, SentMessage
from csr_approver_local.stacks import Stacks
from csr_approver_local.wire import AwsError, AwsRequest, Call

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Share(NamedTuple):
    """Of the requests for one operation, those that are refused."""

    share: float
    error: AwsError
    random: Random


class LocalAws:
    """One account in one region, empty at first. A context manager; one at a time in a process.

    What EC2, IAM, EKS, CloudFormation and Lambda know is put there as documents in the form that the AWS CLI prints.
    Everything else that it can do is moto's: SQS, CloudWatch Logs, STS.
    """

    def __init__(self, region: str, account_id: str) -> None:
        self.region = region
        self.account_id = account_id
        self.calls: list[Call] = []
        """Every request in the order of arrival, faults included."""
        self._changed = Condition()
        self._closed = False
        self._server = loopback_server()
        self._instances = Instances()
        self._profiles = InstanceProfiles()
        self._clusters = Clusters()
        self.stacks, self.functions = Stacks(), Functions(account_id, region)
        self.network, self.role_policies = Network(), RolePolicies()
        self._queues = Queues(account_id, region, self._changed, self._chance)
        self._log_groups = LogGroups(account_id, region)
        self._failures: defaultdict[str, deque[AwsError]] = defaultdict(deque)
        self._shares: dict[str, Share] = {}
        self._delays: defaultdict[str, deque[float]] = defaultdict(deque)
        self._answers: Mapping[tuple[str, str], Answer] = {
            ("cloudformation", "ListStackResources"): self.stacks.list_resources,
            ("ec2", "DescribeInstances"): self._instances.describe,
            ("ec2", "DescribeRouteTables"): self.network.route_tables,
            ("ec2", "DescribeSecurityGroups"): self.network.security_groups,
            ("ec2", "DescribeVpcAttribute"): self.network.vpc_attribute,
            ("eks", "DescribeAccessEntry"): self._clusters.describe_access_entry,
            ("eks", "DescribeCluster"): self._clusters.describe,
            ("eks", "ListAccessEntries"): self._clusters.list_access_entries,
            ("iam", "GetInstanceProfile"): self._profiles.get_profile,
            ("iam", "GetRole"): self._profiles.get_role,
            ("iam", "SimulatePrincipalPolicy"): self.role_policies.simulate,
            ("lambda", "GetFunctionConfiguration"): self.functions.configuration,
            ("lambda", "ListEventSourceMappings"): self.functions.event_sources,
            ("logs", "FilterLogEvents"): self._log_groups.filter_events,
            ("logs", "PutLogEvents"): self._log_groups.put_events,
            ("sqs", "ReceiveMessage"): self._queues.receive,
            ("sqs", "SendMessage"): self._queues.send,
            ("sqs", "SendMessageBatch"): self._queues.send_batch,
        }

    def __enter__(self) -> Self:
        self._server.attach(self._serve)
        BackendDict.reset()
        reset_model_data()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.detach()
        with self._changed:
            self._closed = True

    @property
    def endpoint_url(self) -> str:
        """The address of every service."""
        return self._server.url

    def environment(self) -> dict[str, str]:
        """The environment variables that lead an AWS SDK here, whatever the machine's own configuration says."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_SESSION_TOKEN": "local",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def put_instances(self, document: Mapping[str, Any]) -> None:
        """What DescribeInstances answers from now on, as `aws ec2 describe-instances` prints it. ValueError."""
        self._instances.put(document)

    def put_instance_profiles(self, document: Mapping[str, Any]) -> None:
        """What GetInstanceProfile answers from now on, as `aws iam list-instance-profiles` prints it. ValueError."""
        self._profiles.put_profiles(document)

    def put_roles(self, document: Mapping[str, Any]) -> None:
        """What GetRole answers from now on, as `aws iam list-roles` prints it. ValueError."""
        self._profiles.put_roles(document)

    def put_cluster(
        self, document: Mapping[str, Any], *, endpoint: str | None = None, ca_pem: bytes | None = None
    ) -> None:
        """Add or replace the cluster that `aws eks describe-cluster` prints, perhaps behind another API server.

        `endpoint` is that server's URL, `ca_pem` the CA that its certificate is to be checked with. ValueError.
        """
        self._clusters.put(document, endpoint, ca_pem)

    def put_access_entries(self, cluster: str, *documents: Mapping[str, Any]) -> None:
        """The cluster's access entries from now on, each as `aws eks describe-access-entry` prints it. ValueError."""
        self._clusters.put_access_entries(cluster, documents)

    def fail_next(
        self, operation: str, code: str, *, times: int = 1, message: str = "on demand", status: int | None = None
    ) -> None:
        """Refuse the next requests for `operation` ("DescribeInstances"). The SDK's retries count as requests.

        `status` is the HTTP status, where the one that goes with `code` will not do.
        """
        self._failures[operation].extend([AwsError(code, message, status)] * times)

    def fail_share(self, operation: str, code: str, share: float, seed: int) -> None:
        """Refuse this share of all later requests for `operation`, by chance.

        "SendMessageBatchRequestEntry" is that share of the entries, each in a batch that is answered all the same.
        """
        self._shares[operation] = Share(share, AwsError(code, "on demand"), Random(seed))

    def delay_next(self, operation: str, seconds: float, *, times: int = 1) -> None:
        """Let the next requests for `operation` wait so long before anything else is done with them."""
        self._delays[operation].extend([seconds] * times)

    def fast_forward(self, queue_url: str) -> float:
        """Skip to just after the first message in flight or delayed in the queue is visible again; the seconds skipped.

        0 if one is visible now, or none will be. The others of the queue come nearer by as much.
        """
        with self._changed:
            return self._queues.fast_forward(queue_url)

    def messages(self, queue_url: str) -> list[SentMessage]:
        """What is in a queue, visible, delayed or in flight, in the order in which it was sent."""
        with self._changed:
            return self._queues.messages(queue_url)

    def log_events(self, group_name: str) -> list[LogEvent]:
        """The events of a log group by time: logStreamName, timestamp (ms since 1970), message.

        Raises AwsError if there is no such group.
        """
        with self._changed:
            return self._log_groups.events(group_name)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            request = AwsRequest(environ)
        except AwsError as error:
            return Response(str(error), error.status)(environ, start_response)
        self.calls.append(request.call)
        return self._respond(request)(environ, start_response)

    def _respond(self, request: AwsRequest) -> Response:
        call = request.call
        try:
            self._interfere(call.operation)
            self._check_region(call)
            if call.operation == "ReceiveMessage":
                # Without keeping the others out.
                self._queues.await_message(call.params)
            # moto was not written for several requests at once: two receivers would get one message.
            with self._changed:
                if self._closed:
                    raise AwsError("ServiceUnavailable", "the local AWS is gone")
                response = self._answer(request)
                self._changed.notify_all()
                return response
        except AwsError as error:
            return request.refuse(error)
        except ServiceException as error:
            return request.refuse(AwsError(error.code, error.message))
        except NotImplementedError:
            message = f"the local AWS has no {call.service} {call.operation}"
            return request.refuse(AwsError("NotImplemented", message, 501))

    def _answer(self, request: AwsRequest) -> Response:
        call = request.call
        if answer := self._answers.get((call.service, call.operation)):
            return request.answer(answer(call.params))
        environ = {**request.environ(), "HTTP_X_MOTO_ACCOUNT_ID": self.account_id}
        return Response.from_app(self._server.moto, environ, buffered=True)

    def _interfere(self, operation: str) -> None:
        with self._changed:
            delay = self._delays[operation].popleft() if self._delays[operation] else 0.0
            failure = self._failures[operation].popleft() if self._failures[operation] else self._chance(operation)
        time.sleep(delay)
        if failure:
            raise failure

    def _chance(self, operation: str) -> AwsError | None:
        share = self._shares.get(operation)
        return share.error if share and share.random.random() < share.share else None

    def _check_region(self, call: Call) -> None:
        # This is the endpoint of one region, and AWS's refuse a signature for another. IAM is signed for its partition.
        if call.service != "iam" and call.region != self.region:
            message = f"Credential should be scoped to a valid region, not '{call.region}'."
            raise AwsError("SignatureDoesNotMatch", message, 403)
