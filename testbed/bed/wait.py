"""Waiting for an event, never for a guess of how long it takes."""
import time


class TimedOut(Exception):
    pass


PATIENCE = 120  # s; whatever takes longer does not happen. It costs a story that passes nothing, and machines differ


def until(what, condition, timeout=PATIENCE, every=0.02):
    """Returns the first true value of condition(); raises TimedOut, naming `what`, when there is none in time."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimedOut(f"waited {timeout:g} s in vain for: {what}")
        time.sleep(every)
