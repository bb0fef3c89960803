"""What the built approver needs from the start of its process to its first decision, and for a batch once it is warm.

Beside it the floor: the same client with a handler that does nothing, and with one that only imports the third-party
modules that the approver imports. All three take turns. AWS, DNS and Kubernetes are stand-ins on the same machine,
whose time is in the figures.
"""

import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from csr_approver_local.lambda_runtime import Invocation, function_arn
from csr_approver_local.system import System
from csr_approver_local.world import World
from tests.artifact.built import BuiltFunction, BuiltFunctions
from tests.artifact.place import MODULES, PROBE, PROBE_HANDLER, built_functions, runtime
from tests.artifact.process import Code
from tests.bench.environments import memory_mib
from tests.bench.table import Row, Table
from tests.support.fleet import instance_document, world_of
from tests.support.requests import ACCOUNT, ADDRESS, NODE_NAME, REGION, signing_request

_COLD_STARTS, _WARM_BATCHES = 9, 7
_BATCHES = (1, 10, 100)
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_EMPTY = "def lambda_handler(event, context):\n    return None\n"


def measure() -> Table:
    """Cold start and warm batches. Raises NotThereError if nothing is built."""
    with tempfile.TemporaryDirectory() as name:
        empty = _function(Path(name, "empty"), _EMPTY)
        imports = _function(Path(name, "imports"), "".join(f"import {module}\n" for module in _imported()) + _EMPTY)
        rounds = [(_bare_seconds(empty), _bare_seconds(imports), *_cold_start()) for _ in range(_COLD_STARTS)]
    empty_s, imports_s, cold_s, cold_mib = map(statistics.median, zip(*rounds, strict=True))
    ratio = f"{cold_s / imports_s:.2f} times the imports"
    return Table(
        f"the built approver, from the start of its process (median of {_COLD_STARTS}) and warm (of {_WARM_BATCHES})",
        [
            Row("empty_ms", "floor: an empty handler", 1000 * empty_s, "ms"),
            Row("imports_ms", "floor: the same imports alone", 1000 * imports_s, "ms", "third-party modules"),
            Row("cold_ms", "cold start to first decision", 1000 * cold_s, "ms", ratio),
            Row("cold_mib", "memory at first decision", cold_mib, "MiB", "the most that was resident"),
            *_warm(),
        ],
    )


def _imported() -> list[str]:
    """The layer's modules, without our own, that one decision takes; in the order in which they came."""
    with built_functions(more=[PROBE], handler=PROBE_HANDLER) as functions, _system(functions) as system:
        _decide(system, 1)
        files: dict[str, str | None] = functions.started[0].invoke(MODULES).result
        layer = [name for name, file in files.items() if file and Path(file).is_relative_to(functions.layer)]
        return [name for name in layer if name.partition(".")[0] != "csr_approver"]


def _cold_start() -> tuple[float, float]:
    """Seconds, and MiB."""
    with built_functions() as functions, _system(functions) as system:
        seconds = _decide(system, 1).seconds
        return seconds, memory_mib("VmHWM", str(functions.started[0].process_id))


def _warm() -> Iterator[Row]:
    with built_functions() as functions, _system(functions) as system:
        _decide(system, 1)
        (approver,) = functions.started
        for size in _BATCHES:
            before = _cpu_seconds(approver)
            seconds = statistics.median(_decide(system, size).seconds for _ in range(_WARM_BATCHES))
            cpu = (_cpu_seconds(approver) - before) / _WARM_BATCHES
            remark = f"{1000 * cpu:.0f} ms of CPU; the rest is waiting"
            yield Row(f"warm_{size}_ms", f"warm, batch of {size}", 1000 * seconds, "ms", remark)
        yield Row("warm_mib", "memory after these batches", memory_mib("VmHWM", str(approver.process_id)), "MiB")


def _bare_seconds(folder: Path) -> float:
    """From the start of a process to its first answer, for a function that is not ours."""
    with built_functions() as functions:
        code, arn = Code(folder, [functions.layer]), function_arn(REGION, ACCOUNT, folder.name)
        function = BuiltFunction(runtime(), code, {"AWS_REGION": REGION}, arn, timeout_seconds=20)
        functions.started.append(function)
        return _succeeded(function.invoke({})).seconds


def _function(folder: Path, code: str) -> Path:
    folder.mkdir()
    (folder / "app.py").write_text(code)
    return folder


def _system(functions: BuiltFunctions) -> System:
    return System(_world(), batch_size=_BATCHES[-1], load=functions.load)


def _decide(system: System, number: int) -> Invocation:
    """One batch of so many nodes' requests, each of which must be approved."""
    names = [system.submit(_request(node)) for node in range(number)]
    invocation = system.approver_source.poll_once()
    approved = [str(system.cluster.stored(name)).count("'type': 'Approved'") for name in names]
    if invocation is None or approved != [1] * number:
        raise AssertionError(invocation)
    return _succeeded(invocation)


def _succeeded(invocation: Invocation) -> Invocation:
    if invocation.error:
        raise AssertionError(invocation)
    return invocation


def _node(number: int) -> tuple[str, str, str]:
    """Instance id, private DNS name and address."""
    address = f"10.0.9.{number + 1}"
    return f"i-{number:017x}", NODE_NAME.replace(ADDRESS.replace(".", "-"), address.replace(".", "-")), address


def _world() -> World:
    """As many nodes as the largest batch has requests."""
    documents = []
    for instance_id, name, address in map(_node, range(_BATCHES[-1])):
        text = json.dumps(instance_document(instance_id)).replace(NODE_NAME, name)
        documents.append((ACCOUNT, json.loads(text.replace(f'"{ADDRESS}"', f'"{address}"'))))
    return world_of(*documents)


def _request(number: int) -> dict[str, object]:
    instance_id, name, address = _node(number)
    return signing_request(name, address, node_name=name, instance_id=instance_id)


def _cpu_seconds(function: BuiltFunction) -> float:
    """proc_pid_stat(5): utime and stime, the 14th and the 15th field."""
    fields = Path(f"/proc/{function.process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
