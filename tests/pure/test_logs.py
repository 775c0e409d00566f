"""Logs: a line an event, which no customer's text can forge or hide."""

import json
import logging

from bmuid.logs import JSONFormatter, TextFormatter, request


def record(message: str, **given: object) -> logging.LogRecord:
    """Make an event at a known instant."""
    made = logging.makeLogRecord({"msg": message, "levelname": "INFO", **given})
    made.created = 1_785_600_000.123
    return made


class TestText:
    """Lines for people."""

    def test_one_event_is_one_line(self) -> None:
        """A file named with a line feed or an escape sequence can't write a second line."""
        line = TextFormatter("bmuid").format(record("took file", file="a\nERROR forged\x1b[2J"))

        assert line == (
            '2026-08-01T16:00:00.123Z INFO    bmuid took file file="a\\nERROR forged\\x1b[2J"'
        )

    def test_a_value_is_never_two(self) -> None:
        """What a caller calls itself can't add a field to the line."""
        line = TextFormatter("bmuid").format(record("refused", login='x" role=admin', tries=3))

        assert line.endswith('refused login="x\\" role=admin" tries=3')

    def test_lines_of_a_request_bear_its_id(self) -> None:
        """All that was logged for one request can be found by its id."""
        with request("0123456789abcdef"):
            assert " [0123456789abcdef] " in TextFormatter("bmuid").format(record("asked"))
        assert "[" not in TextFormatter("bmuid").format(record("asked"))


class TestJSON:
    """Lines for collectors."""

    def test_what_an_event_gives_can_not_replace_what_the_log_says(self) -> None:
        """The level and the instant are the log's own, whatever an event is called."""
        read = json.loads(JSONFormatter("bmuid").format(record("odd", level="none", at="never")))

        assert (read["level"], read["at"]) == ("info", "2026-08-01T16:00:00.123Z")

    def test_each_line_is_an_object_with_what_the_event_gave(self) -> None:
        """A collector reads back exactly what happened."""
        line = JSONFormatter("rating").format(record("rated", file_id=7, caller="Zoë\n"))

        assert "\n" not in line
        assert json.loads(line) == {
            "at": "2026-08-01T16:00:00.123Z",
            "level": "info",
            "program": "rating",
            "request_id": "",
            "message": "rated",
            "file_id": 7,
            "caller": "Zoë\n",
        }
