"""Checks E4, E5, E8, E9 and faults F18 to F20: what a provider's socket can do to us, and what we then know."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.engine.errors import Fenced, Interrupted, NotSent, Refused, TransportError
from integrations.engine.http import OutboundClient
from integrations.engine.types import HttpRequest, HttpResponse
from integrations.engine.wire import GuardedStream
from tests.integrations.engine.servers import Provider, Script, answer, reset

Serve = Callable[..., Provider]
ClientFor = Callable[..., OutboundClient]


def get(client: OutboundClient, url: str, method: str = "GET", **options: object) -> HttpResponse:
    chosen = {"deadline_seconds": 20.0, "max_bytes": 1000, **options}
    return client.send(HttpRequest(method, url, {"X-Test": "1"}, b"hi" if method == "POST" else b""), **chosen)  # type: ignore[arg-type]


def raw(*pieces: bytes, pause: float = 0.0) -> Script:
    def script(conn: socket.socket, _request: bytes) -> None:
        for piece in pieces:
            conn.sendall(piece)
            time.sleep(pause)
        conn.close()

    return script


SILENCE = 30  # seconds: who is back before has not waited for the peer


def silent(_conn: socket.socket, _request: bytes) -> None:
    time.sleep(SILENCE)


def test_send_returns_the_answer(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(answer(b'{"a": 1}', "201 Created", "X-One: 1\r\nX-One: 2\r\n"))

    response = get(client_for(provider), f"{provider.url}/a%20b?c=d%2Fe", "POST")

    assert (response.status, response.body, response.truncated) == (201, b'{"a": 1}', False)
    assert response.headers["x-one"] == "1, 2"
    assert provider.requests[0].startswith(b"POST /a%20b?c=d%2Fe HTTP/1.1\r\n")
    assert provider.requests[0].endswith(b"\r\n\r\nhi")


def test_environment_proxies_are_ignored(serve: Serve, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, proxy = serve(), serve()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)

    get(client_for(provider), provider.url)

    assert (provider.connections, proxy.connections) == (1, 0)


def test_redirects_are_not_followed(serve: Serve, client_for: ClientFor) -> None:
    trap = serve()
    provider = serve(answer(b"", "302 Found", f"Location: {trap.url}/\r\n"))

    response = get(client_for(provider, trap), provider.url)

    assert response.status == 302
    assert trap.connections == 0


def test_own_headers_cannot_be_set_by_the_request(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    headers = {"Host": "evil.example", "content-length": "999", "Transfer-Encoding": "chunked", "Connection": "upgrade"}

    client_for(provider).send(HttpRequest("POST", provider.url, headers, b"x"), deadline_seconds=20, max_bytes=9)

    head = provider.requests[0].lower()
    assert head.count(b"host:") == 1
    assert b"evil" not in head
    assert b"content-length: 1\r\n" in head
    assert b"transfer-encoding" not in head


# Not sent


def test_refused_connection_is_not_sent_and_burns_no_fence(client_for: ClientFor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    asked: list[int] = []
    client = OutboundClient(frozenset({f"127.0.0.1:{port}"}), require_https=False)

    with pytest.raises(NotSent):
        get(client, f"http://127.0.0.1:{port}/", "POST", before_first_byte=lambda: bool(asked.append(1)) or True)

    assert asked == []


def test_second_address_is_tried_when_the_first_is_dead(serve: Serve) -> None:
    provider = serve()
    name = f"two.example:{provider.port}"
    client = OutboundClient(
        frozenset({name}), require_https=False, resolver=lambda _host, _port: ["127.0.0.2", "127.0.0.1"]
    )

    assert get(client, f"http://{name}/").status == 200
    client.close()


def test_deadline_covers_the_name_lookup() -> None:
    release = threading.Event()
    client = OutboundClient(resolver=lambda _host, _port: [str(release.wait(SILENCE))])
    started = time.monotonic()

    with pytest.raises(NotSent):
        get(client, "https://slow.example/", deadline_seconds=0.1)

    release.set()
    assert time.monotonic() - started < SILENCE


def test_no_time_left_is_not_sent(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    with pytest.raises(NotSent):
        get(client_for(provider), provider.url, deadline_seconds=0)

    assert provider.requests == []


def test_connect_time_used_up_is_not_sent(serve: Serve, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.engine.wire.CONNECT_SECONDS", -1.0)
    provider = serve()

    with pytest.raises(NotSent) as caught:
        get(client_for(provider), provider.url)

    assert caught.value.code == "connect_timeout"


def test_thread_shortage_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("integrations.engine.guard.threading.Thread", no_thread)

    with pytest.raises(NotSent):
        get(OutboundClient(), "https://h.example/")


def test_fault_of_our_own_before_the_first_byte_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr("integrations.engine.wire.safe_addresses", broken)

    with pytest.raises(NotSent):
        get(OutboundClient(), "https://h.example/")


def test_malformed_request_is_refused(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    client = client_for(provider)

    for bad in ({"X-A": "a\r\nX-B: b"}, {"X-A": "\u20ac"}, {"X-A": "a\x00"}, {"bad name": "a"}):
        with pytest.raises(Refused):
            client.send(HttpRequest("GET", provider.url, bad), deadline_seconds=1, max_bytes=9)

    assert provider.requests == []


# The fence


def test_fence_is_asked_once_after_the_connection_stands(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    seen: list[tuple[int, int]] = []

    def fence() -> bool:
        time.sleep(0.05)
        seen.append((provider.connections, len(provider.requests)))
        return True

    client_for(provider).send(
        HttpRequest("POST", provider.url, {}, b"x" * 300_000), deadline_seconds=20, max_bytes=9, before_first_byte=fence
    )

    assert seen == [(1, 0)]
    assert len(provider.requests) == 1


def test_closed_fence_sends_nothing(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    with pytest.raises(Fenced):
        get(client_for(provider), provider.url, "POST", before_first_byte=lambda: False)

    time.sleep(0.05)
    assert provider.requests == []


def test_fence_error_comes_through_and_sends_nothing(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    def broken() -> bool:
        raise LookupError("database gone")

    with pytest.raises(LookupError):
        get(client_for(provider), provider.url, "POST", before_first_byte=broken)

    time.sleep(0.05)
    assert provider.requests == []


def test_slow_fence_past_the_deadline_sends_nothing(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    def slow() -> bool:
        time.sleep(0.3)
        return True

    with pytest.raises(NotSent):
        get(client_for(provider), provider.url, "POST", deadline_seconds=0.2, before_first_byte=slow)

    time.sleep(0.05)
    assert provider.requests == []


# Interrupted


def test_silence_after_the_request_is_interrupted(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(silent)
    started = time.monotonic()

    with pytest.raises(Interrupted) as caught:
        get(client_for(provider), provider.url, "POST", deadline_seconds=1)

    assert caught.value.code == "timeout"
    assert 0.9 < time.monotonic() - started < SILENCE


def test_slow_drip_ends_at_the_deadline(serve: Serve, client_for: ClientFor) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    provider = serve(raw(head, *[b"x"] * 100, pause=SILENCE / 100))
    started = time.monotonic()

    with pytest.raises(Interrupted) as caught:
        get(client_for(provider), provider.url, deadline_seconds=2)

    assert (caught.value.code, caught.value.status) == ("timeout", 200)
    assert time.monotonic() - started < SILENCE


def test_slow_headers_end_at_the_deadline(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(raw(*[b"HTTP/1.1 200 OK\r\n"[i : i + 1] for i in range(17)], pause=0.05))

    with pytest.raises(Interrupted):
        get(client_for(provider), provider.url, deadline_seconds=0.3)


def test_peer_that_does_not_read_ends_at_the_deadline(client_for: ClientFor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pair = f"127.0.0.1:{listener.getsockname()[1]}"
        client = OutboundClient(frozenset({pair}), require_https=False)

        with pytest.raises(Interrupted):
            client.send(HttpRequest("POST", f"http://{pair}", {}, b"x" * 20_000_000), deadline_seconds=1, max_bytes=9)


@pytest.mark.parametrize(
    "script",
    [
        lambda conn, _request: reset(conn),
        raw(),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
        raw(b"garbage\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello")[:-9]),
        raw(b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=["reset", "closed", "half headers", "garbage", "half body", "bad chunk", "upgrade", "two lengths", "bad gzip",
         "cut gzip", "big header"],
)  # fmt: skip
def test_broken_answers_are_interrupted(serve: Serve, client_for: ClientFor, script: Script) -> None:
    provider = serve(script)

    with pytest.raises(Interrupted):
        get(client_for(provider), provider.url, "POST")

    assert len(provider.requests) == 1


def test_reset_in_the_middle_of_the_body_keeps_the_status(serve: Serve, client_for: ClientFor) -> None:
    def script(conn: socket.socket, _request: bytes) -> None:
        conn.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nab")
        time.sleep(1)  # a reset takes back what was not read yet
        reset(conn)

    provider = serve(script)

    with pytest.raises(Interrupted) as caught:
        get(client_for(provider), provider.url, "POST")

    assert caught.value.status == 201


@pytest.mark.parametrize(
    "line", [b"X-A: b\r\n" * 500, b"HTTP/1.1 100 Continue\r\n\r\n" * 500], ids=["headers", "interim"]
)
def test_endless_headers_are_cut(serve: Serve, client_for: ClientFor, line: bytes) -> None:
    def script(conn: socket.socket, _request: bytes) -> None:
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" if line.startswith(b"X") else b"")
        while True:
            conn.sendall(line)

    provider = serve(script)
    started = time.monotonic()

    with pytest.raises(Interrupted):
        get(client_for(provider), provider.url, deadline_seconds=SILENCE)

    assert time.monotonic() - started < SILENCE


def test_answer_before_the_request_is_read_is_still_read(serve: Serve, client_for: ClientFor) -> None:
    """A provider may refuse a large upload early and close; its answer counts."""

    def script(conn: socket.socket, _request: bytes) -> None:
        conn.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        conn.shutdown(socket.SHUT_WR)

    provider = serve(script)

    assert get(client_for(provider), provider.url, "POST").status == 413


def test_broken_pipe_while_writing_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, client_for: ClientFor
) -> None:
    def broken(_self: GuardedStream, _view: memoryview, _exchange: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(GuardedStream, "_send_all", broken)
    provider = serve(silent)

    with pytest.raises(Interrupted):
        get(client_for(provider), provider.url, "POST", deadline_seconds=2)


# Caps and compression


def test_body_over_the_cap_is_truncated_not_lost(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(answer(b"x" * 5000))

    response = get(client_for(provider), provider.url)

    assert (response.status, len(response.body), response.truncated) == (200, 1000, True)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("GZIP", gzip.compress(b"hello", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")[2:-4]),
        ("identity", b"hello"),
    ],
)
def test_compressed_answers_are_unpacked(serve: Serve, client_for: ClientFor, encoding: str, packed: bytes) -> None:
    provider = serve(answer(packed, headers=f"Content-Encoding: {encoding}\r\n"))

    assert get(client_for(provider), provider.url).body == b"hello"


def test_empty_answer_that_claims_gzip_is_empty(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(answer(b"", "204 No Content", "Content-Encoding: gzip\r\n"))

    assert get(client_for(provider), provider.url).body == b""


def test_encoding_we_did_not_ask_for_stays_packed(serve: Serve, client_for: ClientFor) -> None:
    packed = brotli.compress(b"hello")
    provider = serve(answer(packed, headers="Content-Encoding: br\r\n"))

    assert get(client_for(provider), provider.url).body == packed


def test_gzip_bomb_stops_at_the_cap(serve: Serve, client_for: ClientFor) -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeezer.compress(bytes(1_000_000)) for _ in range(200)) + squeezer.flush()
    provider = serve(answer(bomb, headers="Content-Encoding: gzip\r\n"))

    response = get(client_for(provider), provider.url, max_bytes=100_000)

    assert (len(response.body), response.truncated) == (100_000, True)


# Connections


def test_reads_share_a_connection_and_writes_do_not(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    client = client_for(provider)

    for _ in range(3):
        get(client, provider.url)
    assert provider.connections == 1
    for _ in range(2):
        get(client, provider.url, "POST")
    assert provider.connections == 3


def test_reuse_can_be_told(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    client = client_for(provider)

    for _ in range(3):
        get(client, provider.url, "POST", reuse=True)
    get(client, provider.url, reuse=False)

    assert provider.connections == 2


@pytest.mark.parametrize("farewell", [lambda conn: conn.close(), reset, lambda conn: conn.sendall(b"stray")])
def test_connection_closed_meanwhile_is_not_used_again(
    serve: Serve, client_for: ClientFor, farewell: Callable[[socket.socket], None]
) -> None:
    was_read, is_said = threading.Event(), threading.Event()

    def once(conn: socket.socket, request: bytes) -> None:
        answer()(conn, request)
        was_read.wait(SILENCE)
        farewell(conn)
        is_said.set()

    provider = serve(once, answer())
    client = client_for(provider)

    get(client, provider.url)
    was_read.set()
    assert is_said.wait(SILENCE)

    assert get(client, provider.url).status == 200
    assert provider.connections == 2


def test_answer_planted_behind_another_is_not_taken(serve: Serve, client_for: ClientFor) -> None:
    """Bytes behind the first answer would pass as the answer to the next request, perhaps of another account."""

    def twice(conn: socket.socket, _request: bytes) -> None:
        one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        conn.sendall(one + b"ok" + one + b"!!")

    provider = serve(twice, answer(b"real"))
    client = client_for(provider)

    assert get(client, provider.url).body == b"ok"
    with pytest.raises(Interrupted):
        get(client, provider.url)
    assert get(client, provider.url).body == b"real"


def test_client_is_shared_between_threads(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    client = client_for(provider)
    statuses: list[int] = []

    def work() -> None:
        statuses.extend(get(client, provider.url, method).status for method in ("GET", "POST") * 10)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 160


# TLS


def certificate(folder: Path, *names: str, expired: bool = False) -> ssl.SSLContext:
    """A server context with a self-signed certificate; the PEM file is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if expired else 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def tls_client(port: int, trusted: Path | None) -> OutboundClient:
    context = ssl.create_default_context(cafile=trusted)
    return OutboundClient(
        frozenset({f"tls.example:{port}"}), resolver=lambda _host, _port: ["127.0.0.1"], ssl_context=context
    )


