"""Messages through a socket that a subject may write into, fork with, or close.

A message is a mark that only its two ends know, the sender's process, a length, a checksum, and
the pickled item. What stands between messages is passed over.
"""

import secrets
import socket
import struct
import zlib
from collections.abc import Iterator, Sequence
from os import _exit, getpid  # by names that a subject has no hold on
from pickle import dumps, loads

_HEAD = struct.Struct("!iII")
_INT = struct.Struct("i")
LARGEST = 1 << 28
"""Bytes of a message; where more are announced, nobody of ours has written it."""

MARK = 16


def pair() -> tuple[socket.socket, socket.socket, bytes]:
    """Two connected ends, and the mark of their messages."""
    here, there = socket.socketpair()
    return here, there, secrets.token_bytes(MARK)


class ChannelClosed(OSError):
    """There is no other end any more, or this one has been closed by a stranger."""


class Channel:
    """One end. peer: the process whose messages count, any where it is 0."""

    def __init__(self, end: socket.socket, mark: bytes, peer: int = 0) -> None:
        self.end, self.mark, self.peer = end, mark, peer
        self.pid = getpid()
        self.buffer = bytearray()
        self.descriptors: list[int] = []
        self.damaged = False

    def send(
        self, item: object, descriptors: Sequence[int] = (), within: float | None = None
    ) -> None:
        """Hand an item to the other end.

        within: seconds that it may take to read, where it is somebody else's.
        Raises: ChannelClosed where there is none any more, or it does not read.
        """
        if getpid() != self.pid:
            _exit(0)  # a copy of this process that the subject made; one of them is enough
        data = dumps(item)
        frame = self.mark + _HEAD.pack(self.pid, len(data), zlib.crc32(data)) + data
        try:
            if descriptors:
                frame = frame[socket.send_fds(self.end, [frame], descriptors) :]
            self.end.settimeout(within)
            self.end.sendall(frame)
            self.end.settimeout(None)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def read(self, wait: bool = True) -> bool:
        """Take in what has come; False where the other end is closed.

        Raises: BlockingIOError where nothing has come and it is not to be waited for.
        """
        flags = 0 if wait else socket.MSG_DONTWAIT
        # socket.recv_fds passes its flags over.
        data, beside, _, _ = self.end.recvmsg(1 << 16, socket.CMSG_LEN(_INT.size), flags)
        self.descriptors += [
            _INT.unpack(content)[0]
            for level, kind, content in beside
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        ]
        self.buffer += data
        return bool(data)

    def items(self) -> Iterator[object]:
        """The messages that are here as a whole."""
        while True:
            at = self.buffer.find(self.mark)
            if at < 0:
                # The end may be the beginning of a mark.
                del self.buffer[: max(0, len(self.buffer) - MARK + 1)]
                return
            del self.buffer[:at]
            if len(self.buffer) < MARK + _HEAD.size:
                return
            sender, length, checksum = _HEAD.unpack_from(self.buffer, MARK)
            begin = MARK + _HEAD.size
            if length <= LARGEST:
                if len(self.buffer) < begin + length:
                    return
                data = bytes(self.buffer[begin : begin + length])
                if zlib.crc32(data) == checksum:
                    del self.buffer[: begin + length]
                    if not self.peer or sender == self.peer:
                        yield loads(data)
                    continue
            self.damaged = True
            del self.buffer[:MARK]

    def receive(self) -> Iterator[object]:
        """Messages as they come, until the other end is closed."""
        open_ = True
        while open_:
            yield from self.items()
            open_ = self.read()
        yield from self.items()
