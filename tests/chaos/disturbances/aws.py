"""SQS, EC2 and IAM fail, hang, or do not know yet."""

from tests.chaos.disturbances import Strikes, lasts, refused
from tests.chaos.impatience import AWS_SECONDS
from tests.chaos.nodes import Known, described
from tests.chaos.stage import Stage

_SENDS = ("SendMessage", "SendMessageBatch", "SendMessageBatchRequestEntry")
_RECEIPTS = ("ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def sqs_fails(stage: Stage) -> Strikes:
    """Half of what is sent is refused, and part of what is received, acknowledged or postponed."""
    with refused(stage, "ServiceUnavailable", 0.5, *_SENDS), refused(stage, "InternalError", 0.3, *_RECEIPTS):
        yield from lasts()


def ec2_throttles(stage: Stage) -> Strikes:
    """EC2 answers three calls of ten."""
    with refused(stage, "RequestLimitExceeded", 0.7, "DescribeInstances"):
        yield from lasts()


def ec2_forbids(stage: Stage) -> Strikes:
    """The function's role may not describe instances for a while."""
    with refused(stage, "UnauthorizedOperation", 1.0, "DescribeInstances"):
        yield from lasts()


def ec2_is_silent(stage: Stage) -> Strikes:
    """Now and then EC2 keeps the function waiting for longer than it waits."""
    while True:
        stage.system.aws.delay_next("DescribeInstances", 1.5 * AWS_SECONDS)
        yield


def ec2_is_behind(stage: Stage) -> Strikes:
    """Of half of the instances EC2 knows nothing at first, then all but the private DNS name, then all."""
    dice = stage.dice("ec2")
    known = dict.fromkeys(dice.sample(list(stage.nodes), len(stage.nodes) // 2), Known.NOTHING)
    try:
        while True:
            stage.system.aws.put_instances(described(stage.nodes, known))
            yield
            known = {node: Known(min(much + dice.randrange(2), Known.ALL)) for node, much in known.items()}
    finally:
        stage.system.aws.put_instances(described(stage.nodes))


def iam_throttles(stage: Stage) -> Strikes:
    """IAM answers nothing at all."""
    with refused(stage, "Throttling", 1.0, "GetInstanceProfile", "GetRole"):
        yield from lasts()
