"""A program of others asked within a time: who does not answer is left where it hangs, and waited for no longer."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

# So many calls may hang, each in a thread of its own, before nothing more is asked.
HANGING_MAX = 4


class NoAnswerError(Exception):
    """Raised where a call does not come back in time, or so many have not come back that no other is made."""


class Asking(Generic[Q, A]):
    """
    Makes calls one after another in a thread of their own, in whatever thread they are asked for.

    A call that is over time goes on, since nothing can end it; its answer is thrown away, and the next call has
    another thread.
    """

    def __init__(self, call: Callable[[Q], A], seconds: float) -> None:
        self._call, self._seconds = call, seconds
        self._calls: SimpleQueue[tuple[Q, SimpleQueue[A | Exception]] | None] | None = None
        self._hanging: list[Thread] = []
        self._thread: Thread | None = None

    def ask(self, question: Q) -> A:
        """
        Give the answer.

        Errors:
            NoAnswerError: there is none in time.
            Exception: whatever the call raises.
        """
        if self._calls is None:
            self._start()
        assert self._calls is not None, "just started"
        answers: SimpleQueue[A | Exception] = SimpleQueue()
        self._calls.put((question, answers))
        try:
            answer = answers.get(timeout=self._seconds)
        except Empty:
            self._abandon()
            raise NoAnswerError(f"no answer within {self._seconds:g} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _start(self) -> None:
        self._hanging = [each for each in self._hanging if each.is_alive()]
        if len(self._hanging) >= HANGING_MAX:
            raise NoAnswerError(f"{HANGING_MAX} calls have not come back yet")
        self._calls = SimpleQueue()
        self._thread = Thread(target=_answer, args=(self._call, self._calls), daemon=True)
        self._thread.start()

    def _abandon(self) -> None:
        assert self._calls is not None, "it was asked"
        assert self._thread is not None, "it was asked"
        # When it comes back after all, its thread ends.
        self._calls.put(None)
        self._hanging.append(self._thread)
        self._calls = None


def _answer(
    call: Callable[[Q], A], calls: "SimpleQueue[tuple[Q, SimpleQueue[A | Exception]] | None]"
) -> None:
    while (asked := calls.get()) is not None:
        question, answers = asked
        try:
            answers.put(call(question))
        except Exception as error:  # noqa: BLE001 - whoever asked raises it
            answers.put(error)
