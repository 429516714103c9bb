"""Check E2, E3, E5 and E6: where requests may go, and that nothing else ever gets a packet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from integrations.engine import guard
from integrations.engine.errors import NotSent, Refused
from integrations.engine.guard import check_url, is_public, safe_addresses, system_resolver
from integrations.engine.http import OutboundClient
from integrations.engine.types import HttpRequest
from tests.integrations.engine.servers import Provider

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104 - an address to deny
    "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:a9fe:a9fe::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1",
    "4000::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "ff0e::1", "2606:4700::1%eth0",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.255", "2606:4700::1",
          "2001:4860:4860::8888", "::ffff:8.8.8.8"]  # fmt: skip

REFUSED_URLS = [
    "https://127.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://0x7f.1/", "https://2130706433/",
    "https://0177.0.0.1/", "https://0/", "https://0.0.0.0/", "https://[::]/", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://198.18.0.1/", "https://192.0.0.1/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://[fc00::1]/", "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[fec0::1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::1]/",
    "https://[2002:a9fe:a9fe::1]/", "https://[2001::a9fe:a9fe]/", "https://localhost/", "https://localhost./",
    "https://LOCALHOST/", "https://a.localhost/", "https://metadata/", "https://metadata.google.internal/",
    "https://metadata.google.internal./", "https://printer.local/", "https://db.internal/", "https://router.home.arpa/",
    "https://wiki.corp/", "https://intranet/",
    "https://\u2460\u2461\u2466.0.0.1/", "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/",
    "https://user@example.com/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/", "https:\\\\127.0.0.1/", "https://example.com\\.internal/",
    "https://127.0.0.1#@example.com/", "https://example.com/#fragment", "https://exa mple.com/",
    "https://example.com/\r\nX: y",
    "https://example.com/\x00", "https://example.com:22/", "https://example.com:0/", "https://example.com:65536/",
    "https://example.com:abc/", "https://", "https:///path", "https://.", "https://[::1/", "https://exam%70le.com/",
    "https://-example.com/", "https://a..example.com/", "https://1.2.3.4.5/", "https://example.0x1/",
    "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "unix:///run/x.sock",
    "//example.com/", "example.com", "", "https://" + "a." * 130 + "com/", "https://example.com/" + "a" * 9000,
]  # fmt: skip
ALLOWED_URLS = [
    "https://api.github.com/user", "https://example.com", "https://example.com:443/x?y=%20z", "https://8.8.8.8/",
    "https://[2606:4700::1]/", "https://xn--bcher-kva.example/", "https://EXAMPLE.com./",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_is_public_denies_special_ranges(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_is_public_allows_the_internet(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_check_url_refuses(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_check_url_allows_public_https(url: str) -> None:
    assert check_url(url).scheme == "https"


def test_check_url_takes_the_url_apart() -> None:
    target = check_url("https://API.Example.com:443/a/b?c=%2F")

    assert (target.host, target.port, target.path) == ("api.example.com", 443, "/a/b?c=%2F")
    assert target.host_header == "api.example.com"


def test_check_url_gives_an_empty_path_a_slash() -> None:
    assert check_url("https://example.com?x=1").path == "/?x=1"


def test_check_url_allows_http_only_when_told() -> None:
    assert check_url("http://example.com/", require_https=False).port == 80
    with pytest.raises(Refused):
        check_url("http://example.com/", require_https=True)


def test_host_header_names_unusual_ports_and_brackets() -> None:
    target = check_url("http://[::1]:9000/", require_https=False, allow=frozenset({"[::1]:9000"}))

    assert target.host_header == "[::1]:9000"


def test_allow_list_opens_exactly_one_pair() -> None:
    allow = frozenset({"127.0.0.1:9000"})

    assert check_url("http://127.0.0.1:9000/", require_https=False, allow=allow).port == 9000
    for other in ("127.0.0.1:9001", "127.0.0.1", "localhost:9000", "127.1:9000", "[::ffff:127.0.0.1]:9000"):
        with pytest.raises(Refused):
            check_url(f"http://{other}/", require_https=False, allow=allow)


def test_allow_list_does_not_open_plain_http_where_https_is_required() -> None:
    allow = frozenset({"127.0.0.1:9000"})

    assert check_url("https://127.0.0.1:9000/", allow=allow).scheme == "https"
    with pytest.raises(Refused):
        check_url("http://127.0.0.1:9000/", allow=allow)
    with pytest.raises(Refused):
        check_url("http://example.com/", allow=allow)


def addresses(*found: str, allow: frozenset[str] = frozenset()) -> list[str]:
    return safe_addresses("h.example", 443, allow=allow, resolver=lambda _host, _port: list(found), seconds=1)


def test_safe_addresses_returns_public_ones() -> None:
    assert addresses("8.8.8.8", "2606:4700::1") == ["8.8.8.8", "2606:4700::1"]


@pytest.mark.parametrize("found", [("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("2606:4700::1", "::1"), ("fe80::1%eth0",)])
def test_safe_addresses_refuses_when_any_is_private(found: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        addresses(*found)


def test_safe_addresses_leaves_allow_listed_names_alone() -> None:
    assert addresses("10.0.0.1", allow=frozenset({"h.example:443"})) == ["10.0.0.1"]
    with pytest.raises(Refused):
        addresses("10.0.0.1", allow=frozenset({"other.example:443"}))


def test_safe_addresses_needs_no_resolver_for_a_literal() -> None:
    def never(_host: str, _port: int) -> list[str]:
        raise AssertionError

    assert safe_addresses("8.8.8.8", 443, allow=frozenset(), resolver=never, seconds=1) == ["8.8.8.8"]


@pytest.mark.parametrize("error", [socket.gaierror("no such host"), UnicodeError("label too long")])
def test_failed_lookup_is_not_sent(error: Exception) -> None:
    def failing(_host: str, _port: int) -> list[str]:
        raise error

    with pytest.raises(NotSent) as caught:
        safe_addresses("h.example", 443, allow=frozenset(), resolver=failing, seconds=1)

    assert caught.value.code == "dns_failed"


def test_slow_lookup_is_bounded() -> None:
    release = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        release.wait(5)
        return ["8.8.8.8"]

    with pytest.raises(NotSent) as caught:
        safe_addresses("h.example", 443, allow=frozenset(), resolver=slow, seconds=0.05)

    release.set()
    assert caught.value.code == "dns_timeout"


def test_lookups_are_limited() -> None:
    taken = 0
    while guard.LOOKUP_SLOTS.acquire(blocking=False):
        taken += 1

    with pytest.raises(NotSent):
        addresses("8.8.8.8")

    guard.LOOKUP_SLOTS.release(taken)
    assert addresses("8.8.8.8") == ["8.8.8.8"]


def test_system_resolver_returns_each_address_once() -> None:
    assert system_resolver("127.0.0.1", 80) == ["127.0.0.1"]


def test_rebinding_reaches_no_private_address(serve: Callable[..., Provider]) -> None:
    """The answer changes with every question; the address that is checked is the address that is used."""
    trap = serve()
    answers = iter([["8.8.8.8", "127.0.0.1"], ["127.0.0.1"], ["::ffff:127.0.0.1"], ["::1", "8.8.8.8"]] * 50)
    name = "rebind.example"
    client = OutboundClient(require_https=False, resolver=lambda _host, _port: next(answers))

    for _ in range(200):
        with pytest.raises(Refused):
            client.send(HttpRequest("GET", f"http://{name}/"), deadline_seconds=20, max_bytes=10)

    assert trap.connections == 0


def test_connection_goes_to_the_resolved_address_with_the_name_kept(
    serve: Callable[..., Provider],
) -> None:
    provider = serve()
    name = f"provider.example:{provider.port}"
    client = OutboundClient(frozenset({name}), require_https=False, resolver=lambda _host, _port: ["127.0.0.1"])

    response = client.send(HttpRequest("GET", f"http://{name}/"), deadline_seconds=20, max_bytes=10)

    assert response.status == 200
    assert f"Host: {name}".encode() in provider.requests[0]
    client.close()


def test_refusal_does_not_tell_open_from_closed_ports(serve: Callable[..., Provider]) -> None:
    """Check E10: the same words whether something listens or not."""
    open_port = serve().port
    client = OutboundClient(require_https=False)
    messages = set()

    for port in (open_port, 1):
        with pytest.raises(Refused) as caught:
            client.send(HttpRequest("GET", f"http://127.0.0.1:{port}/"), deadline_seconds=20, max_bytes=10)
        messages.add(caught.value.message)

    assert len(messages) == 1
