"""A logo is what its first bytes say, small, and served so that nothing in it can run."""

import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from orgs.errors import DomainError, ForbiddenError
from orgs.models import AuditEvent, Logo
from orgs.picture_parts import bare_picture
from orgs.pictures import MOST_BYTES, read_picture
from orgs.services.logos import remove_logo, set_logo
from tests.factories import NOW, TINY_PNG, actor_of
from tests.world import World

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x11\x08"
    + struct.pack(">HH", 20, 30)
    + b"\x03"
    + b"\0" * 9
    + b"\xff\xda\x00\x02pixels\xff\x00\xff\xd0more"  # a stuffed byte and a restart are pixels too
    + b"\xff\xd9"
)


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


LOSSY = webp(b"VP8 ", b"\0" * 6 + struct.pack("<HH", 40, 50))
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 59 | 69 << 14))
EXTENDED = webp(b"VP8X", b"\0" * 4 + (79).to_bytes(3, "little") + (89).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (TINY_PNG, "image/png", (1, 1)),
        (JPEG, "image/jpeg", (30, 20)),
        (LOSSY, "image/webp", (40, 50)),
        (LOSSLESS, "image/webp", (60, 70)),
        (EXTENDED, "image/webp", (80, 90)),
    ],
)
def test_kind_and_size_are_read_off_the_bytes(content: bytes, kind: str, size: tuple[int, int]) -> None:
    picture = read_picture(content)

    assert picture is not None
    assert (picture.content_type, (picture.width, picture.height)) == (kind, size)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a" + b"\0" * 40,
        TINY_PNG[:40],
        TINY_PNG[:-4] + b"<svg",
        TINY_PNG.replace(b"IHDR", b"IHDX"),
        JPEG[:12],
        b"\xff\xd8\xff\xe0\x00\x02\x00\x00",
        LOSSY[:20],
        webp(b"NONE", b"\0" * 20),
        b"RIFF" + b"\0" * 20,
    ],
)
def test_everything_else_is_no_picture(content: bytes) -> None:
    assert read_picture(content) is None


# --- What is not the picture


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


SECRET = b"GPS 38.7223 N, taken by Dana"
ADOBE = b"Adobe\0\x64\0\0\0\0\1"
HEAD = 33  # of a PNG: its signature and IHDR
TALKATIVE_PNG = (
    TINY_PNG[:HEAD]
    + png_chunk(b"tEXt", b"Comment\0" + SECRET)
    + png_chunk(b"eXIf", SECRET)
    + png_chunk(b"iCCP", SECRET)
    + TINY_PNG[HEAD:]
)
SIZE = (79).to_bytes(3, "little") + (89).to_bytes(3, "little")
PIXELS = (b"VP8 ", b"\0" * 6 + struct.pack("<HH", 80, 90) + b"p")


@pytest.mark.parametrize(
    ("content", "kind", "bare"),
    [
        (TALKATIVE_PNG, "image/png", TINY_PNG),
        (TINY_PNG + b"<script>" + SECRET, "image/png", TINY_PNG),
        (
            JPEG[:20] + jpeg_segment(0xE1, b"Exif\0\0" + SECRET) + jpeg_segment(0xFE, SECRET) + JPEG[20:] + SECRET,
            "image/jpeg",
            JPEG,
        ),
        (  # a preview in the head
            JPEG[:2] + jpeg_segment(0xE0, JPEG[6:18] + b"\x03\x03" + SECRET[:27]) + JPEG[20:],
            "image/jpeg",
            JPEG,
        ),
        (  # what Adobe writes says how the colours are meant, and no more
            JPEG[:20] + jpeg_segment(0xEE, ADOBE + SECRET) + jpeg_segment(0xEE, SECRET) + JPEG[20:],
            "image/jpeg",
            JPEG[:20] + jpeg_segment(0xEE, ADOBE) + JPEG[20:],
        ),
        (  # between two scans
            JPEG[:-2] + jpeg_segment(0xED, SECRET) + JPEG[-20:],
            "image/jpeg",
            JPEG[:-2] + JPEG[-20:],
        ),
        (
            riff(
                (b"VP8X", b"\x3e\0\0\0" + SIZE), (b"ICCP", SECRET), PIXELS, (b"EXIF", SECRET + b"!"), (b"XMP ", SECRET)
            ),
            "image/webp",
            riff((b"VP8X", b"\x12\0\0\0" + SIZE), PIXELS),
        ),
        (LOSSLESS + SECRET, "image/webp", LOSSLESS + b"\0"),
    ],
)
def test_what_is_not_the_picture_is_cut_out(content: bytes, kind: str, bare: bytes) -> None:
    found = bare_picture(content, kind)

    if kind == "image/webp" and content.startswith(LOSSLESS):  # its odd chunk gets the byte that it lacked
        bare = bare[:4] + struct.pack("<I", len(bare) - 8) + bare[8:]
    assert found == bare
    assert read_picture(found or b"") is not None
    assert b"Dana" not in found
    assert bare_picture(found, kind) == found


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TINY_PNG[:-12], "image/png"),
        (TINY_PNG[: HEAD + 20], "image/png"),
        (JPEG[:-2], "image/jpeg"),
        (JPEG[:25], "image/jpeg"),
        (JPEG[:20] + b"no marker" + JPEG[20:], "image/jpeg"),
        (riff((b"VP8X", b"\0" * 4 + SIZE), PIXELS)[:-4], "image/webp"),
    ],
)
def test_what_is_cut_off_is_no_picture(content: bytes, kind: str) -> None:
    assert bare_picture(content, kind) is None


