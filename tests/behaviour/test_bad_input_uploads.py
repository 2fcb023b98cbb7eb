"""Pictures made to do harm: bombs, files that are two things at once, torn and moving ones."""

from __future__ import annotations

import resource
import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from intake import images
from tests.behaviour.door_tools import contents
from tests.behaviour.stories import SQLITE, reported
from tests.behaviour.test_uploads_are_clean import bomb, picture, send, uploaded
from tests.world import World

MOST_MIB = 400  # what one picture may cost at its height, decoder and all


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes, size: tuple[int, int] = (10, 10)) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress((b"\0" + b"\xff\0\0" * size[0]) * size[1]))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + rows + chunk(b"IEND", b"")


def packed(mebibytes: int) -> bytes:
    """So many mebibytes of nothing in about a thousandth of that."""
    squeeze = zlib.compressobj(9)
    return b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(mebibytes)) + squeeze.flush()


def moving(kind: str) -> bytes:
    out = BytesIO()
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "blue", "green")]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=50, loop=0)
    return out.getvalue()


def zipped() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("POLYGLOT.txt", "POLYGLOT")
    return out.getvalue()


BOMBS = {
    "a huge head": bomb(2**31 - 1, 2**31 - 1),
    "one long row": bomb(2**31 - 1, 1),
    "no size": bomb(0, 0),
    "a packed text": png(chunk(b"zTXt", b"x\0\0" + packed(200))),
    "a packed profile": png(chunk(b"iCCP", b"x\0\0" + packed(200))),
    "many packed texts": png(*[chunk(b"zTXt", b"x\0\0" + packed(1)) for _ in range(200)]),
    "a gif of a thousand frames": b"GIF89a" + bytes(1000),
}


@SQLITE
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_without_being_unpacked(world: World, name: str) -> None:
    report = reported(world)
    before, at_most = contents(world), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = send(report, BOMBS[name])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_most
    assert answer.status_code == 422 and "没有保存" in answer.text
    assert contents(world) == before
    assert grown < MOST_MIB * 1024, f"{grown // 1024} MiB"


def test_a_bomb_of_the_largest_size_that_is_taken_stays_within_bounds() -> None:
    """25 megapixels of one colour in a few kilobytes: allowed, and decoded, but not more than two at a time."""
    data = picture("PNG", (5000, 5000))
    assert len(data) < 200_000
    _, size = images.clean(data)
    assert size == (1600, 1600)


POLYGLOTS = {
    "pdf behind": b"\n%PDF-1.7\n1 0 obj POLYGLOT",
    "page behind": b"<html><script>POLYGLOT()</script></html>",
    "archive behind": zipped(),
    "program behind": b"#!/bin/sh\necho POLYGLOT\n",
}


@SQLITE
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_polyglot_loses_everything_but_its_picture(world: World, kind: str, name: str) -> None:
    clean, _ = images.clean(picture(kind) + POLYGLOTS[name])
    assert b"POLYGLOT" not in clean and b"%PDF" not in clean and b"PK\x03\x04" not in clean and b"<" not in clean[:20]
    assert Image.open(BytesIO(clean)).format == "JPEG"


def test_what_hides_in_the_picture_s_own_words_is_gone() -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "<script>POLYGLOT()</script>")
    words.add_itxt("XML:com.adobe.xmp", "POLYGLOT")
    exif = Image.Exif()
    exif[0x010E] = "POLYGLOT"
    exif.get_ifd(0x8825)[2] = (31.0, 13.0, 49.0)  # where it was taken
    hiding = [
        picture("PNG", pnginfo=words, exif=exif),
        picture("JPEG", exif=exif, comment=b"POLYGLOT", icc_profile=b"POLYGLOT" * 20),
        picture("WEBP", exif=exif, xmp=b"POLYGLOT"),
    ]
    for data in hiding:
        assert b"POLYGLOT" in data
        clean, _ = images.clean(data)
        assert b"POLYGLOT" not in clean and b"Exif" not in clean
        assert not Image.open(BytesIO(clean)).getexif()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_a_moving_picture_one_frame_is_kept(kind: str) -> None:
    clean, size = images.clean(moving(kind))
    assert size == (40, 30) and getattr(Image.open(BytesIO(clean)), "n_frames", 1) == 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_kind_of_colour_are_read(mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (40, 30)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert images.clean(out.getvalue())[1] == (40, 30)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (1601, 1)])
def test_odd_sizes_are_read(size: tuple[int, int]) -> None:
    _, (width, height) = images.clean(picture("PNG", size))
    assert 1 <= width <= 1600 and 1 <= height <= 1600


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_torn_at_any_byte_it_is_refused_or_read_and_never_more(kind: str) -> None:
    whole = picture(kind, (60, 40))
    for at in range(0, len(whole), 7):
        try:
            clean, _ = images.clean(whole[:at])
        except images.NotAPicture:
            continue
        assert Image.open(BytesIO(clean)).size == (60, 40)


@SQLITE
@pytest.mark.parametrize("name", ["../../x.png", "x.php", "\u202egnp.exe", "a" * 300, "x.png;.jsp", "%00.png", "con"])
def test_a_file_s_name_is_forgotten(world: World, name: str) -> None:
    report = reported(world)
    assert send(report, picture(), name).status_code == 303
    [upload] = uploaded(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    got = officer.get(f"/duty/{report.code}/uploads/{upload}")
    assert got.headers["Content-Disposition"] == f'attachment; filename="{report.code}-{upload[-8:]}.jpg"'
