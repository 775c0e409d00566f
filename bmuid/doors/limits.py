"""How many requests of each class are taken in a time; the clock is the caller's."""

from collections.abc import Mapping

from bmuid.config import Limits
from bmuid.operations.registry import RateClass

# So many seconds' worth may come at once: a page asks twice or thrice in a row.
BURST_SECONDS = 2


class Allowance:
    """Tokens that grow with time: one buys one request."""

    def __init__(self, a_second: int, now: float) -> None:
        self._a_second = a_second
        self._tokens = float(a_second * BURST_SECONDS)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; False when there is none."""
        grown = self._tokens + max(0.0, now - self._at) * self._a_second
        self._tokens = min(float(self._a_second * BURST_SECONDS), grown)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def allowances(limits: Limits, now: float) -> Mapping[RateClass, Allowance]:
    """Give a full allowance for each class."""
    return {
        RateClass.LOGIN: Allowance(limits.logins_a_second, now),
        RateClass.READ: Allowance(limits.reads_a_second, now),
        RateClass.CHANGE: Allowance(limits.changes_a_second, now),
    }
