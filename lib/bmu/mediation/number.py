"""Telephone numbers as they were dialled or signalled, made E.164 digits by the rules of their source."""

from dataclasses import dataclass

from bmu.mediation.reject import Reason, UnreadError, shown

# The longest code that is dialled within a country or a house only: an extension, 118118, 101.
SHORT_DIGITS_MAX = 6
# The fewest digits that can follow a prefix in a number.
REST_DIGITS_MIN = 5
CHARACTERS_MAX = 64

_SEPARATORS = str.maketrans("", "", " -.()/")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    How a source writes local times and telephone numbers.

    Shapes:
        trunk_prefix: digits before a national number; empty where there are none.
    """

    code: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str


class Numbers:
    """
    Reads telephone numbers of one source.

    E.164 digits come of ``+`` or the international prefix before them, or of a national number
    behind the trunk prefix. What has none of these stays as it stands.

    Shapes:
        international_min, trunk_min: the fewest digits of which the first ones are taken for that prefix.
    """

    __slots__ = ("_country", "_international", "_trunk", "international_min", "trunk_min")

    def __init__(self, source: SourceSettings) -> None:
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
        digits = text.replace("(0)", "").translate(_SEPARATORS)
        plain = digits.removeprefix("+")
        if not (plain.isdecimal() and plain.isascii()) or len(plain) > CHARACTERS_MAX:
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
        Give a called number in E.164 digits.

        A short code gets the country code in front: it is dialled within the country, and must not
        look like a number of the country whose code it happens to begin with.

        Errors:
            UnreadError: empty, too long, or with characters that can't be printed.
        """
        number = self.read(text)
        if (
            len(number) <= SHORT_DIGITS_MAX
            and number == text.translate(_SEPARATORS)
            and number.isascii()
            and number.isdecimal()
        ):
            return self._country + number
        return number


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
