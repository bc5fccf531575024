"""Time as the server counts it, and waiting for what it does."""

import time

PATIENCE_S = 30  # Far above what anything here takes: it ends a hang, it measures nothing.

_PACE_S = 0.005  # Between two questions, so that the asking leaves the machine to the answering.


def boottime():
    """Seconds of CLOCK_BOOTTIME: monotonic, and it counts suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def eventually(condition, what):
    """Asks until the condition is truthy and returns that; fails when patience is over."""
    deadline = boottime() + PATIENCE_S
    while not (result := condition()):
        assert boottime() < deadline, f"{PATIENCE_S} s passed and still not: {what}"
        time.sleep(_PACE_S)
    return result
