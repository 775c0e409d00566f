"""Lines of a source to UDRs: split, filter, map, transform, validate, as its profile says."""

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from struct import Struct

from bmu.mediation.check import faults
from bmu.mediation.clock import EpochClock, LocalClock
from bmu.mediation.digest import addresses
from bmu.mediation.extras import EXTRA_CHARACTERS_MAX, keeping
from bmu.mediation.glance import glance_of
from bmu.mediation.number import Numbers, SourceSettings, as_it_stands
from bmu.mediation.plan import built, plan_of
from bmu.mediation.profile import Profile
from bmu.mediation.reject import Reason, Reject, UnreadError, shown
from bmu.mediation.sieve import Sieve
from bmu.mediation.split import lines_of
from bmu.mediation.transform import Clock, Form
from bmu.usage import UDR

LINES_AT_ONCE = 200
KNOWN_NUMBERS_MAX = 100_000
QUANTITY_DIGITS_MAX = 15

_CONTENT = Struct(">q")
_DECIMAL = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})", re.ASCII)

Read = Callable[[Sequence[str]], int]

compiled = built()
_sha256_at = addresses()


class Mediator:
    """
    Makes UDRs of one source's lines; holds caches and no other state.

    Shapes:
        source: its extras name fields that records of the profile can have.

    Errors:
        ValueError: the profile reads local times, and the source's time zone does not exist.
    """

    __slots__ = (
        "_destination",
        "_encoding",
        "_extras",
        "_glance",
        "_identities",
        "_key_prefix",
        "_known",
        "_lines",
        "_numbers",
        "_origin",
        "_places",
        "_plan",
        "_profile",
        "_quantity",
        "_sieve",
        "_started",
        "_uids",
    )

    def __init__(self, profile: Profile, source: SourceSettings) -> None:
        profile = keeping(profile, source.extras)
        assert faults(profile) == (), faults(profile)
        places = {name: place for place, name in enumerate(profile.fields)}
        self._profile = profile
        self._places = places
        self._encoding = profile.encoding
        self._lines = lines_of(profile.layout, profile.fields)
        self._glance = glance_of(profile)
        self._sieve = Sieve(profile.filters, places)
        self._numbers = Numbers(source)
        # Each text stands behind its length, so that no two lists of texts are written alike.
        self._key_prefix = f"{len(source.code)}:{source.code}".encode()
        self._identities = [[places[name] for name in names] for names in profile.identities]
        self._uids = [
            (uid.uid_type, places[uid.field], uid.form is Form.NUMBER) for uid in profile.uids
        ]
        self._extras = [(name, field, places[field]) for name, field in source.extras]
        self._known: dict[str, str] = {}
        started = profile.started
        clock = EpochClock() if started.clock is Clock.EPOCH else LocalClock(source.time_zone)
        self._started = _started(profile, places, clock)
        self._quantity = places[profile.quantity]
        self._origin = places[profile.origin]
        self._destination = places[profile.destination]
        self._plan = plan_of(profile, source, self._numbers, clock, self._key_prefix)

    def take(self, line_no: int, line: bytes) -> UDR | Reject:
        """Make a UDR of a line without its line end, or say why it is none; any octets are a line."""
        try:
            record = line.removesuffix(b"\r")
            return self._udr(line_no, record, self._lines.one(self._decoded(record)))
        except UnreadError as error:
            return Reject(line_no, error.reason, error.detail)

    def take_many(self, lines: Sequence[bytes], first_line_no: int) -> list[UDR | Reject]:
        """Do the same for lines that follow each other, with the same results, in less time."""
        return self.take_some(lines, range(first_line_no, first_line_no + len(lines)))

    def take_some(self, lines: Sequence[bytes], line_nos: Sequence[int]) -> list[UDR | Reject]:
        """Do the same for some lines of a file, whose numbers are given beside them."""
        if compiled is not None and self._plan is not None:
            return compiled.take_some(
                self._plan, tuple(lines), tuple(line_nos), self.take, UDR, sha256, _sha256_at
            )
        taken: list[UDR | Reject] = []
        for start in range(0, len(lines), LINES_AT_ONCE):
            end = start + LINES_AT_ONCE
            taken += self._take_block(lines[start:end], line_nos[start:end])
        return taken

    def uid_texts(self, lines: Iterable[bytes]) -> list[bytes | None]:
        """
        Find, without mediating them, the octets that the lines' usage identifiers are made of.

        Shapes:
            Result: None where that can't be told quickly. What is given stands for uid_of() of it,
                if take() makes a UDR of the line; of other lines nothing is promised.
        """
        if compiled is not None and self._plan is not None:
            return compiled.uid_texts(self._plan, lines)
        return list(map(self._glance, lines))

    def uids_of(self, texts: list[bytes | None]) -> list[tuple[str, str] | None]:
        """Do the same as uid_of() for many; None stands for none."""
        if compiled is not None and self._plan is not None:
            return compiled.uids_of(self._plan, texts, self.uid_of)
        return [None if text is None else self.uid_of(text) for text in texts]

    def uid_of(self, text: bytes) -> tuple[str, str] | None:
        """Give type and value of the identifier that octets of uid_texts() stand for, if they do."""
        uid = self._profile.uids[0]
        try:
            written = self._decoded(text)
            if uid.form is Form.NUMBER:
                return uid.uid_type, self._numbers.read(written)
            return uid.uid_type, as_it_stands(written)
        except UnreadError:
            return None

    def _take_block(self, lines: Sequence[bytes], line_nos: Sequence[int]) -> list[UDR | Reject]:
        records = [line.removesuffix(b"\r") for line in lines]
        try:
            rows = self._lines.many([record.decode(self._encoding) for record in records])
        except UnicodeDecodeError:
            rows = None
        if rows is None:
            return list(map(self.take, line_nos, lines))
        taken: list[UDR | Reject] = []
        for line_no, record, fields in zip(line_nos, records, rows, strict=True):
            try:
                taken.append(self._udr(line_no, record, fields))
            except UnreadError as error:
                taken.append(Reject(line_no, error.reason, error.detail))
        return taken

    def _decoded(self, record: bytes) -> str:
        try:
            return record.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise UnreadError(
                Reason.BAD_ENCODING,
                f"octet {error.start + 1} (0x{record[error.start]:02X}) is not {self._encoding}",
            ) from None

    def _udr(self, line_no: int, record: bytes, fields: Sequence[str]) -> UDR:
        dropped_by = self._sieve.dropped_by(fields)
        if dropped_by is not None:
            raise UnreadError(Reason.FILTERED, self._sieve.why(dropped_by, fields))
        uid_type, uid, place = self._uid(fields)
        destination = fields[self._destination]
        if not destination:
            raise self._missing(self._profile.destination)
        return UDR(
            line_no,
            self._event_key(fields),
            _CONTENT.unpack_from(sha256(record).digest())[0],
            uid_type,
            uid,
            self._profile.usage_class,
            self._started(fields),
            self._seconds(fields[self._quantity]),
            uid if place == self._origin else self._read_origin(fields),
            self._numbers.read_called(destination),
            self._own_fields(fields) if self._extras else None,
        )

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
        """Give type and value of the identifier, and the place of the number it is, or -1."""
        for uid_type, place, is_number in self._uids:
            text = fields[place]
            if text:
                if not is_number:
                    return uid_type, as_it_stands(text), -1
                return uid_type, self._known.get(text) or self._remember(text), place
        raise self._missing(" and ".join(uid.field for uid in self._profile.uids))

    def _remember(self, text: str) -> str:
        """Read a number and keep it: the same customers call again and again."""
        if len(self._known) >= KNOWN_NUMBERS_MAX:
            self._known.clear()
        number = self._known[text] = self._numbers.read(text)
        return number

    def _read_origin(self, fields: Sequence[str]) -> str:
        origin = fields[self._origin]
        return self._numbers.read(origin) if origin else ""

    def _event_key(self, fields: Sequence[str]) -> bytes:
        for places in self._identities:
            if fields[places[0]]:
                texts = [f"{len(fields[place])}:{fields[place]}" for place in places]
                return sha256(self._key_prefix + "".join(texts).encode()).digest()[:16]
        raise self._missing(" and ".join(names[0] for names in self._profile.identities))

    def _seconds(self, text: str) -> int:
        """Read a number of seconds; a second begun counts."""
        if text.isdecimal() and text.isascii() and len(text) <= QUANTITY_DIGITS_MAX:
            return int(text)
        decimal = _DECIMAL.fullmatch(text)
        if decimal is not None:
            return int(decimal[1]) + (int(decimal[2]) > 0)
        if not text:
            raise self._missing(self._profile.quantity)
        raise UnreadError(
            Reason.BAD_QUANTITY,
            f"{self._profile.quantity} is {shown(text)}; expected a number of seconds",
        )

    def _missing(self, name: str) -> UnreadError:
        return UnreadError(Reason.MISSING_FIELD, f"{name} is empty; expected a value")


def _started(profile: Profile, places: dict[str, int], clock: LocalClock | EpochClock) -> Read:
    """Give what reads the beginning of an event, and looks at the other times of its record."""
    instant = profile.started
    at, knows = clock.at, clock.knows
    began = places[instant.field]
    hint = -1 if instant.not_before is None else places[instant.not_before]
    others = [places[name] for name in profile.times]

    def started(fields: Sequence[str]) -> int:
        place = began
        try:
            for place in others:
                text = fields[place]
                if text and not knows(text):
                    at(text, "")
            place = began
            return at(fields[place], "" if hint < 0 else fields[hint])
        except UnreadError as error:
            raise UnreadError(error.reason, f"{profile.fields[place]}: {error.detail}") from None

    return started
