"""The deadlines of a connection, by a clock that the test turns."""

import pytest
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from bmu.wire import GREETING, Answer, Request, ServerSession, request_line
from bmuid.config import Limits
from bmuid.doors.conversation import Conversation, Terms
from bmuid.doors.desk import Answered, Caller
from bmuid.doors.limits import Allowance, allowances
from bmuid.operations.registry import Door, RateClass

LIMITS = Limits(
    public_connections_max=64, public_handshakes_max=8, admin_connections_max=16, handshake_seconds_max=5,
    line_seconds_max=5, idle_seconds_max=30, write_seconds_max=20, logins_a_second=5, reads_a_second=100,
    changes_a_second=20, requests_waiting_max=100,
)  # fmt: skip
ASKED = Request("00000000000000aa", "invoice_list", {})
LINE = request_line(ASKED)


class Talk:
    """A conversation over a transport in memory; what is asked waits until the test answers it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.transport = StringTransport()
        self.asked: list[Answered] = []
        terms = Terms(LIMITS, self.clock, lambda _caller, _request, done: self.asked.append(done))
        caller = Caller("web", Door.PUBLIC, frozenset())
        self.conversation = Conversation(self.transport, ServerSession(), caller, terms)
        self.conversation.begin(GREETING)

    def answer(self) -> None:
        """Answer the oldest request."""
        self.asked.pop(0)(Answer(ASKED.id, b"{}", done=True))

    @property
    def is_cut(self) -> bool:
        """Whether the connection was ended at once."""
        return self.transport.disconnected

    @property
    def producer(self) -> IPushProducer:
        """Who is told whether the peer reads."""
        assert self.transport.producer is not None
        return IPushProducer(self.transport.producer)


@pytest.fixture
def talk() -> Talk:
    """A conversation that has just begun."""
    return Talk()


def test_nobody_may_wait_for_ever_before_asking(talk: Talk) -> None:
    """A place that is not used is given to others after half a minute."""
    assert talk.transport.value() == GREETING
    talk.clock.advance(29)
    assert not talk.is_cut
    talk.clock.advance(1)
    assert talk.is_cut


def test_each_answer_gives_half_a_minute_anew(talk: Talk) -> None:
    """Who asks every now and then is never cut; who falls silent is, half a minute after the last answer."""
    for _ in range(5):
        talk.clock.advance(29)
        talk.conversation.received(LINE)
        talk.answer()
    assert not talk.is_cut
    talk.clock.advance(29)
    assert not talk.is_cut
    talk.clock.advance(1)
    assert talk.is_cut


def test_octets_one_by_one_do_not_stretch_a_line(talk: Talk) -> None:
    """A line must be whole five seconds after its first octet, however it drips."""
    for octet in LINE[:4]:
        talk.conversation.received(bytes([octet]))
        talk.clock.advance(1)
    assert not talk.is_cut
    talk.conversation.received(b"x")
    talk.clock.advance(1)
    assert talk.is_cut


def test_the_work_has_no_deadline_here(talk: Talk) -> None:
    """Whoever asked properly waits for the answer as long as the database may take."""
    talk.conversation.received(LINE)
    talk.clock.advance(3600)
    talk.answer()
    assert not talk.is_cut
    assert talk.transport.value().endswith(b"00000000000000aa ok 2\n{}")
    talk.clock.advance(30)
    assert talk.is_cut


def test_an_answer_that_is_not_read_is_given_up(talk: Talk) -> None:
    """What nobody takes does not stay in memory; who does take it may go on."""
    talk.conversation.received(LINE)
    talk.answer()
    talk.producer.pauseProducing()
    talk.clock.advance(19)
    talk.producer.resumeProducing()
    talk.clock.advance(5)
    assert not talk.is_cut
    talk.producer.pauseProducing()
    talk.clock.advance(20)
    assert talk.is_cut


def test_early_octets_end_it_at_once(talk: Talk) -> None:
    """The answer to the first request does not reach whoever slipped in a second one."""
    talk.conversation.received(LINE + LINE)
    assert talk.is_cut
    talk.conversation.over()
    talk.answer()
    assert talk.transport.value() == GREETING


def test_a_broken_line_is_answered_and_ended(talk: Talk) -> None:
    """After its answer such a connection closes, and is cut if the peer won't let it."""
    talk.conversation.received(b"nonsense\n")
    assert b'"code":"BAD_LINE"' in talk.transport.value()
    assert talk.transport.disconnecting
    assert talk.transport.producer is None
    talk.clock.advance(5)
    assert talk.is_cut


def test_a_stop_waits_for_the_answer_only(talk: Talk) -> None:
    """Idle connections end with the daemon; one with a request ends after its answer."""
    idle = Talk()
    idle.conversation.stop()
    assert idle.is_cut
    talk.conversation.received(LINE)
    talk.conversation.stop()
    assert not talk.is_cut
    talk.answer()
    assert talk.transport.disconnecting
    assert talk.transport.value().endswith(b"{}")


def test_no_deadline_outlives_its_connection(talk: Talk) -> None:
    """A connection that is gone leaves nothing behind in the daemon."""
    talk.conversation.over()
    assert talk.clock.getDelayedCalls() == []


def test_an_allowance_grows_with_time_and_no_further() -> None:
    """After a rush everybody is served again; a night's rest saves nothing up."""
    allowance = Allowance(5, 0.0)
    assert [allowance.take(0.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert [allowance.take(0.2), allowance.take(0.2)] == [True, False]
    assert [allowance.take(9999.0) for _ in range(11)] == [True] * 10 + [False]
    assert not allowance.take(0.0), "a clock set back gives nothing"


def test_every_class_has_its_allowance() -> None:
    """No operation is left without a limit."""
    assert set(allowances(LIMITS, 0.0)) == set(RateClass)
