"""What must hold of every answer, whatever was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from werkzeug.test import TestResponse

from tests.fuzz.shots import Shot
from tests.fuzz.words import IMAGE, SCRIPT

LARGEST, PER_BYTE = 128 << 10, 6  # what a page may weigh, and how a typed letter grows when it is shown back escaped
_INSIDE = ("Traceback", "sqlalchemy", "psycopg", "sqlite3", "werkzeug", "site-packages", 'File "', ".py")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def faults(shot: Shot, answer: TestResponse, before: tuple[int, ...], after: tuple[int, ...]) -> Iterator[str]:
    """One line for each thing that is wrong; nothing when all is well."""
    status, data = answer.status_code, answer.data
    # A reply with a code that may have been given without the ledger (decision 0011) is to be brought again.
    if status >= 500 and not (shot.path.startswith("/webhooks/") and b'"Not yet"' in data):
        yield f"answered {status}"
    if shot.taken and status not in (200, 201, 303):
        yield f"all that is compulsory was right, and it was refused with {status}"
    if status >= 400 and before != after:
        yield f"refused with {status}, and yet something was stored: {before} {after}"
    if len(data) > LARGEST + PER_BYTE * (len(shot.body) + len(shot.path)):
        yield f"{len(data)} bytes in answer to {len(shot.body)}"
    if status != 204 and answer.headers.get("Content-Security-Policy") is None:
        yield "no Content-Security-Policy"
    if "/static/" not in shot.path and answer.headers.get("Cache-Control") != "no-store":
        yield "may be cached"
    said = data.decode("utf-8", "replace")
    yield from _shown(answer, said)
    if status == 422:
        yield from _explained(answer, said)


def _shown(answer: TestResponse, said: str) -> Iterator[str]:
    typed_back = answer.mimetype in ("text/html", "application/problem+json", "text/xml")
    if answer.status_code >= 400 and typed_back:
        # What was typed is shown back in an input's value: it is no word of ours.
        ours = re.sub(r'value="[^"]*"', "", said)
        yield from (f"says {word!r}" for word in _INSIDE if word in ours)
    if answer.mimetype == "text/html":
        yield from (f"shows {code!r} as code" for code in (SCRIPT, IMAGE) if code in said)
        redirected = answer.status_code in (302, 303, 308)  # the framework's own few words, which no browser shows
        if said and not redirected and not re.search(r'<html lang="(zh-CN|en)"', said):
            yield "a page in no language"


def _explained(answer: TestResponse, said: str) -> Iterator[str]:
    """In both languages: an API's answer carries both, a page has the one that was asked for and a way to the other."""
    if answer.mimetype == "application/problem+json":
        problem = json.loads(said)
        words = [problem["detail"], *(error["message_zh"] for error in problem["errors"])]
        if not all(_CHINESE.search(word) for word in words):
            yield "422 without Chinese words"
        if not all(error["message"].isascii() and error["message"] for error in problem["errors"]):
            yield "422 without English words"
    elif 'role="alert"' not in said and "aria-invalid" not in said:
        yield "422 and the page says nothing of it"
    elif 'lang="en"' in said[:200] and not re.search(r"[a-z]{3} [a-z]{2}", said.split("<main", 1)[-1]):
        yield "an English page without English words"
    elif 'lang="zh-CN"' in said[:200] and not _CHINESE.search(said.split("<main", 1)[-1]):
        yield "a Chinese page without Chinese words"
