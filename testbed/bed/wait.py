"""Waiting for an event, never for a guess of how long it takes."""
import time


class TimedOut(Exception):
    pass


def until(what, condition, timeout=30.0, every=0.02):
    """Returns the first true value of condition(); raises TimedOut, naming `what`, when there is none in time."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimedOut(f"waited {timeout:g} s in vain for: {what}")
        time.sleep(every)
