"""The samples in events/: an SQS event, the requests that it points at, what they play against, how it must end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from csr_approver.cli.inputs import InputError, read_documents, read_requests
from csr_approver_local.dns_answers import Behaviour, Fault
from csr_approver_local.world import World

_EVENT, _REQUESTS, _SAMPLE, _WORLD = "event.json", "csr.json", "sample.yaml", "world"
_KEYS = frozenset({"title", "settings", "aws-faults", "dns-faults", "dns-down", "expect"})


class SampleError(ValueError):
    """A sample that cannot be played: one line, with its path."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How one request must end: its verdict and reasons, its decision in the cluster, its records in CloudWatch."""

    verdict: str
    reasons: tuple[str, ...] = ()
    condition: str = "none"
    recorded: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One folder of events/. A file that it lacks is taken from events/world."""

    name: str
    title: str
    bodies: tuple[str, ...]
    requests: tuple[Mapping[str, Any], ...]
    world: World
    settings: Mapping[str, str]
    aws_faults: Mapping[str, str]
    dns_faults: Mapping[str, Behaviour]
    dns_down: bool
    expectations: Mapping[str, Expectation]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises SampleError for a folder that is no sample."""
        try:
            (document,) = read_documents(folder / _SAMPLE)
            (event,) = read_documents(folder / _EVENT)
            unknown = set(document) - _KEYS
            if unknown:
                raise SampleError(f"{folder / _SAMPLE}: unknown key {', '.join(sorted(unknown))}")
            return cls(
                name=folder.name,
                title=document["title"],
                bodies=tuple(record["body"] for record in event["Records"]),
                requests=tuple(read_requests(folder / _REQUESTS)),
                world=World.load([folder, folder.parent / _WORLD]),
                settings={key: str(value) for key, value in document.get("settings", {}).items()},
                aws_faults=document.get("aws-faults", {}),
                dns_faults={name: Fault[fault.upper()] for name, fault in document.get("dns-faults", {}).items()},
                dns_down=document.get("dns-down", False),
                expectations={
                    name: Expectation(
                        expected["verdict"],
                        tuple(expected.get("reasons", ())),
                        expected.get("condition", "none"),
                        expected.get("recorded", 0),
                    )
                    for name, expected in document["expect"].items()
                },
            )
        except InputError as error:
            raise SampleError(str(error)) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SampleError(f"{folder}: is no sample: {type(error).__name__} {error}") from None


def find_samples(paths: Sequence[Path]) -> list[Path]:
    """The folders of samples at these paths: a sample, its event, or a folder of samples. Raises SampleError."""
    return [folder for path in paths for folder in _folders(path)]


def _folders(path: Path) -> Iterator[Path]:
    if path.is_file():
        path = path.parent
    if (path / _SAMPLE).is_file():
        yield path
        return
    found = sorted(sample.parent for sample in path.glob(f"*/{_SAMPLE}"))
    if not found:
        raise SampleError(f"{path}: holds no sample, which is a folder with {_SAMPLE}, {_EVENT} and {_REQUESTS}")
    yield from found
