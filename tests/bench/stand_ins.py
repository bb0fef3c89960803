"""EC2, IAM, EKS and DNS in a process of their own, answering at once: a benchmark is to time the product and not them.

Run as a program it is that process. The answers of AWS are recorded from the local AWS at the start: that of EC2 for
one instance, which is written out for each node of tests.chaos.nodes that is asked for. DNS knows an A record for each
name of a node, and no other.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl

import boto3
from botocore.client import BaseClient

from csr_approver_local.aws import LocalAws
from tests.chaos.nodes import Node, described
from tests.support.requests import ACCOUNT, CLUSTER, REGION
from tests.support.worlds import default_world

_ROOT = Path(__file__).parents[2]
_RECORDED = Node(0)
_A = 1
# RFC 1035 sections 4.1.1 and 4.1.4: an answer with RD and RA; a name that is the question's.
_ANSWER_FLAGS, _SAME_NAME = b"\x85\x80", b"\xc0\x0c"
_HEADER_OCTETS, _TYPE_AND_CLASS_OCTETS = 12, 4


@dataclass(frozen=True, slots=True)
class Asked:
    """How often what was asked: AWS by operation, DNS by name and number of the record type."""

    aws: Mapping[str, int]
    dns: Mapping[tuple[str, int], int]


class StandIns:
    """The process. Use as a context manager; `environment` is what leads an AWS SDK there."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started = self._line()
        self.environment: dict[str, str] = started["environment"]
        self.dns_address = f"127.0.0.1:{started['dns']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self, dns_delay_seconds: float = 0.0) -> Asked:
        """From now on DNS answers after so long; what was asked since the last call."""
        assert self._process.stdin
        self._process.stdin.write(f"{dns_delay_seconds}\n")
        self._process.stdin.flush()
        asked = self._line()
        return Asked(asked["aws"], {(name, kind): times for name, kind, times in asked["dns"]})

    def _line(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


class _Aws(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, for requests that carry their length."""

    def __init__(self, answers: "_Answers") -> None:
        self._answers = answers
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
            if b"\r\nexpect: 100-continue" in head:
                raise NotImplementedError("no client of AWS asks so little")
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            answer = self._answers.of(body)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))


class _Answers:
    """The recorded ones."""

    def __init__(self, aws: LocalAws) -> None:
        environment = aws.environment()
        session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment["AWS_SESSION_TOKEN"],
            aws.region,
        )

        def client(service: Any) -> BaseClient:
            made: BaseClient = session.client(service, endpoint_url=aws.endpoint_url)
            return made

        world = default_world()
        profile = world.instance_profiles["InstanceProfiles"][0]
        instances = _recorded(client("ec2"), "describe_instances", InstanceIds=[_RECORDED.instance_id]).decode()
        before, item = instances[: (begin := instances.index("<item>"))], instances[begin:]
        item, close, after = item.partition("</reservationSet>")
        self._before, self._item, self._after = before, item, close + after
        name = profile["InstanceProfileName"]
        self._fixed = {
            "GetInstanceProfile": _recorded(client("iam"), "get_instance_profile", InstanceProfileName=name),
            "GetRole": _recorded(client("iam"), "get_role", RoleName=profile["Roles"][0]["RoleName"]),
            "DescribeCluster": _recorded(client("eks"), "describe_cluster", name=CLUSTER),
        }
        self.asked: Counter[str] = Counter()

    def of(self, body: bytes) -> bytes:
        """EC2 and IAM are asked by a form, EKS by a path alone."""
        form = dict(parse_qsl(body.decode()))
        operation = form.get("Action", "DescribeCluster")
        self.asked[operation] += 1
        if operation != "DescribeInstances":
            return self._fixed[operation]
        asked = (value for name, value in form.items() if name.startswith("InstanceId."))
        return "".join([self._before, *map(self._one, asked), self._after]).encode()

    def _one(self, instance_id: str) -> str:
        node, text = Node(int(instance_id.removeprefix("i-"), 16)), self._item
        for attribute in ("instance_id", "name", "address"):
            text = text.replace(getattr(_RECORDED, attribute), getattr(node, attribute))
        return text


class _Dns(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.asked: Counter[tuple[bytes, int]] = Counter()
        self.delay_seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = data[_HEADER_OCTETS:]
        name, kind = question[:-_TYPE_AND_CLASS_OCTETS].lower(), int.from_bytes(question[-4:-2])
        self.asked[name, kind] += 1
        # ip-10-0-2-1, after its length.
        label = name[1 : 1 + name[0]].decode()
        address = bytes(map(int, label.split("-")[1:])) if kind == _A else b""
        record = _SAME_NAME + b"\0\x01\0\x01" + (60).to_bytes(4) + b"\0\x04" + address if address else b""
        counts = b"\0\x01" + (b"\0\x01" if record else b"\0\0") + b"\0\0\0\0"
        answer = data[:2] + _ANSWER_FLAGS + counts + question + record
        if self.delay_seconds:
            asyncio.get_running_loop().call_later(self.delay_seconds, self._transport.sendto, answer, addr)
        else:
            self._transport.sendto(answer, addr)


def _recorded(client: BaseClient, operation: str, **params: object) -> bytes:
    contents: list[bytes] = []
    client.meta.events.register("after-call", lambda http_response, **_: contents.append(http_response.content))
    getattr(client, operation)(**params)
    return contents[0]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        aws, world = stack.enter_context(LocalAws(REGION, ACCOUNT)), default_world()
        aws.put_cluster(world.cluster)
        instances = described([_RECORDED])
        for interface in instances["Reservations"][0]["Instances"][0]["NetworkInterfaces"]:
            # The recorded instance's prefixes would be everybody's, and hold addresses of nodes.
            interface.pop("Ipv4Prefixes", None)
        aws.put_instances(instances)
        aws.put_instance_profiles(world.instance_profiles)
        aws.put_roles(world.roles)
        answers = _Answers(aws)
    http = await loop.create_server(lambda: _Aws(answers), "127.0.0.1", 0)
    datagrams, dns = await loop.create_datagram_endpoint(_Dns, ("127.0.0.1", 0))
    url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
    environment = aws.environment() | {"AWS_ENDPOINT_URL": url}
    print(json.dumps({"environment": environment, "dns": datagrams.get_extra_info("sockname")[1]}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        dns.delay_seconds = float(line)
        asked = [(_text(name), kind, times) for (name, kind), times in dns.asked.items()]
        print(json.dumps({"aws": answers.asked, "dns": asked}), flush=True)
        answers.asked.clear()
        dns.asked.clear()


def _text(wire_name: bytes) -> str:
    labels = []
    while length := wire_name[0]:
        labels.append(wire_name[1 : 1 + length].decode())
        wire_name = wire_name[1 + length :]
    return ".".join(labels)


if __name__ == "__main__":
    asyncio.run(_serve())
