"""The words for usage are the ones the database and the wire use."""

from bmu.usage import UDR, Rater, Unit


def test_names_are_the_stored_text() -> None:
    """A class counted in TIME says TIME in the database, in a file and on the screen."""
    assert all(member.name == member.value for words in (Unit, Rater) for member in words)


def test_two_readings_of_one_event_are_equal() -> None:
    """The same event read twice is the same record, field for field."""
    udr = UDR(1, b"k" * 16, 5, "phone", "442079460123", "voice", 0, 61, "442079460123", "33")
    assert udr == UDR(*udr)
    assert udr != udr._replace(quantity=62)
