"""Waits of the product that a test has no time for, cut short; each is a constant with a name and a reason there."""

from collections.abc import Callable
from typing import Any

from botocore.config import Config

from csr_approver.clients import aws
from csr_watcher import deliveries, ledger, watcher

RESEND_SECONDS = 1.5
AWS_SECONDS = 0.3


def hurry(set_: Callable[[Any, str, Any], None]) -> None:
    """In this process, for what is started in it from now on. `set_` is setattr, or pytest's that is undone."""
    # What the function has given up comes again soon, not after a minute.
    set_(deliveries, "RESEND_SECONDS", (RESEND_SECONDS,))
    set_(watcher, "_OTHERS_DELAY_SECONDS", RESEND_SECONDS / 2)
    # What is not due yet when it ends is another's to send.
    set_(ledger, "_CLOSING_SECONDS", RESEND_SECONDS / 4)
    # boto3 itself retries nothing, and so waits for no second try.
    retries: Any = {"mode": "standard", "total_max_attempts": 1}
    set_(aws, "_CONFIG", aws._CONFIG.merge(Config(read_timeout=AWS_SECONDS, retries=retries)))
