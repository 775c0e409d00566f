"""What browsers send, and what links say."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.ui.query import QueryError, pairs_of, query

VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@given(VALUES, VALUES)
def test_what_a_browser_sends_is_read_as_it_was_typed(login: str, password: str) -> None:
    """Any letter of any script, a plus, a percent sign, a line break: as typed."""
    typed = {"login": login, "password": password}
    assert dict(pairs_of(urlencode(typed))) == typed


@given(VALUES)
def test_a_link_says_what_it_should(value: str) -> None:
    """What a link of ours says is what everybody else reads in it."""
    assert parse_qsl(query(from_=value), keep_blank_values=True) == [("from", value)]
    assert query(from_=value).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a=1&",
        "&a=1",
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%+1",
        "a=%++",
        "a=%\u0661\u0661",
        "a=%ff",
        "a=\xe9",
        "%=1",
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    """Half an escape, an octet that is no UTF-8, a name without a value: nothing is guessed."""
    with pytest.raises(QueryError):
        pairs_of(text)
