"""The outside tax service: an entry point of an installed package, asked for each event; when it fails, usage waits."""

import logging
import time
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from threading import Lock

from bmu.rating import TaxAnswer, TaxDue, TaxRequest, TaxService, Untaxed
from bmuid.gateways.asking import Asking, NoAnswerError

log = logging.getLogger(__name__)

GROUP = "bmuid.tax_service"
# While a service is away each question would take as long as its patience: so long nobody asks it.
PAUSE_SECONDS = 10.0
# It is asked while allowances are locked; nobody waits longer for one answer.
ANSWER_SECONDS = 2.0
_SAID_MAX = 200

Ask = Callable[[TaxRequest], TaxAnswer | None]


class TaxServiceError(Exception):
    """Raised when the service that is configured is not there, or can't be opened."""


def open_tax_service(
    name: str | None,
    settings: Iterable[tuple[str, str]] = (),
    seconds: float = ANSWER_SECONDS,
) -> TaxService | None:
    """
    Open the service whose entry point has this name; none where none is named.

    The entry point is a function of the settings, which gives a function from a `TaxRequest` to a `TaxAnswer`, or to
    None where the catalogue's own taxes hold. It raises whatever it likes where it has no answer.

    Units:
        seconds: that it may take for one answer; who takes longer is away.

    Errors:
        TaxServiceError: there is none, or several, or it fails.
    """
    if name is None:
        return None
    found = tuple(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        many = "several packages have" if found else "no installed package has"
        raise TaxServiceError(f"{many} the entry point {name!r} in the group {GROUP}")
    try:
        ask = found[0].load()(dict(settings))
    except Exception as error:
        raise TaxServiceError(f"{name} can't be opened: {_said(error)}") from error
    if not callable(ask):
        raise TaxServiceError(f"{name} gives no function to ask")
    guarded = _Guarded(name, ask, seconds)
    return TaxService(name, guarded, guarded.is_away, package_of(found[0]))


def installed(name: str) -> str:
    """Give name and version of the package that has the service now; another than is in use: start anew to use it."""
    return ", ".join(map(package_of, entry_points(group=GROUP, name=name)))


def package_of(entry: EntryPoint) -> str:
    """Give name and version of the package of an entry point."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""


class _Guarded:
    """A service that raises nothing: what fails is a value, and one that is away is left alone for a while."""

    def __init__(self, name: str, ask: Ask, seconds: float) -> None:
        self._name, self._asking = name, Asking(ask, seconds)
        self._one_at_a_time = Lock()
        self._away_until, self._away = 0.0, ""

    def is_away(self) -> bool:
        """Tell whether it is left alone for now."""
        return bool(self._away) and time.monotonic() < self._away_until

    def __call__(self, request: TaxRequest) -> TaxAnswer | Untaxed | None:
        with self._one_at_a_time:
            return self._answer(request)

    def _answer(self, request: TaxRequest) -> TaxAnswer | Untaxed | None:
        if self.is_away():
            return Untaxed(self._away)
        try:
            answer = self._asking.ask(request)
        except (OSError, NoAnswerError) as error:
            self._away = _said(error)
            self._away_until = time.monotonic() + PAUSE_SECONDS
            log.warning("the tax service %s is away: %s", self._name, self._away)
            return Untaxed(self._away)
        except Exception as error:  # noqa: BLE001 - the program is not ours, and usage must not stop for it
            return Untaxed(_said(error))
        self._away = ""
        if answer is None or _is_sound(answer):
            return answer
        return Untaxed(f"answers what is no TaxAnswer of TaxDue: {answer!r}"[:_SAID_MAX])


def _is_sound(answer: object) -> bool:
    """Tell whether an answer is of the kinds it says; whether it can be used is for the catalogue to say."""
    if not isinstance(answer, TaxAnswer):
        return False
    # What the kinds promise is what programs of others need not keep.
    taxes, inclusive = list(answer)
    return isinstance(inclusive, bool) and isinstance(taxes, tuple) and all(map(_is_due, taxes))


def _is_due(due: object) -> bool:
    if not isinstance(due, TaxDue):
        return False
    tax, _, certificate = list(due)
    return isinstance(tax, str) and isinstance(certificate, str | None)


def _said(error: Exception) -> str:
    if isinstance(error, NoAnswerError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:_SAID_MAX]
