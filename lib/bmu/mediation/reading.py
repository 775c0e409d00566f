"""What the fields of a row mean: the UDR that is made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from struct import Struct

from bmu.mediation.clock import AnyClock, clock_of
from bmu.mediation.derive import Means, number_reader, reader_of_instant
from bmu.mediation.extras import EXTRA_CHARACTERS_MAX
from bmu.mediation.number import as_it_stands
from bmu.mediation.profile import Profile, RecordType
from bmu.mediation.quantity import reader_of
from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.mediation.sieve import all_hold
from bmu.mediation.transform import Form
from bmu.usage import UDR

KNOWN_NUMBERS_MAX = 100_000

_CONTENT = Struct(">q")

Read = Callable[[Sequence[str]], int]
ReadText = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Shared:
    """
    What the readings of one source share.

    Shapes:
        known: numbers that were read, by how they were written.
    """

    means: Means
    extras: tuple[tuple[str, str], ...]
    key_prefix: bytes
    known: dict[str, str]


class Reading:
    """Makes UDRs of rows that are read in one way."""

    __slots__ = (
        "_called",
        "_classes",
        "_destination",
        "_extras",
        "_identities",
        "_known",
        "_measured",
        "_normalised",
        "_numbers",
        "_origin",
        "_prefix",
        "_profile",
        "_quantity",
        "_started",
        "_uids",
        "clock",
    )

    def __init__(self, profile: Profile, shared: Shared) -> None:
        means, places = shared.means, shared.means.places
        self._profile = profile
        self._prefix = shared.key_prefix
        self._known = shared.known
        self._numbers = means.numbers
        self._identities = [[places[name] for name in names] for names in profile.identities]
        self._uids = [(uid.uid_type, places[uid.field], uid.form) for uid in profile.uids]
        self._extras = [(name, field, places[field]) for name, field in shared.extras]
        self._classes = [
            (all_hold(each.conditions, places), each.usage_class) for each in profile.classes
        ]
        self.clock = clock_of(profile.started, means.zone)
        self._started = _started(profile, means, self.clock)
        self._quantity = places[profile.quantity] if profile.quantity else -1
        self._measured = reader_of(profile.measure, profile.quantity)
        self._origin = places[profile.origin] if profile.origin else -1
        self._destination = places[profile.destination] if profile.destination else -1
        # A number that was found to be whose it is need not be read again where it is the origin as well.
        self._normalised = profile.origin_form is Form.NUMBER
        self._called = number_reader(profile.destination_form, means.numbers)

    def udr(self, line_no: int, record: bytes, fields: Sequence[str]) -> UDR:
        """
        Make a UDR of a row.

        Errors:
            UnreadError: something that is needed is not there, or is not what it should be.
        """
        uid_type, uid, place = self._uid(fields)
        destination = fields[self._destination] if self._destination >= 0 else ""
        if not destination and self._destination >= 0:
            raise _missing(self._profile.destination)
        return UDR(
            line_no,
            self._event_key(fields),
            _CONTENT.unpack_from(sha256(record).digest())[0],
            uid_type,
            uid,
            self._class(fields) if self._classes else self._profile.usage_class,
            self._started(fields),
            self._measured(fields[self._quantity]) if self._quantity >= 0 else 1,
            uid if place == self._origin >= 0 else self._read_origin(fields),
            self._called(destination) if destination else "",
            self._own_fields(fields) if self._extras else None,
        )

    def _class(self, fields: Sequence[str]) -> str:
        for holds, usage_class in self._classes:
            if holds is None or holds(fields):
                return usage_class
        return self._profile.usage_class

    def _own_fields(self, fields: Sequence[str]) -> dict[str, str] | None:
        """Give the fields that are kept as they stand; those that are empty are not there."""
        found = {}
        for name, field, place in self._extras:
            text = fields[place]
            if not text:
                continue
            if len(text) > EXTRA_CHARACTERS_MAX or not text.isprintable():
                raise UnreadError(
                    Reason.BAD_FIELD,
                    f"{field} is {shown(text)}; expected up to {EXTRA_CHARACTERS_MAX} printable characters",
                )
            found[name] = text
        return found or None

    def _uid(self, fields: Sequence[str]) -> tuple[str, str, int]:
        """Give type and value of the identifier, and the place of the number it is as the origin has it, or -1."""
        for uid_type, place, form in self._uids:
            text = fields[place]
            if not text:
                continue
            if form is Form.NUMBER:
                number = self._known.get(text) or self._remember(text)
                return uid_type, number, place if self._normalised else -1
            if form is Form.CALLED:
                return uid_type, self._numbers.read_called(text), -1
            return uid_type, as_it_stands(text), -1
        raise _missing(" and ".join(uid.field for uid in self._profile.uids))

    def _remember(self, text: str) -> str:
        """Read a number and keep it: the same customers call again and again."""
        if len(self._known) >= KNOWN_NUMBERS_MAX:
            self._known.clear()
        number = self._known[text] = self._numbers.read(text)
        return number

    def _read_origin(self, fields: Sequence[str]) -> str:
        origin = fields[self._origin] if self._origin >= 0 else ""
        if not origin or self._normalised:
            return self._numbers.read(origin) if origin else ""
        return number_reader(self._profile.origin_form, self._numbers)(origin)

    def _event_key(self, fields: Sequence[str]) -> bytes:
        for places in self._identities:
            if fields[places[0]]:
                texts = [f"{len(fields[place])}:{fields[place]}" for place in places]
                return sha256(self._prefix + "".join(texts).encode()).digest()[:16]
        raise _missing(" and ".join(names[0] for names in self._profile.identities))


def for_type(profile: Profile, type_: RecordType) -> Profile:
    """Give the profile of the rows of a type."""
    said = {
        "identities": type_.identities,
        "uids": type_.uids,
        "usage_class": type_.usage_class,
        "started": type_.started,
        "times": type_.times,
        "quantity": type_.quantity,
        "measure": type_.measure,
        "origin": type_.origin,
        "destination": type_.destination,
    }
    own = {name: value for name, value in said.items() if value is not None}
    if type_.usage_class is not None:
        own["classes"] = ()
    return replace(profile, **own)  # type: ignore[arg-type]


def _missing(name: str) -> UnreadError:
    return UnreadError(Reason.MISSING_FIELD, f"{name} is empty; expected a value")


def _started(profile: Profile, means: Means, clock: AnyClock) -> Read:
    """Give what reads the beginning of an event, and looks at the other times of its record."""
    instant = profile.started
    if instant.time_field is not None or instant.zone_field is not None:
        return reader_of_instant(instant, means)
    at, knows = clock.at, clock.knows
    began = means.places[instant.field]
    hint = -1 if instant.not_before is None else means.places[instant.not_before]
    others = [(means.places[name], name) for name in profile.times]

    def started(fields: Sequence[str]) -> int:
        name = instant.field
        try:
            for place, other in others:
                text = fields[place]
                if text and not knows(text):
                    name = other
                    at(text, "")
            name = instant.field
            return at(fields[began], "" if hint < 0 else fields[hint])
        except UnreadError as error:
            raise UnreadError(error.reason, f"{name}: {error.detail}") from None

    return started
