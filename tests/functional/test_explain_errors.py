"""What `explain` cannot use: one clear line on standard error, exit status 2, no verdict and no traceback."""

from collections.abc import Callable

import pytest

from tests.support.command import Command, Ran
from tests.support.requests import signing_request
from tests.support.worlds import WORLD_FOLDER

VALID = signing_request()
STATED = (
    "--set=cluster=x",
    "--set=cluster-vpc=vpc-0",
    "--set=cluster-endpoint=10.0.0.1",
    "--set=service-cidrs=10.96.0.0/12",
)


def assert_refused(ran: Ran, *words: str) -> None:
    assert ran.status == 2
    assert ran.out == ""
    (line,) = ran.err.splitlines()
    assert line.startswith("csr-approver")
    assert "Traceback" not in line
    for word in words:
        assert word in line


def test_the_arguments_that_every_row_changes_are_accepted(command: Command) -> None:
    assert command.explain("--csr", command.file(VALID)).status == 0


@pytest.mark.parametrize("option", ["csr", "instances", "instance_profiles", "roles", "cluster", "zone"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda _: "/nowhere/x.json", ["/nowhere/x.json", "No such file"], id="that is missing"),
        pytest.param(lambda _: str(WORLD_FOLDER), ["world", "directory"], id="that is a directory"),
        pytest.param(lambda command: command.file(b"\x00\xff\xfe\x9f", "x"), ["/x", "UTF-8"], id="that is no text"),
        pytest.param(lambda command: command.file("{]", "x"), ["/x"], id="that is neither JSON nor YAML"),
        pytest.param(lambda command: command.file('{"a": [1, 2', "x"), ["/x"], id="that is cut short"),
        pytest.param(lambda command: command.file("[" * 100_000, "x"), ["/x"], id="that is nested too deeply"),
        pytest.param(lambda command: command.file("a: &a [*b]", "x"), ["/x"], id="that points at nothing"),
        pytest.param(lambda command: command.file("!!python/object:os.system {}", "x"), ["/x"], id="that is code"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    command: Command, option: str, make: Callable[[Command], str], words: list[str]
) -> None:
    files = {"csr": command.file(VALID)} | {option: make(command)}
    assert_refused(command.explain(**files), *words)


@pytest.mark.parametrize("content", ["", " \n", "# a comment\n", "---\n---\n"], ids=repr)
def test_a_file_without_any_object_is_refused(command: Command, content: str) -> None:
    assert_refused(command.explain("--csr", command.file(content)), "csr.json", "kubectl get csr -o json")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("instances", "aws ec2 describe-instances"),
        ("instance_profiles", "aws iam list-instance-profiles"),
        ("roles", "aws iam list-roles"),
        ("cluster", "aws eks describe-cluster"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(VALID, id="an object of another kind"),
        pytest.param([VALID], id="a list"),
        pytest.param("5", id="a number"),
        pytest.param("", id="nothing"),
        pytest.param(
            {"Reservations": {}, "InstanceProfiles": 1, "Roles": None, "cluster": []}, id="keys of other types"
        ),
        pytest.param("{}{}", id="two answers"),
    ],
)
def test_a_file_of_another_command_is_refused_and_told_which(
    command: Command, option: str, expected: str, content: object
) -> None:
    files = {"csr": command.file(VALID), option: command.file(content, "answer.json")}
    assert_refused(command.explain(**files), "answer.json", expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--set", "dns-chek=off"], ["dns-chek", "dns-check"], id="an unknown setting"),
        pytest.param(["--set", "dns-check=maybe"], ["dns-check", "maybe", "require", "off"], id="an unknown value"),
        pytest.param(["--set", "dns-check"], ["--set dns-check", "KEY=VALUE"], id="a setting without value"),
        pytest.param(["--set", "role-check=off"], ["role-check", "node-roles"], id="settings that do not go together"),
        pytest.param(["--set", "cluster=other"], ["demo", "other"], id="another cluster than the file's"),
        pytest.param(["--set", "dns-servers=dns.example"], ["dns-servers", "dns.example"], id="a DNS server by name"),
        pytest.param(["--now", "yesterday"], ["--now", "yesterday", "2026-01-01T13:30:53Z"], id="a time in words"),
        pytest.param(["--now", "2026-01-01T13:30:53"], ["--now", "time zone"], id="a time without zone"),
        pytest.param(["--output", "xml"], ["--output", "xml", "json"], id="an unknown output"),
        pytest.param(["--wrong"], ["--wrong"], id="an unknown option"),
        pytest.param(["--csr"], ["--csr"], id="an option without value"),
        pytest.param(["csr-zzzzz"], ["csr.json", "csr-zzzzz"], id="a name that is not in the file"),
    ],
)
def test_an_argument_that_means_nothing_is_named(command: Command, arguments: list[str], words: list[str]) -> None:
    assert_refused(command.explain("--csr", command.file(VALID), *arguments), *words)


def test_a_wrong_setting_of_the_environment_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSR_APPROVER_ROLE_CHEK", "off")
    assert_refused(command.explain("--csr", command.file(VALID)), "role-chek")


def test_an_error_in_a_zone_file_is_told_with_its_line(command: Command) -> None:
    zone = command.file("good A 10.0.0.1\n; a comment\nbad A 10.0.0.256\n", "zone.db")
    assert_refused(command.explain("--csr", command.file(VALID), zone=zone), "zone.db:3", "10.0.0.256")


def test_a_cluster_must_be_named(command: Command) -> None:
    ran = command.explain("--csr", command.file(VALID), "--region", "us-west-2", cluster="")
    assert_refused(ran, "cluster", "missing")


@pytest.mark.parametrize("name", [{}, {"name": ""}, {"name": None}], ids=repr)
def test_a_cluster_file_without_a_name_is_refused(command: Command, name: dict[str, object]) -> None:
    cluster = command.file({"cluster": {"arn": "arn:aws:eks:us-west-2:111122223333:cluster/demo"} | name}, "c.json")
    assert_refused(command.explain("--csr", command.file(VALID), cluster=cluster))


def test_without_a_cluster_file_a_region_is_needed(command: Command) -> None:
    ran = command.explain("--csr", command.file(VALID), "--set", "cluster=demo", cluster="")
    assert_refused(ran, "region", "--cluster")


@pytest.mark.parametrize("region", ["us_west_2!", "", "x"])
def test_a_region_that_is_none_is_refused(command: Command, region: str) -> None:
    assert_refused(command.explain("--csr", command.file(VALID), *STATED, "--region", region, cluster=""), "region")


def test_a_profile_that_is_not_configured_is_named(command: Command) -> None:
    ran = command.explain("--csr", command.file(VALID), *STATED, "--profile", "nobodys", cluster="")
    assert_refused(ran, "nobodys")


def test_without_a_file_of_requests_a_name_is_needed(command: Command) -> None:
    assert_refused(command.explain(), "--csr")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="that is missing"),
        pytest.param("{]", id="that is no YAML"),
        pytest.param("", id="that is empty"),
        pytest.param("[]", id="that is a list"),
        pytest.param("kind: Config", id="without contexts"),
        pytest.param(b"\xff\xfe", id="that is no text"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_told(command: Command, content: object) -> None:
    path = "/nowhere/kubeconfig" if content is None else command.file(content, "kubeconfig")
    assert_refused(command.explain("csr-1", "--kubeconfig", path), "kubeconfig")


@pytest.mark.parametrize("arguments", [[], ["explode"]], ids=["no command", "an unknown command"])
def test_a_command_is_needed(command: Command, arguments: list[str]) -> None:
    assert_refused(command.run(*arguments))