def test_tls_with_a_trusted_certificate_works_and_keeps_the_connection(tmp_path: Path) -> None:
    with Provider(tls=certificate(tmp_path, "tls.example")) as provider:
        client = tls_client(provider.port, tmp_path / "server.pem")

        for _ in range(3):
            assert get(client, f"https://tls.example:{provider.port}/").status == 200

        assert provider.connections == 1
        client.close()


@pytest.mark.parametrize(
    ("names", "expired", "trusted"),
    [(["tls.example"], False, False), (["other.example"], False, True), (["tls.example"], True, True)],
    ids=["self-signed", "wrong host", "expired"],
)
def test_tls_with_a_bad_certificate_is_refused(tmp_path: Path, names: list[str], expired: bool, trusted: bool) -> None:
    asked: list[int] = []
    with Provider(tls=certificate(tmp_path, *names, expired=expired)) as provider:
        client = tls_client(provider.port, tmp_path / "server.pem" if trusted else None)

        with pytest.raises(Refused) as caught:
            get(client, f"https://tls.example:{provider.port}/", before_first_byte=lambda: bool(asked.append(1)))

        assert caught.value.code == "tls_certificate"
        assert asked == []
        assert provider.requests == []


def test_failed_tls_handshake_is_not_sent(serve: Serve, tmp_path: Path) -> None:
    """A plain HTTP server takes the client's hello for a request line and answers in plain text."""
    certificate(tmp_path, "tls.example")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=answer_in_plain_text, args=(listener,), daemon=True).start()

        with pytest.raises(NotSent) as caught:
            get(tls_client(port, tmp_path / "server.pem"), f"https://tls.example:{port}/")

    assert caught.value.code == "tls_failed"


