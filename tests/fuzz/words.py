"""What people, programs and attackers might send: texts, numbers, JSON and bytes, each made from one seeded chance."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

# Written into pages and texts it must never come back as code; the judge looks for these letters.
SCRIPT, IMAGE = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
NASTY: tuple[str, ...] = (
    "", " ", "\x00", "\x00" * 40, "\r\n", "\n\n\n", "\t", "\x1b[31m", "\u202e反", "\u200b", "\ufeff", "\ufffe", "ſ",
    "İ", "null", "None", "undefined", "true", "false", "NaN", "Infinity", "-0", "0", "-1", "1e999", "1e-999", "0x1f",
    "9" * 400, "0" * 60 + "1", "1.2.3", "1,2万", "３８００元", "三千八百", "亿" * 300, "١٢٣", "१२३", "½", "①②③", "²",
    "3800", "1.2万", "38600.00", "13800000001", "+8613800000001", "+86 138-0000-0001", "110", "96110", "+0000000",
    "+979123456789", "+1 900 555 0100", "0086" * 9, "(0)(0)(0)", "now", "30min", "24h", "昨天25:99", "24:00", "99:99",
    "2026-11-24T14:32:00+08:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2026-02-31T10:00", "14:32",
    "2026-11-24T14:32:00+99:99", "20261124T143200Z", "2026-W48-2", "6217 0000 0000 4417", "卡号：6217", "bank",
    "self", "other", "yes", "in_progress", "drill", "K7M3P", "k7m3p", "Y2222", "ZZZZZ", "收到K7M3P", "OKK7M3P", "1",
    SCRIPT, IMAGE, "'; DROP TABLE cases; --", "' OR 1=1 --", "{{7*7}}", "{%raw%}", "${jndi:ldap://x}", "%s%n%x", "%00",
    "../../etc/passwd", "=HYPERLINK(\"http://x\")", "@SUM(A1)", "+1+1", "-2+3|cmd", "&lt;", "&#0;", "&amp" * 50,
    "javascript:alert(1)", "//evil.example", "http://[::1", "\\\\x\\y", "a\u0300" * 200, "\U0001f468\u200d\U0001f469",
    "💥" * 70, "مرحبا بالعالم", "電詐", "名\t字\n第二行", "a\u2028b", "\x7f", "\x85", "\u00a0", "\uffff", "\U0010ffff",
    "某人", "示例", "__proto__", "constructor", "amount[]", "a=b&c=d", "multipart/form-data", "x" * 255, "x" * 256,
)  # fmt: skip
_TOKENS = "0123456789０９.,，+-: TZ年月日点分昨天前今万亿千百十一二两三零元块¥()*/%&=#'\"<>\\\x00"
_PLANES = ((0x20, 0x7E), (0x80, 0x24F), (0x370, 0x52F), (0x600, 0x6FF), (0x2000, 0x206F), (0x3000, 0x30FF),
           (0x4E00, 0x9FFF), (0xE000, 0xE0FF), (0xFE00, 0xFFEF), (0x1F300, 0x1F6FF), (0, 0x1F))  # fmt: skip


class Chance(random.Random):
    """One input's dice: `Chance("seed number")` always throws the same."""

    def one_in(self, n: int) -> bool:
        return self.randrange(n) == 0

    def text(self, *like: str) -> str:
        """Something typed: nasty, random, made of what parsers look for, or a good example gone wrong."""
        kinds: Sequence[Callable[[], str]] = (
            lambda: self.choice(NASTY),
            self._letters,
            lambda: "".join(self.choices(_TOKENS, k=self.randrange(1, 24))),
            lambda: self.spoiled(self.choice(like or NASTY)),
            lambda: self.choice(NASTY) + self.choice(NASTY),
        )
        text = self.choice(kinds)()
        return text * self.randrange(2, 400) if text and self.one_in(150) else text

    def _letters(self) -> str:
        first, last = self.choice(_PLANES)
        return "".join(chr(self.randint(first, last)) for _ in range(self.randrange(1, 20)))

    def spoiled(self, text: str) -> str:
        """With a few letters left out, doubled, put in or moved."""
        letters = list(text)
        for _ in range(self.randrange(1, 4)):
            at = self.randrange(len(letters) + 1)
            if self.one_in(2):
                letters[at:at] = self.choice(NASTY)[:8]
            elif letters:
                letters[at : at + 1] = letters[at : at + 1] * self.randrange(3)
        return "".join(letters)

    def spoiled_bytes(self, data: bytes, most: int = 6) -> bytes:
        """Cut, grown, or with a few bytes changed."""
        spoiled = bytearray(data)
        for _ in range(self.randrange(1, most)):
            at = self.randrange(len(spoiled) + 1)
            match self.randrange(4):
                case 0:
                    del spoiled[at:]
                case 1:
                    spoiled[at:at] = self.randbytes(self.randrange(1, 40))
                case 2:
                    del spoiled[at : at + self.randrange(1, 40)]
                case _:
                    spoiled[at : at + 1] = self.randbytes(1)
        return bytes(spoiled)

    def fields(self, names: Sequence[str], good: dict[str, Sequence[str]]) -> dict[str, str]:
        """A form: fields present or not, some of them well filled in."""
        form = {}
        for name in names:
            if not self.one_in(4):
                examples = good.get(name, ())
                form[name] = self.choice(examples) if examples and self.one_in(2) else self.text(*examples)
        return form

    def json(self, depth: int = 3) -> Any:
        if depth and self.one_in(3):
            if self.one_in(2):
                return [self.json(depth - 1) for _ in range(self.randrange(4))]
            return {self.choice(NASTY): self.json(depth - 1) for _ in range(self.randrange(4))}
        plain = (None, True, False, 0, -1, 10**30, 1.5, -0.0, 1e308)
        return self.choice(plain) if self.one_in(3) else self.text()

    def spoiled_json(self, value: Any) -> Any:
        """The same document with a value somewhere in it replaced, left out or added."""
        if isinstance(value, dict) and value and not self.one_in(6):
            name = self.choice(list(value))
            rest = {key: item for key, item in value.items() if key != name}
            if self.one_in(8):
                return rest
            return {**rest, name: self.spoiled_json(value[name])} | (
                {self.text(): self.json(2)} if self.one_in(6) else {}
            )
        if isinstance(value, list) and value and not self.one_in(6):
            at = self.randrange(len(value))
            return [*value[:at], self.spoiled_json(value[at]), *value[at + 1 :]] * (60 if self.one_in(40) else 1)
        return self.json()

    def json_bytes(self, value: Any) -> bytes:
        """As it would be sent: escaped or not, now and then broken, too deep or in another encoding."""
        said = json.dumps(value, ensure_ascii=self.one_in(2)).encode("utf-8", "surrogatepass")
        if self.one_in(8):
            return self.spoiled_bytes(said)
        if self.one_in(60):
            return b"[" * self.randrange(1, 5000) + said
        return said.decode("utf-8", "replace").encode("utf-16") if self.one_in(80) else said
