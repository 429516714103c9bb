"""Looks for a secret in bytes, in the shapes in which secrets come to lie around."""

import base64
import gzip
import json
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

COMPRESSED = re.compile(rb"\x1f\x8b\x08|x[\x01\x5e\x9c\xda]")  # how gzip and zlib streams begin
LONGEST_INFLATED = 8 * 1024 * 1024


def shapes(secret: str) -> dict[str, bytes]:
    """The secret as it is, and as others would write it down."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "upper hex": raw.hex().upper().encode(),
        "in a URL": quote(secret, safe="").encode(),
        "in JSON": json.dumps(secret)[1:-1].encode(),
        "backwards": raw[::-1],
        "UTF-16": secret.encode("utf-16-le"),
    }
    for offset in range(3):
        found[f"base64 at {offset}"] = _middle(base64.b64encode(b"\0" * offset + raw), offset)
        found[f"URL base64 at {offset}"] = _middle(base64.urlsafe_b64encode(b"\0" * offset + raw), offset)
    return found


def _middle(encoded: bytes, offset: int) -> bytes:
    """Without what depends on the neighbours."""
    return encoded.rstrip(b"=")[4 if offset else 0 : -2]


def find(secret: str, content: bytes) -> list[str]:
    """In which shapes the secret stands in the content, compressed parts included."""
    found = []
    for where, part in (("", content), *((" compressed", one) for one in inflated(content))):
        found += [name + where for name, shape in shapes(secret).items() if shape in part]
    return found


def inflated(content: bytes) -> Iterator[bytes]:
    for match in COMPRESSED.finditer(content):
        with suppress(zlib.error):
            plain = zlib.decompressobj(wbits=47).decompress(content[match.start() :], LONGEST_INFLATED)
            if len(plain) > 8:
                yield plain


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode())


def files_of(folder: Path, pattern: str) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.glob(pattern)) if path.is_file())


@contextmanager
def monitored(port: int) -> Iterator[bytearray]:
    """Every command that a Redis gets, as it writes them down itself."""
    seen = bytearray()
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(b"MONITOR\r\n")
        sock.settimeout(None)
        thread = threading.Thread(target=_listen, args=(sock, seen), daemon=True)
        thread.start()
        yield seen
        sock.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _listen(sock: socket.socket, seen: bytearray) -> None:
    with suppress(OSError):
        while piece := sock.recv(65536):
            seen.extend(piece)
