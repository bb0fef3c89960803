"""Every object that a real kubelet posted, before and after it was issued: the product is for these."""

import pytest

from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Approve, Ignore
from tests.support.offline import Offline
from tests.support.requests import KUBELET_OBJECTS, kubelet_object

FLAVOURS = {
    "a-private-only": {},
    "b-external-ccm-csr1": {},
    "b-external-ccm-csr2": {},
    "c-instance-id-name": {},
    "d-client-cert-kubeadm": {"instance_binding": "prefer"},
    "e1-ipv6-gua": {},
    "f-custom-domain": {"custom_domains": "corp.example"},
}
"""Of a serving certificate, with the settings that the flavour needs."""
OTHER_SIGNER = "d0-client-csr-other-signer"


def test_every_object_of_the_folder_is_here() -> None:
    names = {f"{flavour}-{state}" for flavour in (*FLAVOURS, OTHER_SIGNER) for state in ("pending", "issued")}
    assert {path.stem for path in KUBELET_OBJECTS.glob("*.json")} == names


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_pending_request_is_approved(flavour: str, mode: str) -> None:
    offline = Offline(mode=mode, **FLAVOURS[flavour])
    assert offline.verdict(kubelet_object(f"{flavour}-pending")) == Approve()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_issued_request_is_ignored(flavour: str) -> None:
    verdict = Offline(**FLAVOURS[flavour]).verdict(kubelet_object(f"{flavour}-issued"))
    assert isinstance(verdict, Ignore)
    assert verdict.finding.reason is Reason.ALREADY_DECIDED


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_observer_judges_an_issued_request(flavour: str) -> None:
    offline = Offline(mode="observe", **FLAVOURS[flavour])
    assert offline.verdict(kubelet_object(f"{flavour}-issued")) == Approve()


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize("state", ["pending", "issued"])
def test_a_request_for_a_client_certificate_is_somebody_elses(state: str, mode: str) -> None:
    verdict = Offline(mode=mode).verdict(kubelet_object(f"{OTHER_SIGNER}-{state}"))
    assert isinstance(verdict, Ignore)
    assert verdict.finding.reason is Reason.OTHER_SIGNER
