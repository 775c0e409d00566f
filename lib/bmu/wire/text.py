"""Which text may be a value: Unicode NFC without characters that steer a terminal or a reader's eye."""


def _span(first: int, last: int) -> frozenset[str]:
    return frozenset(map(chr, range(first, last + 1)))


# C0, DEL and C1; line and paragraph separator; the Bidi_Control characters of UAX 9; surrogates, which
# have no UTF-8.
CONTROL_CHARACTERS = (
    _span(0x00, 0x1F)
    | _span(0x7F, 0x9F)
    | _span(0x2028, 0x2029)
    | frozenset("\u061c\u200e\u200f")
    | _span(0x202A, 0x202E)
    | _span(0x2066, 0x2069)
)


def is_clean(text: str) -> bool:
    """Tell whether *text* holds none of the refused characters and is in its one normal form."""
    if text.isascii():
        return text.isprintable()
    if any(c in CONTROL_CHARACTERS or "\ud800" <= c <= "\udfff" for c in text):
        return False
    # Loaded only for text that needs it: the CGI starts anew with each page.
    from unicodedata import is_normalized  # noqa: PLC0415

    return is_normalized("NFC", text)