@pytest.mark.django_db
def test_a_logo_is_stored_and_served_without_its_metadata(world: World) -> None:
    client = world.client("owner")
    assert SECRET in TALKATIVE_PNG

    client.post("/orgs/acme/settings/logo/", {"logo": SimpleUploadedFile("logo.png", TALKATIVE_PNG)})

    assert bytes(Logo.objects.get().content) == TINY_PNG
    assert client.get("/orgs/acme/logo/").content == TINY_PNG


@pytest.mark.django_db
def test_owner_changes_it_once_on_record(world: World) -> None:
    putting = {"actor": actor_of(world.owner), "owner": world.acme.ref, "now": NOW}

    assert set_logo(**putting, content=TINY_PNG)
    assert not set_logo(**putting, content=TINY_PNG)
    assert set_logo(**putting, content=JPEG)
    assert remove_logo(**putting)
    assert not remove_logo(**putting)

    assert [event.details for event in AuditEvent.objects.all()] == [{"fields": ["logo"]}] * 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (MOST_BYTES + 1), "more than 200 KiB"),
        (b"<svg/>", "no PNG, JPEG or WebP"),
        (JPEG.replace(struct.pack(">HH", 20, 30), struct.pack(">HH", 20, 3000)), "3000"),
        (JPEG.replace(struct.pack(">HH", 20, 30), struct.pack(">HH", 0, 30)), "30 × 0"),  # noqa: RUF001
    ],
)
def test_bad_pictures_are_refused_with_the_reason(world: World, content: bytes, why: str) -> None:
    with pytest.raises(DomainError, match=why):
        set_logo(actor=actor_of(world.owner), owner=world.acme.ref, content=content, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("persona", ["admin", "member"])
def test_smaller_roles_change_no_logo(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError):
        set_logo(actor=actor_of(world.people[persona]), owner=world.acme.ref, content=TINY_PNG, now=NOW)


@pytest.mark.django_db
def test_page_uploads_serves_and_removes(world: World) -> None:
    client, url = world.client("owner"), "/orgs/acme/settings/logo/"

    page = client.post(url, {"logo": SimpleUploadedFile("a.svg", TINY_PNG, "text/html")}, follow=True)
    assert "The logo is changed" in page.content.decode()
    served = world.client("viewer").get("/orgs/acme/logo/")
    assert (served.content, served.headers["Content-Type"]) == (TINY_PNG, "image/png")
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served.headers["Content-Security-Policy"]
    assert world.client("outsider").get("/orgs/acme/logo/").status_code == 404
    assert "/orgs/acme/logo/?v=" in client.get("/orgs/acme/").content.decode()

    bad = client.post(url, {"logo": SimpleUploadedFile("a.png", b"<svg/>", "image/png")})
    assert bad.status_code == 422
    assert "no PNG, JPEG or WebP" in bad.content.decode()
    assert "The logo is removed" in client.post(url, {"remove": "1"}, follow=True).content.decode()
    assert not Logo.objects.exists()
    assert client.get("/orgs/acme/logo/").status_code == 404
