"""Telephone numbers as they were dialled or signalled, made E.164 digits by the rules of their source."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bmu.mediation.extras import Extras
from bmu.mediation.reject import Reason, UnreadError, shown

# The longest code that is dialled within a country or a house only: an extension, 118118, 101.
SHORT_DIGITS_MAX = 6
# The fewest digits that can follow a prefix in a number.
REST_DIGITS_MIN = 5
CHARACTERS_MAX = 64

# Behind digits of which a switch says that they are a national number, without a trunk prefix.
NATIONAL = ";national"

_SEPARATORS = str.maketrans("", "", " -.()/")
# A number with an extension behind it, or with the parameters of a tel URI, or with the # that ends dialling.
_WITH_MORE = re.compile(
    r"(\+?[0-9]{3,64})(?:;.*|(?:x|ext)[0-9]{1,7}|#[0-9]{0,7})", re.ASCII | re.IGNORECASE
)
# A routing prefix, its x standing for any hexadecimal digit; behind = what is to stand in its place.
_LETTERS = frozenset("ABCDEF")
_ROUTING = re.compile(r"(\+?[0-9A-Fx]{1,15})(?:=(\+?[0-9]{0,8}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    How a source writes local times and telephone numbers.

    Shapes:
        trunk_prefix: digits before a national number; empty where there are none.
        routing_prefixes: what number portability puts before called numbers, the first that fits counts; each as
            ``1400``, ``Dxxx`` (x: any hexadecimal digit), or with what is to stand in its place: ``Dxxx=0``, ``+49Dxxx=+49``.
        extras: fields of records that usage keeps as its own.
    """

    code: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str
    routing_prefixes: tuple[str, ...] = ()
    extras: Extras = ()


def is_routing_prefix(text: str) -> bool:
    """Tell whether a text may be one of `SourceSettings.routing_prefixes`."""
    return _ROUTING.fullmatch(text) is not None


class Numbers:
    """
    Reads telephone numbers of one source.

    E.164 digits come of ``+`` or the international prefix before them, or of a national number
    behind the trunk prefix, or with ``;national`` behind it. What has none of these stays as it stands. An extension behind a number is no part of
    it, nor are parameters (``;rn=``, ``;ext=``, ``;npdi``).

    Shapes:
        international_min, trunk_min: the fewest digits of which the first ones are taken for that prefix.
        dialled_routing: routing prefixes that may stand in nothing but digits, behind a plus or not; x: any digit.
    """

    __slots__ = (
        "_country",
        "_international",
        "_routing",
        "_trunk",
        "dialled_routing",
        "international_min",
        "trunk_min",
    )

    def __init__(self, source: SourceSettings) -> None:
        self._routing = tuple(_routings(source.routing_prefixes))
        prefixes = [text.partition("=")[0] for text in source.routing_prefixes]
        self.dialled_routing = tuple(each for each in prefixes if not _LETTERS & {*each})
        self._country = source.country_code
        self._international = source.international_prefix
        self.international_min = len(source.international_prefix) + REST_DIGITS_MIN
        self._trunk = source.trunk_prefix
        self.trunk_min = (
            len(source.trunk_prefix) + REST_DIGITS_MIN
            if source.trunk_prefix
            else SHORT_DIGITS_MAX + 1
        )

    def read(self, text: str) -> str:
        """
        Give a number in E.164 digits; an extension or a name as it stands.

        Errors:
            UnreadError: empty, too long, or with characters that can't be printed.
        """
        if text.isdecimal() and text.isascii() and len(text) <= CHARACTERS_MAX:
            return self._dialled(text)
        national = text.removesuffix(NATIONAL)
        if national.isdecimal() and national.isascii() and len(national) <= CHARACTERS_MAX:
            return self._country + national
        digits = text.replace("(0)", "").translate(_SEPARATORS)
        plain = digits.removeprefix("+")
        if not (plain.isdecimal() and plain.isascii()):
            digits = _without_more(digits)
            plain = digits.removeprefix("+")
            if not (plain.isdecimal() and plain.isascii() and text.isprintable()):
                return as_it_stands(text)
        if len(plain) > CHARACTERS_MAX:
            return as_it_stands(text)
        return plain if digits.startswith("+") else self._dialled(digits)

    def _dialled(self, digits: str) -> str:
        length = len(digits)
        if digits.startswith(self._international) and length >= self.international_min:
            return digits[len(self._international) :]
        if digits.startswith(self._trunk) and length >= self.trunk_min:
            return self._country + digits[len(self._trunk) :]
        return digits

    def read_called(self, text: str) -> str:
        """
        Give a called number in E.164 digits, without a routing prefix.

        A short code gets the country code in front: it is dialled within the country, and must not
        look like a number of the country whose code it happens to begin with.

        Errors:
            UnreadError: empty, too long, or with characters that can't be printed.
        """
        if self._routing:
            text = self._without_routing(text)
        number = self.read(text)
        if (
            len(number) <= SHORT_DIGITS_MAX
            and number.isascii()
            and number.isdecimal()
            and number == _without_more(text.translate(_SEPARATORS))
        ):
            return self._country + number
        return number

    def _without_routing(self, text: str) -> str:
        written = text.translate(_SEPARATORS)
        for prefix, instead in self._routing:
            found = prefix.match(written)
            if found is not None:
                return instead + written[found.end() :]
        return text


def _routings(prefixes: Iterable[str]) -> Iterable[tuple[re.Pattern[str], str]]:
    """Give what finds each prefix before the digits of a number, and what is to stand in its place."""
    for text in prefixes:
        found = _ROUTING.fullmatch(text)
        assert found is not None, text
        prefix = found[1].replace("+", "[+]").replace("x", "[0-9A-F]")
        followed = f"{prefix}(?=[0-9]{{{REST_DIGITS_MIN}}})"
        yield re.compile(followed, re.ASCII | re.IGNORECASE), found[2] or ""


def _without_more(written: str) -> str:
    """Give a number without what stands behind it; anything else unchanged."""
    found = _WITH_MORE.fullmatch(written)
    return written if found is None else found[1]


def as_it_stands(text: str) -> str:
    """
    Give an identifier unchanged.

    Errors:
        UnreadError: empty, too long, or with characters that can't be printed.
    """
    if 0 < len(text) <= CHARACTERS_MAX and text.isprintable():
        return text
    raise UnreadError(
        Reason.BAD_NUMBER,
        f"{shown(text)} is no number; expected 1 to {CHARACTERS_MAX} printable characters",
    )
