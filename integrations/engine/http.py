"""The only outbound HTTP of the product: guarded targets, one deadline, capped answers, no surprises.

It never follows redirects and never reads proxies from the environment. Errors say
whether the request can have reached the provider: NotSent, Refused and Fenced are certain,
Interrupted is not.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping

import httpcore2
import httpx2

from integrations.engine.bodies import ACCEPTED_ENCODINGS, read_body
from integrations.engine.errors import Interrupted, NotSent, Refused, TransportError
from integrations.engine.guard import Resolver, Target, check_url, system_resolver
from integrations.engine.types import HttpRequest, HttpResponse
from integrations.engine.wire import EXCHANGE, HEADER_LIMIT, Exchange, GuardedBackend

__all__ = ["GuardedTransport", "OutboundClient", "check_url"]

MAX_CONNECTIONS = 50  # per pool; there are two pools, so a host sees at most 100 of us
KEEP_ALIVE_SECONDS = 15.0
TRANSPORT_SECONDS = 10.0
TRANSPORT_MAX_BYTES = 1024 * 1024
OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


class OutboundClient:
    """One per process, made after the fork; safe to share between threads."""

    def __init__(
        self,
        allow: frozenset[str] = frozenset(),
        *,
        require_https: bool = True,
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.allow = frozenset(pair.lower() for pair in allow)
        self.require_https = require_https
        backend = GuardedBackend(self.allow, resolver)
        context = _tls_context() if ssl_context is None else ssl_context
        self._kept = _pool(backend, context, keep=MAX_CONNECTIONS)
        self._fresh = _pool(backend, context, keep=0)

    @property
    def transport(self) -> GuardedTransport:
        """The same guard for Authlib's OAuth2Client and other users of httpx2."""
        return GuardedTransport(self)

    def check_url(self, url: str) -> Target:
        return check_url(url, require_https=self.require_https, allow=self.allow)

    def send(
        self,
        request: HttpRequest,
        *,
        deadline_seconds: float,
        max_bytes: int,
        before_first_byte: Callable[[], bool] | None = None,
        reuse: bool | None = None,
    ) -> HttpResponse:
        """Send once and read the whole answer.

        A kept connection may have been closed by the provider meanwhile, and a request that dies on
        it is ambiguous. So only what may be repeated reuses one: by default GET and HEAD.
        """
        exchange = Exchange(time.monotonic() + deadline_seconds, before_first_byte)
        reuse = request.method in ("GET", "HEAD") if reuse is None else reuse
        token = EXCHANGE.set(exchange)
        try:
            return self._send(request, self.check_url(request.url), max_bytes, exchange, reuse=reuse)
        except TransportError:
            raise
        except Exception as error:  # whatever broke, the caller must learn whether a byte may have left
            if error is exchange.fence_error:
                raise
            raise _as_fault(error, exchange) from error
        finally:
            EXCHANGE.reset(token)

    def _send(
        self, request: HttpRequest, target: Target, max_bytes: int, exchange: Exchange, *, reuse: bool
    ) -> HttpResponse:
        pool = self._kept if reuse else self._fresh
        response = pool.handle_request(_outgoing(request, target, exchange, reuse=reuse))
        try:
            return _read(response, max_bytes, exchange)
        except Interrupted as fault:
            fault.status = response.status
            raise
        except Exception as error:
            raise _cut(error, response.status) from error
        finally:
            response.close()

    def close(self) -> None:
        self._kept.close()
        self._fresh.close()


def _tls_context() -> ssl.SSLContext:
    context = httpcore2.default_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _pool(backend: GuardedBackend, context: ssl.SSLContext, *, keep: int) -> httpcore2.ConnectionPool:
    return httpcore2.ConnectionPool(
        ssl_context=context,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=keep,
        keepalive_expiry=KEEP_ALIVE_SECONDS,
        network_backend=backend,
    )


def _outgoing(request: HttpRequest, target: Target, exchange: Exchange, *, reuse: bool) -> httpcore2.Request:
    headers = [("Host", target.host_header), ("Accept-Encoding", ACCEPTED_ENCODINGS)]
    headers += [(name, value) for name, value in request.headers.items() if name.lower() not in OWN_HEADERS]
    if request.body or request.method not in ("GET", "HEAD", "DELETE"):
        headers.append(("Content-Length", str(len(request.body))))
    if not reuse:
        headers.append(("Connection", "close"))
    return httpcore2.Request(
        request.method,
        httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
        headers=headers,
        content=request.body,
        extensions={"timeout": {"pool": exchange.remaining()}},
    )


def _read(response: httpcore2.Response, max_bytes: int, exchange: Exchange) -> HttpResponse:
    if not exchange.received:  # it was there before we asked: left over on the connection, perhaps planted
        raise Interrupted("protocol_error", "The provider sent an answer before it was asked.")
    if sum(len(name) + len(value) for name, value in response.headers) > HEADER_LIMIT:
        raise Interrupted("headers_too_large", "The provider's answer began with too many headers.")
    exchange.answered = True
    headers = _lower(response.headers)
    body, truncated = read_body(response.iter_stream(), headers.get("content-encoding", "").lower(), max_bytes)
    return HttpResponse(response.status, headers, body, truncated)


def _lower(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _cut(error: Exception, status: int) -> Interrupted:
    if isinstance(error, TimeoutError):
        return Interrupted("timeout", "The provider did not finish its answer in time.", status)
    return Interrupted("body_cut", "The provider's answer broke off before its end.", status)


def _as_fault(error: Exception, exchange: Exchange) -> TransportError:
    timed_out = isinstance(error, TimeoutError | httpcore2.TimeoutException)
    if exchange.sent:
        if timed_out:
            return Interrupted("timeout", "The provider did not answer in time.")
        return Interrupted("connection_lost", "The connection broke before the provider answered.")
    if timed_out:
        return NotSent("deadline", "There was no time left to send the request. Nothing was sent.")
    if isinstance(error, httpcore2.LocalProtocolError | TypeError | ValueError):
        return Refused("bad_request", "The request could not be put into valid HTTP. Nothing was sent.")
    return NotSent("unreachable", "The provider could not be reached. Nothing was sent.")


class GuardedTransport(httpx2.BaseTransport):
    """What httpx2 clients send through. The total deadline is the client's read timeout."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = self._client.send(
                HttpRequest(request.method, str(request.url), dict(request.headers), request.read()),
                deadline_seconds=_deadline(request.extensions),
                max_bytes=TRANSPORT_MAX_BYTES,
            )
        except Interrupted as fault:
            raise httpx2.ReadError(fault.message, request=request) from fault
        except TransportError as fault:
            raise httpx2.ConnectError(fault.message, request=request) from fault
        if response.truncated:
            raise httpx2.ReadError("The provider's answer was too large.", request=request)
        return httpx2.Response(response.status, headers=_plain(response.headers), content=response.body)


def _deadline(extensions: Mapping[str, object]) -> float:
    timeout = extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, Mapping) else None
    return float(seconds) if seconds else TRANSPORT_SECONDS


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """The body is decompressed already, so its headers must not say otherwise."""
    gone = {"content-encoding", "content-length", "transfer-encoding"}
    return {name: value for name, value in headers.items() if name not in gone}
