"""What is sent to the doors: each maker turns one chance into one request, exact to the byte, so that it can be sent
again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import quote, urlencode

from PIL import Image
from twilio.request_validator import RequestValidator

from intake.questions import PHONE, QUESTIONS
from tests.fuzz.words import Chance
from tests.world import PUBLIC, STUDENT, STUDENT_NO, TOKEN, body

URLENCODED, JSON = "application/x-www-form-urlencoded", "application/json"
AMOUNTS, PHONES = ("3800", "1.2万", "38600.00", "三千八", "¥3,800元"), (STUDENT, "+86 138 0000 0001", "+12025550123")
GOOD: dict[str, Sequence[str]] = {
    "amount": AMOUNTS, "phone": PHONES, "victim_phone": PHONES, "when": ("now", "30min", "14:32", "昨天23:10"),
    "channel": ("bank", "alipay", "cash", "ecny"), "for_whom": ("self", "other"),
    "payee_account": ("6217 0000 0000 4417",), "payee_name": ("某人",),
    "phone_unsafe": ("1", ""), "lang": ("zh", "en"), "student_no": (STUDENT_NO,),
    "fraud_type": ("SD", "QT"), "called": ("yes", "no"), "account_kind": ("personal",), "college": ("WY",),
    "MessageStatus": ("delivered", "sent", "failed", "undelivered", "queued"), "MessageSid": ("SM1", "SM2"),
    "ErrorCode": ("30003", "21211"), "From": ("+8613800001004", f"+86{STUDENT}"), "Body": ("收到", "1", "K7M3P"),
    "CallSid": ("CA1",), "CallStatus": ("in-progress", "completed", "busy"), "Digits": ("1", "5"),
    "To": ("+15005550006",),
}  # fmt: skip
REPORT = ("channel", "amount", "when", "payee_account", "payee_name", "phone", "phone_unsafe", "for_whom",
          "victim_phone", "submission_key", "lang")  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One request. `taken`: all that is compulsory in it is right, so it has to be accepted."""

    method: str
    path: str
    body: bytes = b""
    kind: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False


@dataclass(frozen=True)
class Aim:
    """What there is to shoot at: a report's status token, its code and a text of it that went out."""

    token: str
    code: str
    delivery: str


Maker = Callable[[Chance, Aim], Shot]


def _posted(chance: Chance, path: str, form: Mapping[str, str], *, taken: bool = False) -> Shot:
    """As browsers send it, or as multipart; now and then as something else, and then nothing has to be taken."""
    headers = {"X-Forwarded-For": _header(chance), "Cookie": f"lang={_header(chance)}"} if chance.one_in(12) else {}
    if chance.one_in(25):
        kind = chance.choice(("text/plain", JSON, "multipart/form-data", "multipart/form-data; boundary=b", "", "x"))
        return Shot("POST", path, chance.spoiled_bytes(urlencode(form).encode()), kind, headers)
    if chance.one_in(6):
        return Shot("POST", path, multipart(form), "multipart/form-data; boundary=b", headers, taken)
    return Shot("POST", path, urlencode(form, errors="surrogatepass").encode(), URLENCODED, headers, taken)


def multipart(form: Mapping[str, str]) -> bytes:
    head = '--b\r\nContent-Disposition: form-data; name="'
    parts = [f'{head}{name}"\r\n\r\n{text}\r\n' for name, text in form.items()]
    return "".join([*parts, "--b--\r\n"]).encode("utf-8", "surrogatepass")


def _header(chance: Chance) -> str:
    """What a header can carry at all."""
    return "".join(char for char in chance.text()[:200] if char.isprintable()).encode().decode("latin-1")


def form(chance: Chance, _aim: Aim) -> Shot:
    return _posted(chance, "/report", chance.fields(REPORT, GOOD))


