"""How DNS servers are written down."""

from pathlib import Path

import pytest

from csr_approver.evidence import name_servers
from csr_approver.evidence.name_servers import system_servers
from csr_approver.name_server import NameServer


@pytest.mark.parametrize(
    ("text", "server"),
    [
        pytest.param("10.0.0.2", NameServer("10.0.0.2", 53), id="an IPv4 address"),
        pytest.param("10.0.0.2:5353", NameServer("10.0.0.2", 5353), id="an IPv4 address and a port"),
        pytest.param("FD00:EC2::253", NameServer("fd00:ec2::253", 53), id="an IPv6 address"),
        pytest.param("[fd00:ec2::253]:5353", NameServer("fd00:ec2::253", 5353), id="an IPv6 address and a port"),
    ],
)
def test_a_server_is_read_and_written(text: str, server: NameServer) -> None:
    assert NameServer.parse(text) == server
    assert str(server) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("dns.example.com", id="a name"),
        pytest.param("10.0.0", id="half an address"),
        pytest.param("10.0.0.2:", id="no port after the colon"),
        pytest.param("10.0.0.2:0", id="port 0"),
        pytest.param("10.0.0.2:65536", id="a port that is too high"),
        pytest.param("10.0.0.2:\u0665\u0663", id="a port in other digits"),
        pytest.param("[fd00::1]", id="brackets without port"),
        pytest.param("[10.0.0.2]:5353:", id="a colon at the end"),
        pytest.param("https://10.0.0.2/", id="a URL"),
    ],
)
def test_whatever_else_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is no DNS server") as raised:
        NameServer.parse(text)
    assert repr(text) in str(raised.value)


def test_the_system_servers_come_in_the_order_of_resolv_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# by DHCP\noptions edns0 timeout:1\nnameserver 10.0.0.2\nnameserver fd00:ec2::253\n")
    monkeypatch.setattr(name_servers, "RESOLV_CONF", str(path))
    assert system_servers() == [NameServer("10.0.0.2"), NameServer("fd00:ec2::253")]
