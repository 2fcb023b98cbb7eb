"""Screenshots are decoded within bounds and encoded anew; what is no picture is refused, and nothing else is lost."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from ledger import tables as t
from tests.behaviour.door_tools import contents
from tests.behaviour.stories import SQLITE, read_all, reported
from tests.world import Report, World


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **more: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **more)
    return out.getvalue()


def located() -> bytes:
    """A photo that says where and with what it was taken."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0110], exif[0x0112] = "CANARY", "CANARYPHONE", 6  # description, model, turned by 90 degrees
    return picture("JPEG", (40, 30), exif=exif, comment=b"CANARY")


def bomb(width: int, height: int) -> bytes:
    """A few bytes of PNG that would be a huge picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def send(report: Report, data: bytes, name: str = "x.png", lang: str = "zh") -> TestResponse:
    head = f'--b\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--b--\r\n"
    path = f"/r/{report.token}/screenshots?lang={lang}"
    return report.world.client.post(path, data=body, content_type="multipart/form-data; boundary=b")


def uploaded(world: World) -> list[str]:
    with world.parts.ledger.read() as conn:
        return [str(row.id) for row in conn.execute(t.uploads.select().order_by(t.uploads.c.at, t.uploads.c.id))]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_staff_get_a_small_jpeg_without_its_history_as_an_attachment_and_the_reading_is_logged(
    world: World, kind: str
) -> None:
    report = reported(world)
    data = located() if kind == "JPEG" else picture(kind, (3000, 1000))
    assert send(report, data + b"<script>alert(1)</script>PK\x03\x04").status_code == 303
    [upload] = uploaded(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    path = f"/duty/{report.code}/uploads/{upload}"
    assert path in officer.get(f"/duty/{report.code}").text
    got = officer.get(path)
    assert got.status_code == 200
    assert got.content_type == "image/jpeg"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    clean = Image.open(BytesIO(got.data))
    assert clean.format == "JPEG"
    assert clean.size == ((30, 40) if kind == "JPEG" else (1600, 533))
    assert not clean.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & set(clean.info)
    for left in (b"CANARY", b"script", b"PK\x03\x04"):
        assert left not in got.data
    assert world.rows("SELECT count(*) FROM access_log")[0][0] == 2
    sealed = bytes(world.rows("SELECT content_sealed FROM uploads")[0][0])
    assert not sealed.startswith(b"\xff\xd8")


def test_another_ones_screenshot_is_not_found(world: World) -> None:
    report, other = reported(world), world.report(phone="13912349999", student_no=None)
    read_all(world)
    send(report, picture())
    [upload] = uploaded(world)
    counselor = world.user("c", "counselor", world.phones["counselor"].number)
    assert counselor.get(f"/duty/{report.code}/uploads/{upload}").status_code == 403
    stranger = world.user("x", "officer", world.phones["backup"].number)
    assert stranger.get(f"/duty/{report.code}/uploads/{upload}").status_code == 404
    security = world.user("s", "security")
    assert security.get(f"/duty/{other.code}/uploads/{upload}").status_code == 404
    assert security.get(f"/duty/{report.code}/uploads/{upload}").status_code == 200
    assert world.client.get(f"/duty/{report.code}/uploads/{upload}").status_code == 302


BAD = {
    "nothing": b"",
    "text": "转账记录".encode(),
    "html": b"<html><script>alert(1)</script>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": picture("GIF"),
    "gif and script": b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
    "bmp": picture("BMP"),
    "pdf": b"%PDF-1.7\n",
    "half a jpeg": picture("JPEG", (400, 300), quality=100)[:900],
    "half a png": picture("PNG")[:50],
    "a jpeg's first bytes": b"\xff\xd8\xff\xe0" + b"<?php ?>" * 50,
    "a bomb": bomb(60_000, 60_000),
    "a small bomb": bomb(5001, 5000),
    "too many bytes": b"\x89PNG" + b"\0" * (5 << 20),
    "far too many bytes": b"\x89PNG" + b"\0" * (6 << 20),
}


@SQLITE
@pytest.mark.parametrize("name", list(BAD))
def test_what_is_no_picture_is_refused_in_both_languages_and_loses_nothing(world: World, name: str) -> None:
    report = reported(world)
    send(report, picture())
    before = contents(world)
    assert "没有保存" in (answer := send(report, BAD[name])).text
    assert answer.status_code == 422
    assert "not saved" in (answer := send(report, BAD[name], lang="en")).text
    assert answer.status_code == 422
    assert contents(world) == before


@SQLITE
def test_the_eleventh_is_refused(world: World) -> None:
    report = reported(world)
    for _ in range(10):
        assert send(report, picture()).status_code == 303
    answer = send(report, picture())
    assert answer.status_code == 422
    assert "最多10张" in answer.text
    assert len(uploaded(world)) == 10


@SQLITE
def test_other_pages_take_no_more_than_before(world: World) -> None:
    report = reported(world)
    form = {"narrative": "x" * (2 << 20)}
    assert world.client.post(f"/r/{report.token}/more/story", data=form).status_code == 413
    assert world.client.get(f"/r/{report.token}/screenshots").status_code == 200
    assert world.client.post("/r/nobody/screenshots", data={"picture": (BytesIO(picture()), "x")}).status_code == 404