def good_form(chance: Chance, _aim: Aim) -> Shot:
    """Amount and phone can be read, so that nothing else may be a reason to refuse."""
    compulsory = {"amount": chance.choice(AMOUNTS), "phone": chance.choice(PHONES)}
    return _posted(chance, "/report", chance.fields(REPORT, {}) | compulsory, taken=True)


def warning(chance: Chance, _aim: Aim) -> Shot:
    if chance.one_in(2):
        return _posted(chance, "/warn", chance.fields(("phone", "submission_key", "lang"), GOOD))
    typed = chance.fields(("submission_key", "lang", "other"), {}) | {"phone": chance.choice(PHONES)}
    return _posted(chance, "/warn", typed, taken=True)


def _api(chance: Chance, document: object, *, taken: bool = False) -> Shot:
    key = {"Idempotency-Key": f"{_header(chance)}{chance.random()}"} if chance.one_in(3) else {}
    if chance.one_in(30):
        return Shot("POST", "/api/v1/reports", chance.json_bytes(document), _header(chance), key)
    sent = chance.json_bytes(document)
    # Broken JSON is 400, whatever was meant.
    whole = taken and sent[:1] == b"{" and sent.isascii()
    return Shot("POST", "/api/v1/reports", sent, JSON, key, whole and _is_json(sent))


def _is_json(sent: bytes) -> bool:
    from intake.reading import parse_json

    try:
        parsed = parse_json(sent)
    except ValueError:
        return False
    if not isinstance(parsed, dict) or not isinstance(parsed.get("reporter"), dict):
        return False
    transfers = parsed.get("transfers")
    first = transfers[0] if isinstance(transfers, list) and transfers else None
    amount = first.get("amount") if isinstance(first, dict) else None
    return parsed["reporter"].get("phone") in PHONES and amount in AMOUNTS


def api(chance: Chance, _aim: Aim) -> Shot:
    document = body() if not chance.one_in(5) else chance.json()
    for _ in range(chance.randrange(1, 4)):
        document = chance.spoiled_json(document)
    return _api(chance, document)


def good_api(chance: Chance, _aim: Aim) -> Shot:
    optional = ("name", "student_no", "college", "class", "for_whom", "victim_phone", "phone_unsafe")
    reporter = {name: chance.json() for name in optional if chance.one_in(2)} | {"phone": chance.choice(PHONES)}
    about = ("currency", "when", "channel", "payee_account", "payee_name", "payee_bank", "serial", "payer_bank")
    transfer = {name: chance.json() for name in about if chance.one_in(2)} | {"amount": chance.choice(AMOUNTS)}
    top = ("fraud_type", "narrative", "called_110", "language", "unknown")
    document = {name: chance.json() for name in top if chance.one_in(2)}
    more = [chance.json() for _ in range(chance.randrange(3))]
    return _api(chance, {**document, "reporter": reporter, "transfers": [transfer, *more]}, taken=True)


def stage_two(chance: Chance, aim: Aim) -> Shot:
    question = chance.choice(QUESTIONS)
    names = [item.name for item in question.fields] + ["page", chance.text()[:20]]
    fits = not chance.one_in(10)
    slug = question.slug if fits else quote(chance.text()[:40], safe="")
    # The right number of a phone has to be one.
    return _posted(chance, f"/r/{aim.token}/more/{slug}", chance.fields(names, GOOD), taken=fits and slug != PHONE)


def behind_the_link(chance: Chance, aim: Aim) -> Shot:
    token = aim.token if chance.one_in(2) else quote(chance.text(aim.token)[:200], safe="")
    verb = chance.choice(("unsafe", "withdraw", "sent", "screenshots", "more/time"))
    return _posted(chance, f"/r/{token}/{verb}", chance.fields(("amount", "channel", "payee_account"), GOOD))


def reopening(chance: Chance, aim: Aim) -> Shot:
    typed = chance.fields(("phone", "digits", "lang"), GOOD)
    typed["code"] = aim.code if chance.one_in(2) else chance.text(aim.code)
    return _posted(chance, chance.choice(("/reopen", "/reopen/check")), typed)


