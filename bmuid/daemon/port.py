"""A port whose connections send at once what the kernel takes, and wait for their turn only with the rest."""

from twisted.internet.interfaces import IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.internet.tcp import Port, Server

BACKLOG = 50


class _PromptServer(Server):
    """A connection: Twisted's would ask to be told when it may send, be told, and ask to be told no more."""

    def write(self, data: bytes) -> None:
        if self.connected and not (
            self.dataBuffer or self._tempDataBuffer or self._writeDisconnected
        ):
            sent = self.writeSomeData(data)
            # What went wrong comes again, and is handled, where sending goes on.
            data = data[sent:] if isinstance(sent, int) else data
        if data:
            super().write(data)  # type: ignore[no-untyped-call]


class _PromptPort(Port):
    transport = _PromptServer


def listen(reactor: IReactorTCP, port: int, factory: ServerFactory, interface: str) -> Port:
    """
    Bind a port, as IReactorTCP.listenTCP does.

    Errors:
        CannotListenError: it is taken, or may not be bound.
    """
    found = _PromptPort(port, factory, BACKLOG, interface, reactor)
    found.startListening()
    return found
