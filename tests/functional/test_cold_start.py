"""A function that is configured wrongly says so by name when it starts, and decides nothing."""

import pytest

from csr_approver.environment import SettingsError
from csr_approver_local.system import System
from tests.support.endings import APPROVED, ending_of
from tests.support.requests import signing_request
from tests.support.worlds import default_world

ROLE = "arn:aws:iam::111122223333:role/NodeRole"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param({"dns-chek": "off"}, "dns-chek", id="there is no such setting"),
        pytest.param({"mode": "Observe"}, "mode", id="a mode has no such value"),
        pytest.param({"deny": "no"}, "deny", id="deny is true or false"),
        pytest.param({"instance-binding": "off"}, "instance-binding", id="a binding cannot be off"),
        pytest.param({"role-check": "none"}, "role-check", id="a role check has no such value"),
        pytest.param({"role-check": "off"}, "node-roles", id="without a role check the roles must be named"),
        pytest.param({"node-roles": "NodeRole"}, "node-roles", id="a role is named by its ARN"),
        pytest.param({"cluster-membership": "true"}, "cluster-membership", id="membership is require or off"),
        pytest.param({"dns-check": "false"}, "dns-check", id="the DNS check is require or off"),
        pytest.param({"custom-domains": "*.corp.example"}, "custom-domains", id="a domain is no pattern"),
        pytest.param({"custom-domains": "nodes.svc"}, "custom-domains", id="no domain is under a reserved name"),
        pytest.param(
            {"custom-domains": "corp.example", "dns-check": "off"}, "custom-domains", id="only DNS proves a domain"
        ),
        pytest.param({"public-addresses": "deny"}, "public-addresses", id="public addresses are allow or refuse"),
        pytest.param({"interfaces": "secondary"}, "interfaces", id="interfaces are primary or all"),
        pytest.param({"max-expiration-seconds": "599"}, "max-expiration-seconds", id="a lifetime has a minimum"),
        pytest.param({"service-cidrs": "172.20.0.0/8"}, "service-cidrs", id="a network has no host bits"),
        pytest.param({"cluster-endpoint": "https://"}, "cluster-endpoint", id="an endpoint has a host"),
        pytest.param({"dns-servers": "resolver.example"}, "dns-servers", id="a resolver is an address"),
        pytest.param({"dns-timeout-seconds": "0"}, "dns-timeout-seconds", id="a resolver gets some time"),
        pytest.param({"dns-timeout-seconds": "nan"}, "dns-timeout-seconds", id="a time is a number"),
    ],
)
def test_the_start_fails_because(settings: dict[str, str], named: str) -> None:
    with System(default_world(), settings) as system, pytest.raises(SettingsError, match=named):
        system.run()


def test_it_starts_with_every_setting_spelt_out_at_its_default() -> None:
    defaults = {
        "mode": "enforce",
        "deny": "true",
        "instance-binding": "require",
        "node-roles": ROLE,
        "role-check": "require",
        "cluster-membership": "require",
        "dns-check": "require",
        "custom-domains": "",
        "public-addresses": "allow",
        "interfaces": "primary",
        "max-expiration-seconds": "31622400",
        "dns-timeout-seconds": "2",
    }
    with System(default_world(), defaults) as system:
        request = system.cluster.stored(system.submit(signing_request())) or {}
        system.run()
        assert ending_of(system, request) == APPROVED