def callback(chance: Chance, aim: Aim) -> Shot:
    """Signed as the provider signs, since what is not signed never gets further; each fifth one is not."""
    path = f"/webhooks/twilio/{chance.choice(('status', 'message', 'voice'))}"
    names = ("MessageSid", "SmsSid", "MessageStatus", "ErrorCode", "From", "To", "Body", "CallSid", "CallStatus",
             "Digits", chance.text()[:20])  # fmt: skip
    said = {name: text.encode("utf-8", "replace").decode() for name, text in chance.fields(names, GOOD).items()}
    if chance.one_in(2):
        said["MessageSid"] = f"SM{chance.random()}"
    if chance.one_in(3):
        said["Body"] = chance.text(aim.code, f"收到{aim.code}", "好的")
    query = (
        urlencode({"delivery": aim.delivery if chance.one_in(2) else chance.text()[:60]}) if chance.one_in(2) else ""
    )
    url = f"{path}?{query}" if query else path
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + url, said)
    headers = {"X-Twilio-Signature": _header(chance) if chance.one_in(5) else signature}
    return Shot("POST", url, urlencode(said).encode(), URLENCODED, {} if chance.one_in(20) else headers)


def upload(chance: Chance, aim: Aim) -> Shot:
    picture = chance.spoiled_bytes(chance.choice(PICTURES)) + chance.choice(
        (b"", b"%PDF-1.7", b"PK\x03\x04", b"<html>")
    )
    name = quote(chance.text()[:30], safe="")
    head = f'--b\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'
    path = f"/r/{aim.token}/screenshots?lang={chance.choice(('zh', 'en'))}"
    return Shot("POST", path, head.encode() + picture + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")


def _pictures() -> tuple[bytes, ...]:
    made = []
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        out = BytesIO()
        Image.new("RGB", (40, 30), "red").save(out, kind)
        made.append(out.getvalue())
    return tuple(made)


PICTURES = _pictures()


def signing_in(chance: Chance, _aim: Aim) -> Shot:
    typed = chance.fields(("username", "password", "otp", "csrf_token"), {})
    return _posted(chance, chance.choice(("/login", "/logout", "/invite/x", "/duty/K7M3P/acknowledge")), typed)


def looking(chance: Chance, aim: Aim) -> Shot:
    start = ("/", f"/r/{aim.token}", f"/r/{aim.token}/more", f"/api/v1/reports/{aim.token}", "/reopen", "/poster",
             "/privacy", "/login", "/duty", "/desk", "/healthz", "/readyz", "/r/", "/api/v1/reports/", "/invite/",
             "/static/")  # fmt: skip
    path = chance.choice(start) + (quote(chance.text()[:80], safe="/") if chance.one_in(3) else "")
    query = urlencode({chance.choice(("lang", "saved", "code", "next")): chance.text()[:80]}, errors="surrogatepass")
    headers = {name: _header(chance) for name in HEADERS if chance.one_in(6)}
    method = chance.choice(("GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
    return Shot(method, f"{path}?{query}", headers=headers)


HEADERS = ("Cookie", "If-None-Match", "Accept-Language", "Range", "X-Forwarded-For", "Authorization", "Host")
# How often each is made, of a thousand; signing in is rare because its hash is slow on purpose.
MAKERS: dict[str, tuple[Maker, int]] = {
    "form": (form, 180), "good form": (good_form, 80), "warning": (warning, 80), "api": (api, 180),
    "good api": (good_api, 60), "stage two": (stage_two, 110), "behind the link": (behind_the_link, 40),
    "reopening": (reopening, 40), "callback": (callback, 130), "upload": (upload, 18), "signing in": (signing_in, 2),
    "looking": (looking, 80),
}  # fmt: skip
