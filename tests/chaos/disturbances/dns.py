"""DNS is silent, fails, refuses, truncates, or lies."""

from ipaddress import IPv4Address

from csr_approver.policy.reason import Reason
from csr_approver_local.dns_answers import Behaviour, Fault, Lie
from tests.chaos.disturbances import Strikes, lasts
from tests.chaos.stage import Stage, conditions

_ATTACKER = IPv4Address("203.0.113.66")
_LIED_ABOUT = 3


def dns_is_silent(stage: Stage) -> Strikes:
    """No question is answered."""
    stage.system.dns.down = True
    try:
        yield from lasts()
    finally:
        stage.system.dns.down = False


def dns_fails(stage: Stage) -> Strikes:
    """SERVFAIL for two names of three."""
    yield from _for_some(stage, Fault.SERVFAIL)


def dns_refuses(stage: Stage) -> Strikes:
    """REFUSED for two names of three."""
    yield from _for_some(stage, Fault.REFUSED)


def dns_truncates(stage: Stage) -> Strikes:
    """The answers for two names of three come over TCP only."""
    yield from _for_some(stage, Fault.TRUNCATED)


def dns_truncates_and_tcp_is_blocked(stage: Stage) -> Strikes:
    """The answers for two names of three would come over TCP, and do not come."""
    yield from _for_some(stage, Fault.TRUNCATED_WITHOUT_TCP)


def _for_some(stage: Stage, behaviour: Behaviour) -> Strikes:
    """At each strike it is others. A name that another disturbance has taken over is left to it."""
    dice = stage.dice(str(behaviour))
    behaviours = stage.system.dns.behaviours
    afflicted: list[str] = []

    def relieve() -> None:
        for name in afflicted:
            if behaviours.get(name) is behaviour:
                del behaviours[name]

    try:
        while True:
            relieve()
            names = [node.name for node in stage.nodes if node not in stage.lied_about]
            afflicted = dice.sample(names, 2 * len(names) // 3)
            behaviours |= dict.fromkeys(afflicted, behaviour)
            yield
    finally:
        relieve()


def dns_lies(stage: Stage) -> Strikes:
    """The names of three honest nodes lead to somebody else's address from before they ask.

    None of them may be approved as long as they do. Whoever has asked for more than a minute is denied for it, which is
    right, and its kubelet asks again.
    """
    honest = [node for node in stage.nodes if node.flaw is None]
    stage.lied_about |= set(stage.dice("lies").sample(honest, _LIED_ABOUT))
    names = {node.name for node in stage.lied_about}
    stage.system.dns.behaviours.update(dict.fromkeys(names, Lie(_ATTACKER)))
    try:
        yield from lasts()
    finally:
        approved = [
            node for node, request in stage.requests() if ("Approved", Reason.NODE_VERIFIED) in conditions(request)
        ]
        for name in names:
            stage.system.dns.behaviours.pop(name, None)
        assert stage.lied_about.isdisjoint(approved)
