"""The sockets under the outbound client: guarded, on one deadline, with the fence before the first byte."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore2

from integrations.engine.errors import Fenced, Interrupted, NotSent, Refused
from integrations.engine.guard import Resolver, safe_addresses

CONNECT_SECONDS = 5.0  # name, TCP and TLS together
HEADER_LIMIT = 64 * 1024
READ_SIZE = 64 * 1024


@dataclass
class Exchange:
    """One request on its way. It lives in the thread that sends it, hence the context variable."""

    ends_at: float
    before_first_byte: Callable[[], bool] | None = None
    sent: bool = False  # a byte of the request may have left
    answered: bool = False  # the response's headers are complete
    received: int = 0
    connect_ends_at: float = 0.0
    fence_error: BaseException | None = None

    def remaining(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def start_connecting(self) -> None:
        self.connect_ends_at = min(self.ends_at, time.monotonic() + CONNECT_SECONDS)

    def connect_remaining(self) -> float:
        left = self.connect_ends_at - time.monotonic()
        if left <= 0:
            raise NotSent("connect_timeout", "The provider could not be reached in time. Nothing was sent.")
        return left

    def open_fence(self) -> None:
        """Ask the fence once; from here on a byte may be out."""
        if self.sent:
            return
        if not self._fence_says_yes():
            raise Fenced("fenced", "The execution was cancelled or taken over before anything was sent.")
        self.remaining()
        self.sent = True

    def _fence_says_yes(self) -> bool:
        try:
            return self.before_first_byte is None or self.before_first_byte()
        except BaseException as error:
            self.fence_error = error
            raise

    def count(self, size: int) -> None:
        """Headers, and any number of interim answers before them, have a limit of their own."""
        self.received += size
        if not self.answered and self.received > HEADER_LIMIT + READ_SIZE:
            raise Interrupted("headers_too_large", "The provider's answer began with too many headers.")


EXCHANGE: ContextVar[Exchange] = ContextVar("exchange")


class GuardedStream(httpcore2.NetworkStream):
    """A socket whose every wait ends at the exchange's deadline, however slowly the bytes drip."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpcore2's signature
        exchange = EXCHANGE.get()
        self._sock.settimeout(exchange.remaining())
        data = self._sock.recv(max_bytes)
        exchange.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpcore2's signature
        exchange = EXCHANGE.get()
        exchange.open_fence()
        try:
            self._send_all(memoryview(buffer), exchange)
        except ConnectionError as error:
            # The provider may have answered before it closed; httpcore2 then reads that answer.
            raise httpcore2.WriteError(str(error)) from error

    def _send_all(self, view: memoryview, exchange: Exchange) -> None:
        while view:
            self._sock.settimeout(exchange.remaining())
            view = view[self._sock.send(view) :]

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - httpcore2's signature
    ) -> httpcore2.NetworkStream:
        try:
            self._sock.settimeout(EXCHANGE.get().connect_remaining())
            secured = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            self.close()
            message = "The provider's TLS certificate is not valid for its host. Nothing was sent."
            raise Refused("tls_certificate", message) from error
        except OSError as error:
            self.close()
            raise NotSent("tls_failed", "No secure connection could be made. Nothing was sent.") from error
        return GuardedStream(secured)

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_readable()
        return self._sock if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket) else None

    def _is_readable(self) -> bool:
        """An idle connection with something to read was closed by the other side."""
        self._sock.settimeout(0)
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True


class GuardedBackend(httpcore2.NetworkBackend):
    """Resolves the host itself, checks every address, and connects to an address it has checked."""

    def __init__(self, allow: frozenset[str], resolver: Resolver) -> None:
        self._allow = allow
        self._resolver = resolver

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore2's signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        exchange = EXCHANGE.get()
        exchange.start_connecting()
        addresses = safe_addresses(
            host, port, allow=self._allow, resolver=self._resolver, seconds=exchange.connect_remaining()
        )
        return GuardedStream(self._connect(addresses, port, exchange))

    def _connect(self, addresses: list[str], port: int, exchange: Exchange) -> socket.socket:
        """Each address gets its share of the time, so that one dead address does not use it up."""
        last: OSError | None = None
        for number, address in enumerate(addresses):
            share = exchange.connect_remaining() / (len(addresses) - number)
            try:
                sock = socket.create_connection((address, port), share)
            except OSError as error:
                last = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
        raise NotSent("unreachable", "The provider could not be reached. Nothing was sent.") from last
