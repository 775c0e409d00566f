"""
RADIUS accounting: requests come by UDP, and are answered once they are durable in the spool.

Whatever waits is committed together; while one group is written the next one gathers. What can't be kept is not answered: the
client sends it again. So nothing that was answered is lost, and what was answered twice is one event by its key.
"""

import json
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads, IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from bmu.mediation import radius
from bmu.mediation.radius import Code, NoPacketError, Packet
from bmuid.config import RadiusClient, RadiusDoor, Spool
from bmuid.intake.journal import Journal, Turnover
from bmuid.intake.room import has_room

log = logging.getLogger(__name__)

KIND = "radius"
# A client that did not see the answer asks again with the same packet, after some seconds (RFC 5080, section 2.2.2).
ANSWERED_MAX = 65_536
ANSWERED_SECONDS = 60.0
KNOWN_CLIENTS_MAX = 10_000
Address = tuple[str, int]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
P = ParamSpec("P")
R = TypeVar("R")


class _Key(NamedTuple):
    """What tells one sending from all others of the last minute."""

    client: Address
    identifier: int
    authenticator: bytes


class _Waiting(NamedTuple):
    key: _Key
    client: RadiusClient
    packet: Packet
    line: bytes


class Accounting(DatagramProtocol):
    """The port: who may send is looked up, what is authentic is kept and answered, all else is counted."""

    noisy = False

    def __init__(self, config: RadiusDoor, spool: Spool, reactor: object) -> None:
        self._config = config
        self._spool = spool
        self._clock = IReactorTime(reactor)
        self._threads = IReactorThreads(reactor)
        self._clients: Mapping[str, RadiusClient | None] = {}
        self._journals: dict[str, Journal] = {}
        self._waiting: dict[_Key, _Waiting] = {}
        self._writing: dict[_Key, _Waiting] = {}
        self._answered: OrderedDict[_Key, float] = OrderedDict()
        self._dropped: Counter[str] = Counter()
        self._from: dict[str, str] = {}
        self._works: Deferred[None] | None = None
        self._is_open = True
        self._has_room = has_room(spool.directory, spool.room_octets_min)
        self.serve(config)

    def serve(self, config: RadiusDoor) -> None:
        """Know these clients from now on."""
        self._config = config
        self._clients = {}
        turnover = Turnover(config.file_octets_max, config.file_seconds_max)
        for client in config.clients:
            if client.source not in self._journals:
                journal = Journal(self._spool.directory, client.source, KIND, turnover)
                self._journals[client.source] = journal

    def recover(self) -> int:
        """
        Hand in what a crash left; tell how many files.

        Errors:
            OSError: the spool can't be read or written.
        """
        return sum(journal.recover() for journal in self._journals.values())

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        client = self._client_at(addr[0])
        if client is None:
            self._drop("of no client", addr)
            return
        try:
            packet = radius.packet_of(datagram)
        except NoPacketError:
            self._drop("no packet", addr)
            return
        key = _Key(addr, packet.identifier, packet.authenticator)
        if key in self._waiting or key in self._writing:
            return
        if packet.code not in (Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER):
            self._drop("no accounting", addr)
        elif not radius.is_authentic(packet, client.secret):
            self._drop("wrong secret", addr)
        elif packet.code == Code.STATUS_SERVER or key in self._answered:
            self._answer(key, client, packet)
        elif not self._is_open or not self._has_room or self._is_full():
            self._drop("no room", addr)
        else:
            self._take(key, client, packet)

    def tick(self) -> None:
        """Hand in files that are old enough, look at the room left, tell what was dropped; to be called every second."""
        self._has_room = has_room(self._spool.directory, self._spool.room_octets_min)
        if self._works is None:
            self._work()

    def told(self) -> None:
        """Tell in the log what was dropped since; to be called now and then."""
        if self._dropped:
            told = {reason.replace(" ", "_"): count for reason, count in self._dropped.items()}
            last = "; ".join(f"{reason} from {where}" for reason, where in self._from.items())
            log.warning("RADIUS packets dropped; the last: %s", last, extra=told)
            self._dropped.clear()
            self._from.clear()

    async def drain(self) -> None:
        """Take no more; answer what was taken, and hand the files in."""
        self._is_open = False
        while self._works is not None:
            await self._works
        await self._in_thread(self._turn_all)
        self.told()

    def _client_at(self, address: str) -> RadiusClient | None:
        if address not in self._clients:
            found = dict(self._clients) if len(self._clients) < KNOWN_CLIENTS_MAX else {}
            found[address] = client_of(self._config.clients, address)
            self._clients = found
        return self._clients[address]

    def _is_full(self) -> bool:
        return len(self._waiting) + len(self._writing) >= self._config.waiting_max

    def _take(self, key: _Key, client: RadiusClient, packet: Packet) -> None:
        received_s = int(self._clock.seconds())
        fields = radius.with_facts(radius.fields_of(packet), key.client[0], received_s)
        line = _encode(fields).encode()
        self._waiting[key] = _Waiting(key, client, packet, line)
        if self._works is None:
            # All that the kernel holds is read before.
            self._works = Deferred()
            self._clock.callLater(0, self._work)

    def _work(self) -> None:
        if self._works is None:
            self._works = Deferred()
        self._writing, self._waiting = self._waiting, {}
        group = list(self._writing.values())
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        written = self._in_thread(self._write, group, now)
        _ = written.addCallbacks(self._answer_all, self._complain).addErrback(self._broke)

    def _write(self, group: Sequence[_Waiting], now: datetime) -> list[_Waiting]:
        """Commit the lines of each source, and hand in what is due; give those that are kept. In a thread."""
        kept: list[_Waiting] = []
        monotonic = time.monotonic()
        for source, journal in self._journals.items():
            own = [one for one in group if one.client.source == source]
            try:
                if own:
                    journal.append([one.line for one in own], now, monotonic)
                kept += own
                if journal.is_due(monotonic):
                    journal.turn()
            except OSError as error:
                log.error("RADIUS: can't keep what came for %s: %s", source, error)  # noqa: TRY400 - the cause is told
        return kept

    def _answer_all(self, kept: Sequence[_Waiting]) -> None:
        now = time.monotonic()
        for one in kept:
            self._answered[one.key] = now
            self._answer(one.key, one.client, one.packet)
        while self._answered:
            oldest = next(iter(self._answered.values()))
            if now - oldest < ANSWERED_SECONDS and len(self._answered) <= ANSWERED_MAX:
                break
            self._answered.popitem(last=False)
        self._done()

    def _done(self) -> None:
        self._writing = {}
        if self._waiting:
            self._clock.callLater(0, self._work)
            return
        done, self._works = self._works, None
        assert done is not None, "it was working"
        done.callback(None)

    def _answer(self, key: _Key, client: RadiusClient, packet: Packet) -> None:
        if self.transport is not None:
            self.transport.write(radius.answer_to(packet, client.secret), key.client)

    def _drop(self, reason: str, addr: Address) -> None:
        self._dropped[reason] += 1
        self._from[reason] = addr[0]

    def _turn_all(self) -> None:
        for journal in self._journals.values():
            journal.turn()

    def _in_thread(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Deferred[R]:
        pool = self._threads.getThreadPool()
        return deferToThreadPool(self._threads, pool, call, *args, **kwargs)

    def _complain(self, failure: Failure) -> None:
        log.error("RADIUS: a group was not kept", exc_info=failure.value)
        self._done()

    def _broke(self, failure: Failure) -> None:
        log.critical("RADIUS stands still", exc_info=failure.value)


def client_of(clients: Sequence[RadiusClient], address: str) -> RadiusClient | None:
    """Give the client at an address: the one whose network is the narrowest that holds it."""
    # A zone names an interface of this host, no network.
    where = ip_address(address.partition("%")[0])
    holding = [client for client in clients if where in client.network]
    return max(holding, key=lambda client: client.network.prefixlen, default=None)
