"""What the operator sets: flags, or variables CSR_WATCHER_... of the same names; a flag goes first."""

import argparse
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from csr_approver.environment import SettingsError, environment_settings
from csr_watcher import __version__

ENVIRONMENT_PREFIX = "CSR_WATCHER_"

# sqs.<region>.amazonaws.com, sqs-fips.<region>..., sqs.<region>.api.aws, <endpoint>.sqs.<region>.vpce.amazonaws.com
_REGION = re.compile(r"(?:.*\.)?sqs(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\..+")
# SQS: queue names, here without the suffix .fifo.
_QUEUE_PATH = re.compile(r"/\d{12}/[A-Za-z0-9_-]{1,80}")
_STATEFUL_SET_POD = re.compile(r".+-(?P<ordinal>\d{1,4})")
_LISTEN = re.compile(r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


class Listen(NamedTuple):
    """Where to serve health and metrics; host empty: every address of both families. Port 0: any free one."""

    host: str
    port: int


_EVERYWHERE = Listen("", 8080)


@dataclass(frozen=True, slots=True)
class Settings:
    """`ordinal`: which replica this is; 0 sends at once. `burst` and `refill_seconds`: what one requester may cause."""

    cluster: str
    queue_url: str
    ordinal: int = 0
    forward_approved: bool = False
    listen: Listen = _EVERYWHERE
    burst: int = 10
    refill_seconds: float = 10.0
    log_level: str = "INFO"
    kubeconfig: str | None = None

    @property
    def region(self) -> str | None:
        """The queue's, by its URL; None if that does not say (the AWS default chain then has to)."""
        match = _REGION.fullmatch(urlsplit(self.queue_url).hostname or "")
        return match["region"] if match else None


def read_settings(arguments: Sequence[str], environment: Mapping[str, str], hostname: str = "") -> Settings:
    """Raises SettingsError: a line for each mistake. `--help` and unknown flags end the program, as argparse does."""
    values = environment_settings(environment, ENVIRONMENT_PREFIX)
    mistakes = [
        f"unknown variable {_variable(key)}; there are: {', '.join(map(_variable, _SETTINGS))}"
        for key in values
        if key not in _SETTINGS
    ]
    flags = vars(_parser().parse_args(arguments))
    values |= {key.replace("_", "-"): value for key, value in flags.items() if value is not None}
    values.setdefault("ordinal", _ordinal(hostname or socket.gethostname()))
    parsed: dict[str, Any] = {}
    for key, setting in _SETTINGS.items():
        if key in values:
            try:
                parsed[key.replace("-", "_")] = setting.parse(values[key].strip())
            except ValueError as error:
                mistakes.append(f"{_variable(key)}={values[key]!r} (--{key}): {error}")
        elif setting.required:
            mistakes.append(f"{_variable(key)} (--{key}) is missing: {setting.meaning}")
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Settings(**parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="csr-watcher",
        description="Forwards pending kubelet-serving CertificateSigningRequests to the queue of eks-csr-approver.",
        epilog=f"Each option can be set by a variable instead: --queue-url is {_variable('queue-url')}.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"csr-watcher {__version__}")
    for key, setting in _SETTINGS.items():
        parser.add_argument(f"--{key}", metavar=setting.form, help=setting.meaning)
    return parser


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper().replace("-", "_")


def _ordinal(hostname: str) -> str:
    match = _STATEFUL_SET_POD.fullmatch(hostname)
    return match["ordinal"] if match else "0"


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _queue_url(value: str) -> str:
    url = urlsplit(value)
    if url.path.endswith(".fifo"):
        raise ValueError("must be a standard queue: a FIFO queue stops at the first message that fails")
    if url.scheme not in ("https", "http") or not url.hostname or not _QUEUE_PATH.fullmatch(url.path):
        raise ValueError("must be a queue's URL, like https://sqs.eu-west-1.amazonaws.com/111122223333/csr-queue")
    return value


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit()) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def _listen(value: str) -> Listen:
    match = _LISTEN.fullmatch(value)
    if not match or int(match["port"]) > 65535:
        raise ValueError("must be HOST:PORT, [IPV6]:PORT or :PORT")
    return Listen(match["bracketed"] or match["host"] or "", int(match["port"]))


def _log_level(value: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if value.upper() not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}")
    return value.upper()


class _Setting(NamedTuple):
    form: str
    parse: Callable[[str], object]
    meaning: str
    required: bool = False


_SETTINGS = {
    "cluster": _Setting("NAME", _text, "the cluster's name, the same as in the stack", required=True),
    "queue-url": _Setting("URL", _queue_url, "the URL of the stack's CSR queue", required=True),
    "forward-approved": _Setting(
        "true|false", _boolean, "forward requests that somebody else approved too, once each (for a stack in observe)"
    ),
    "ordinal": _Setting(
        "N", _whole(0, 9999), "which replica this is (default: the number that ends the host name, or 0); 0 sends first"
    ),
    "listen": _Setting("HOST:PORT", _listen, "where to serve /healthz, /readyz and /metrics (default :8080)"),
    "burst": _Setting("N", _whole(1, 1000), "messages a requester may cause at once (default 10)"),
    "refill-seconds": _Setting("N", _whole(1, 3600), "seconds until a requester may cause one more (default 10)"),
    "log-level": _Setting("LEVEL", _log_level, "DEBUG, INFO, WARNING or ERROR (default INFO)"),
    "kubeconfig": _Setting("FILE", _text, "reach the cluster as kubectl would (default: the pod's service account)"),
}
