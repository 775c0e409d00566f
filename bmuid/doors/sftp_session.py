"""One client's requests answered, one after the other: SFTP version 3 over a source's folder; blocking, without sockets."""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from bmuid.doors import sftp_wire as wire
from bmuid.doors.sftp_folder import Folder, name_of
from bmuid.doors.sftp_uploads import Upload
from bmuid.doors.sftp_wire import (
    PACKET_OCTETS_MAX,
    WRITE_OCTETS_MAX,
    Attributes,
    Code,
    Entry,
    Fields,
    Kind,
    Open,
    PacketError,
    RefusedError,
)

log = logging.getLogger(__name__)

HANDLES_MAX = 16
NAMES_A_PACKET = 100
LIMITS, FSYNC = b"limits@openssh.com", b"fsync@openssh.com"
NOT_HERE = "there are only files here: no directories, no links, nothing to read"


class Session:
    """
    What one client has open.

    Its methods are called one at a time, from whatever thread.
    """

    def __init__(self, folder: Folder, source: str) -> None:
        self.folder = folder
        self._source = source
        self._uploads: dict[bytes, Upload] = {}
        self._listings: dict[bytes, Iterator[Entry]] = {}
        self._handles = 0
        self._has_begun = False
        self._requests: Mapping[int, Callable[[int, Fields], bytes]] = {
            Kind.OPEN: self._open,
            Kind.CLOSE: self._close,
            Kind.READ: self._read,
            Kind.WRITE: self._write,
            Kind.LSTAT: self._stat,
            Kind.STAT: self._stat,
            Kind.FSTAT: self._fstat,
            Kind.SETSTAT: self._setstat,
            Kind.FSETSTAT: self._fsetstat,
            Kind.OPENDIR: self._opendir,
            Kind.READDIR: self._readdir,
            Kind.REMOVE: self._remove,
            Kind.REALPATH: self._realpath,
            Kind.RENAME: self._rename,
            Kind.EXTENDED: self._extended,
            Kind.MKDIR: self._denied,
            Kind.RMDIR: self._denied,
            Kind.READLINK: self._denied,
            Kind.SYMLINK: self._denied,
        }

    def answer(self, packet: bytes) -> bytes:
        """
        Do what a packet asks, and give the answer's octets.

        Errors:
            PacketError: it is no request, so that nothing after it would be one.
        """
        if not self._has_begun:
            return self._begin(packet)
        fields = Fields(packet, 1)
        request = fields.number()
        done = self._requests.get(packet[0])
        if done is None:
            return wire.status(request, Code.OP_UNSUPPORTED, NOT_HERE)
        try:
            return done(request, fields)
        except RefusedError as error:
            if packet[0] not in {Kind.LSTAT, Kind.STAT, Kind.READDIR}:
                log.info("sftp: refused: %s", error, extra={"source": self._source})
            return wire.status(request, error.code, str(error))

    def end(self) -> None:
        """Let go of what is open, since the connection has ended; what was not closed is not handed in."""
        for upload in self._uploads.values():
            upload.drop()
        self._uploads.clear()
        self._listings.clear()

    def _begin(self, packet: bytes) -> bytes:
        if packet[0] != Kind.INIT:
            raise PacketError("a session begins with INIT")
        self._has_begun = True
        return wire.version(((LIMITS, b"1"), (FSYNC, b"1")))

    def _open(self, request: int, fields: Fields) -> bytes:
        path, how = fields.octets(), Open(fields.number() & 0x3F)
        self._room()
        upload = self.folder.open(path, how)
        handle = self._handle()
        self._uploads[handle] = upload
        return wire.handle(request, handle)

    def _close(self, request: int, fields: Fields) -> bytes:
        handle = fields.octets()
        if self._listings.pop(handle, None) is None:
            upload = self._uploads.pop(handle, None)
            if upload is None:
                raise RefusedError(Code.FAILURE, "nothing of that handle is open")
            upload.close()
            log.info("sftp: closed", extra={"source": self._source, "name_given": upload.name})
        return wire.status(request, Code.OK)

    def _write(self, request: int, fields: Fields) -> bytes:
        upload = self._upload(fields)
        offset = fields.long()
        upload.write(offset, fields.octets())
        return wire.status(request, Code.OK)

    def _read(self, request: int, _fields: Fields) -> bytes:
        return wire.status(request, Code.PERMISSION_DENIED, "files can't be read back")

    def _stat(self, request: int, fields: Fields) -> bytes:
        return wire.attributes(request, self.folder.attributes(fields.octets()))

    def _fstat(self, request: int, fields: Fields) -> bytes:
        return wire.attributes(request, self._upload(fields).attributes())

    def _setstat(self, request: int, fields: Fields) -> bytes:
        self.folder.attributes(fields.octets())
        if fields.attributes().size is not None:
            raise RefusedError(Code.PERMISSION_DENIED, "only what is open gets another size")
        # Clients set times and modes after each upload; they mean nothing here.
        return wire.status(request, Code.OK)

    def _fsetstat(self, request: int, fields: Fields) -> bytes:
        upload = self._upload(fields)
        wanted = fields.attributes()
        if wanted.size is not None:
            upload.cut(wanted.size)
        return wire.status(request, Code.OK)

    def _opendir(self, request: int, fields: Fields) -> bytes:
        entries = self.folder.entries(fields.octets())
        self._room()
        handle = self._handle()
        self._listings[handle] = entries
        return wire.handle(request, handle)

    def _readdir(self, request: int, fields: Fields) -> bytes:
        entries = self._listings.get(fields.octets())
        if entries is None:
            raise RefusedError(Code.FAILURE, "no directory of that handle is open")
        found = list(islice(entries, NAMES_A_PACKET))
        if not found:
            raise RefusedError(Code.EOF, "that is all")
        return wire.names(request, found)

    def _remove(self, request: int, fields: Fields) -> bytes:
        self.folder.remove(fields.octets())
        return wire.status(request, Code.OK)

    def _realpath(self, request: int, fields: Fields) -> bytes:
        name = name_of(fields.octets()) or ""
        entry = Entry(b"/" + name.encode("utf-8", "surrogateescape"), Attributes())
        return wire.names(request, [entry])

    def _rename(self, request: int, fields: Fields) -> bytes:
        old, new = fields.octets(), fields.octets()
        self.folder.rename(old, new)
        told = {"source": self._source, "name_given": name_of(new)}
        log.info("sftp: renamed", extra=told)
        return wire.status(request, Code.OK)

    def _extended(self, request: int, fields: Fields) -> bytes:
        match fields.octets():
            case b"limits@openssh.com":
                numbers = (PACKET_OCTETS_MAX, 0, WRITE_OCTETS_MAX, HANDLES_MAX)
                return wire.extended(request, b"".join(map(wire.LONG.pack, numbers)))
            case b"fsync@openssh.com":
                self._upload(fields).sync()
                return wire.status(request, Code.OK)
            case _:
                return wire.status(request, Code.OP_UNSUPPORTED, NOT_HERE)

    def _denied(self, request: int, _fields: Fields) -> bytes:
        return wire.status(request, Code.PERMISSION_DENIED, NOT_HERE)

    def _upload(self, fields: Fields) -> Upload:
        upload = self._uploads.get(fields.octets())
        if upload is None:
            raise RefusedError(Code.FAILURE, "no file of that handle is open")
        return upload

    def _room(self) -> None:
        if len(self._uploads) + len(self._listings) >= HANDLES_MAX:
            raise RefusedError(Code.FAILURE, f"{HANDLES_MAX} are open at a time at most")

    def _handle(self) -> bytes:
        self._handles += 1
        return wire.LENGTH.pack(self._handles & 0xFFFFFFFF)
