"""The watcher's program, with shorter waits: python -m tests.chaos.hurried_watcher"""

import os

from csr_watcher.__main__ import main
from tests.chaos.impatience import hurry

if __name__ == "__main__":
    hurry(setattr)
    os._exit(main())