def answer_in_plain_text(listener: socket.socket) -> None:
    conn, _ = listener.accept()
    with conn:
        conn.recv(1000)
        conn.sendall(b"HTTP/1.1 400 no\r\n\r\n")


def test_default_tls_is_1_2_or_later_and_verifies() -> None:
    context = OutboundClient()._fresh._ssl_context

    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_plain_http_is_refused_where_https_is_required(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()
    strict = client_for(provider, require_https=True, resolver=lambda _host, _port: ["127.0.0.1"])

    with pytest.raises(Refused):
        get(strict, provider.url)  # although the operator opened this very pair

    assert provider.connections == 0
    assert get(client_for(provider, require_https=False), provider.url).status == 200


# The transport for httpx2


def test_transport_sends_through_the_guard(serve: Serve, client_for: ClientFor) -> None:
    packed = gzip.compress(b'{"access_token": "x"}')
    provider = serve(answer(packed, headers="Content-Encoding: gzip\r\nContent-Type: application/json\r\n"))

    with httpx2.Client(transport=client_for(provider).transport, timeout=20) as client:
        response = client.post(f"{provider.url}/token", data={"grant_type": "refresh_token"})

    assert response.json() == {"access_token": "x"}
    assert provider.requests[0].endswith(b"\r\n\r\ngrant_type=refresh_token")


def through_transport(client: OutboundClient, url: str) -> Exception:
    with (
        httpx2.Client(transport=client.transport, timeout=20) as outer,
        pytest.raises(httpx2.TransportError) as caught,
    ):
        outer.get(url)
    return caught.value


def test_transport_refuses_private_targets(serve: Serve) -> None:
    trap = serve()

    error = through_transport(OutboundClient(require_https=False), trap.url)

    assert isinstance(error, httpx2.ConnectError)
    assert isinstance(error.__cause__, TransportError)
    assert trap.connections == 0


def test_transport_tells_interruptions_apart(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"))

    assert isinstance(through_transport(client_for(provider), provider.url), httpx2.ReadError)


def test_transport_caps_the_answer(serve: Serve, client_for: ClientFor) -> None:
    provider = serve(answer(b"x" * 1_100_000))

    assert isinstance(through_transport(client_for(provider), provider.url), httpx2.ReadError)


def test_transport_has_a_deadline_without_the_clients(serve: Serve, client_for: ClientFor) -> None:
    provider = serve()

    with httpx2.Client(transport=client_for(provider).transport, timeout=None) as client:
        assert client.get(provider.url).status_code == 200
