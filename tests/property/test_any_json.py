"""Whatever JSON stands where something else is expected, there is a verdict and no exception."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.evidence.clusters import described_cluster
from csr_approver.message import Heartbeat, MalformedMessageError, Pointer, parse_message
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.examine import Candidate, examine
from csr_approver.policy.observation import Seen
from csr_approver.policy.request import read_signing_request
from csr_approver.policy.verdict import Approve, Deny, Ignore, Undetermined
from csr_approver_local.world import World
from tests.support.heartbeats import HEARTBEAT
from tests.support.offline import Offline, settings_of
from tests.support.requests import signing_request
from tests.support.worlds import default_world

Path: TypeAlias = tuple[str | int, ...]

SETTINGS = settings_of()
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(
            ["", "i-0123456789abcdef0", "10.0.1.23", "2026-11-22T07:59:08Z", "2026-11-22", "0001-01-01T00:00:00+14:00"]
        ),
    ),
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.dictionaries(st.text(max_size=6), children, max_size=3)
    ),
    max_leaves=6,
)


def paths(document: Any, above: Path = ()) -> Iterator[Path]:
    """Where every value of a JSON document is, its own place first."""
    yield above
    items: Any = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for key, value in items:
        yield from paths(value, (*above, key))


def put(document: Any, path: Path, value: object) -> Any:
    """A copy of the document with another value there."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


REQUEST = signing_request(spec={"expirationSeconds": 86400}) | {
    "status": {"conditions": [{"type": "Noted", "status": "True"}], "certificate": ""}
}
REQUEST["metadata"]["deletionTimestamp"] = None
CLUSTER = described_cluster(default_world().cluster["cluster"], SETTINGS.cluster)


def test_the_document_that_is_changed_is_approved() -> None:
    assert isinstance(Offline().verdict(REQUEST), Approve)


@settings(max_examples=400)
@given(st.sampled_from(list(paths(REQUEST))), JSON)
def test_any_value_in_a_request_leads_to_a_verdict(path: Path, value: object) -> None:
    result = examine(read_signing_request(put(REQUEST, path, value)), CLUSTER, SETTINGS.policy)
    assert isinstance(result, Candidate | Deny | Ignore)


@settings(max_examples=300)
@given(JSON)
def test_any_value_as_a_request_is_ignored(document: object) -> None:
    assert isinstance(examine(read_signing_request(document), CLUSTER, SETTINGS.policy), Ignore)


@pytest.mark.parametrize("name", ["instances", "instance_profiles", "roles"])
@settings(max_examples=150)
@given(data=st.data())
def test_any_value_in_an_answer_of_aws_leads_to_a_verdict(name: str, data: st.DataObject) -> None:
    document: Mapping[str, Any] = getattr(default_world(), name)
    (key,) = document
    path = data.draw(st.sampled_from(list(paths(document[key]))[1:]))
    changed = {key: put(document[key], path, data.draw(JSON))}
    world: World = replace(default_world(), **{name: changed})  # type: ignore[arg-type]
    assert isinstance(Offline(world).verdict(REQUEST), Approve | Deny | Undetermined)


@settings(max_examples=200)
@given(st.sampled_from(list(paths(default_world().cluster["cluster"]))[1:]), JSON)
def test_any_value_in_the_description_of_the_cluster_leaves_it_readable_or_unavailable(
    path: Path, value: object
) -> None:
    observed = described_cluster(put(default_world().cluster["cluster"], path, value), SETTINGS.cluster)
    assert not isinstance(observed, Seen) or isinstance(observed.value, Cluster)


@settings(max_examples=200)
@given(st.text() | JSON.map(repr) | st.binary().map(lambda octets: octets.decode("latin-1")))
def test_any_text_is_a_pointer_or_malformed(body: str) -> None:
    with pytest.raises(MalformedMessageError):
        parse_message(body, "demo")


MESSAGE: dict[str, object] = {
    "kind": "csr",
    "cluster": "demo",
    "name": "csr-6plsz",
    "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13",
}


@settings(max_examples=200)
@given(st.sampled_from(sorted(MESSAGE)), JSON)
def test_any_value_in_a_message_makes_a_pointer_or_is_malformed(key: str, value: object) -> None:
    changed = MESSAGE | {key: value}
    try:
        pointer = parse_message(json.dumps(changed), "demo")
    except MalformedMessageError:
        return
    assert (changed["kind"], changed["cluster"]) == ("csr", "demo")
    assert pointer == Pointer(str(changed["name"]), str(changed["uid"]))


@settings(max_examples=300)
@given(st.sampled_from(list(paths(HEARTBEAT))), JSON)
def test_any_value_in_a_heartbeat_makes_a_heartbeat_or_is_malformed(path: Path, value: object) -> None:
    try:
        heartbeat = parse_message(json.dumps(put(HEARTBEAT, path, value)), "demo")
    except MalformedMessageError:
        # What stands among the troubles costs that trouble alone.
        assert len(path) <= 1
        return
    assert isinstance(heartbeat, Heartbeat)
    assert len(heartbeat.troubles) + heartbeat.unreadable <= 3
