"""The stop-payment sheet (止付信息单): what is known of a case, as the bank and the police type it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from ledger import additions, corrections, fraud, match_keys, people, renumbering, states, values
from ledger.corrections import BEYOND
from ledger.crypto import Keys, Lenient, RowKey
from ledger.match_keys import Row, Words
from ledger.sheet_words import ACCOUNTS, BUCKETS, CHANNELS, DIGIT, FOR, GRADES, KIND, LATER, OF_ONE, VOICE

log = structlog.get_logger()


@dataclass(frozen=True)
class Later:
    """A correction: not confirmed by phone. `at` in the school's time; `value` as it was sent."""

    at: str
    value: str
    shown: Words
    warning: Words | None = None


@dataclass(frozen=True)
class Line:
    """One fact: `value` as it is in JSON, `shown` as it stands on paper (None: to be asked, a blank to write in).

    `warning`: why it may be wrong.
    """

    key: str
    zh: str
    en: str
    value: Any
    shown: Words | None
    later: tuple[Later, ...] = ()
    warning: Words | None = None


@dataclass(frozen=True)
class Sheet:
    """The stop-payment sheet (止付信息单): page, PDF and JSON are all made of these lines and of nothing else."""

    code: str
    head: tuple[Line, ...]
    transfers: tuple[tuple[Line, ...], ...]
    victim: tuple[Line, ...]
    report: tuple[Line, ...]
    later: tuple[Line, ...]

    def typed(self) -> list[tuple[Line, ...]]:
        """For each transfer the lines as they are typed: who was paid, whose money it was, how it was paid."""
        return [
            (*(it for it in lines if it.key in _PAYEE), *self.victim, *(it for it in lines if _is_typed(it)))
            for lines in self.transfers
        ]

    def json(self) -> dict[str, Any]:
        """The keys are those of docs/stop-payment-sheet.md; accounts in plain digits, times ISO 8601."""
        told = {line.key: line.value for line in (*self.head, *self.victim, *self.report)}
        told["transfers"] = [
            {line.key: line.value for line in lines}
            | {"corrections": [{"at": it.at, **_plain(line, it.value)} for line in lines for it in line.later]}
            for lines in self.transfers
        ]
        others = [_plain(line, it.value) for line in self.victim for it in line.later]
        return told | {"other_corrections": [*others, *(_plain(line, line.value) for line in self.later)]}


def _plain(line: Line, value: Any) -> dict[str, Any]:
    return {"field": line.key, "value": value}


def stop_payment(conn: Connection, keys: Keys, case: RowMapping, zone: tzinfo, school: str, now: datetime) -> Sheet:
    """Everything the sheet says of a case, in the order in which it is typed at the bank."""
    key = keys.unwrap(case["id"], case["row_key"]).lenient()
    rows = match_keys.readable(key, match_keys.transfers(conn, case["id"]))
    later = list(corrections.of_case(conn, key, case["id"]))
    made: list[tuple[Line, ...]] = []
    for row in rows:
        mine = [it for it in later if it.position == row["position"]]
        lines = _transfer_lines(key, row, zone)
        made.append(tuple(_beside(line, mine, zone) for line in lines))
        placed = {line.key for line in lines}
        later = [it for it in later if it not in mine or it.field not in placed]
    given = additions.opened(key, conn.execute(additions.ANSWERS, {"cases": [case["id"]]}).mappings())
    later += [corrections.Correction(at, "victim_name", name) for at, name in additions.told(given, "who", "name")]
    victim, report = _people(conn, keys, case, key, given, zone)
    report += _formerly(key, case, later)
    victim = tuple(_beside(line, later, zone) for line in victim)
    placed = {line.key for line in victim}
    rest = _elsewhere([it for it in later if it.field not in placed], case, len(rows), zone)
    head = _head(case, rows, zone, school, now) + _beyond(later, len(rows)) + _unreadable(key)
    return Sheet(case["code"], head, tuple(made), victim, report, rest)


def _is_typed(line: Line) -> bool:
    return line.key not in _PAYEE and (line.key not in _WHERE_THERE or line.shown is not None)


def _beside(line: Line, later: list[corrections.Correction], zone: tzinfo) -> Line:
    """What was sent later stands beside the old value, once; what filled an empty field is the value itself, and does
    so once more where it was set back to that."""
    kept = {line.value, line.shown[0] if line.shown else None}
    found: dict[str, Later] = {}
    for it in later:
        shown = _shown(it.field, it.value)
        if it.field != line.key:
            continue
        if not (found or kept.isdisjoint((it.value, it.value.replace(" ", ""), shown[0]))):
            continue
        found.pop(shown[0], None)  # sent again: it stands where it was said last
        found[shown[0]] = Later(_moment(it.at, zone), it.value, shown, _warning(it.field, it.value))
    return replace(line, later=tuple(found.values()), warning=_warning(line.key, line.value))


def _warning(field: str, value: str | None) -> Words | None:
    return DIGIT if field == "payee_account" and values.doubted(value) else None


def _elsewhere(later: list[corrections.Correction], case: RowMapping, count: int, zone: tzinfo) -> tuple[Line, ...]:
    """What came later and belongs beside no line, each once; of several transfers, about which."""
    found: dict[tuple[int, str, str], Line] = {}
    for it in later:
        if (it.field == "for_whom" and it.value == case["for_whom"]) or it.field in _OF_THE_CASE:
            continue
        zh, en = LATER.get(it.field, (it.field, it.field))
        if count > 1 and it.field in OF_ONE:
            zh, en = f"第{it.position}笔{zh}", f"{en} of transfer {it.position}"
        said = [f"{words} · {_moment(it.at, zone)}" for words in _shown(it.field, it.value)]
        found[it.position, it.field, it.value] = Line(it.field, zh, en, it.value, (said[0], said[1]))
    return tuple(found.values())


def _shown(field: str, value: str) -> Words:
    """A value as people read it."""
    if field == "payee_account":
        account = values.parse_account(value)
        value = values.group4(account.text) if account else value
    if field in ("victim_phone", "safe_phone"):
        value = _spoken(value) or value
    words = {"time": BUCKETS, "account_kind": ACCOUNTS, "for_whom": FOR}.get(field, {})
    return words.get(value, (value, value))


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def _line(key: str, zh: str, en: str, value: Any, shown: str | Words | None = None) -> Line:
    said = (str(value) if value else None) if shown is None else shown
    return Line(key, zh, en, value, (said, said) if isinstance(said, str) else said)


def _head(case: RowMapping, rows: Sequence[Row], zone: tzinfo, school: str, now: datetime) -> tuple[Line, ...]:
    ready = ("户名、账号、金额、时间齐全", "Name, account, amount and time are there")
    if found := match_keys.lacking(rows):
        zh, en = match_keys.named(found, several=len(rows) > 1)
        ready = (f"还缺：{zh}", f"Missing: {en}")
    voice = VOICE.get(case["voice"] or "", ("尚未核实", "Not yet confirmed"))
    kind, reported = "drill" if case["drill"] else "case", case["received_at"]
    return (
        _line("code", "编号", "Case", case["code"]),
        _line("school", "学校", "School", school),
        _line("kind", "类别", "Kind", kind, KIND[kind]),
        _line("reported_at", "报告时间", "Reported", _iso(reported, zone), _second(reported, zone)),
        _line("printed_at", "打印时间", "Printed", _iso(now, zone), _second(now, zone)),
        _line("missing", "要素", "Readiness", list(match_keys.missing(rows)), ready),
        _line("voice", "电话核实", "Call", case["voice"], voice),
    )


def _beyond(later: Sequence[corrections.Correction], listed: int) -> tuple[Line, ...]:
    """Nobody may take the transfers that are listed for all there are."""
    if not (more := sum(it.field == BEYOND for it in later)):
        return ()
    zh, en = f"只列{listed}笔，另有{more}笔写在后面", f"{listed} are listed; {more} more stand below"
    return (_line("beyond", "更多转账", "More transfers", more, (f"{zh}，请致电问清", f"{en}: call and ask")),)


def _unreadable(key: Lenient) -> tuple[Line, ...]:
    """Facts that were given and do not open any more stand as those to be asked; what is there is not kept back."""
    if not key.failed:
        return ()
    log.error("sheet_unreadable", columns=sorted(set(key.failed)))
    said = ("有内容读不出，已标“待问”，请致电问清", "Some of it cannot be read and stands as “ask”: call and ask")
    return (_line("unreadable", "读不出", "Unreadable", True, said),)


def _transfer_lines(key: RowKey, row: Row, zone: tzinfo) -> tuple[Line, ...]:
    def opened(name: str) -> str | None:
        return key.open("transfers", row["id"], name, row[f"{name}_sealed"])

    typed = opened("payee_account")
    account = values.parse_account(typed or "")
    bank = row["channel"] not in ("alipay", "wechat")
    yuan, at = values.yuan(row["amount_fen"]), row["happened_at"]
    about = _line("when", "大约", "About", row["when_bucket"], BUCKETS.get(row["when_bucket"]))
    serial = ("交易流水号", "Serial") if bank else ("微信/支付宝订单号", "Order number")
    fen = row["amount_fen"]
    return (
        _line("payee_name", "户名", "Payee name", opened("payee_name")),
        _line("payee_account", "账号", "Account", account.text if account else typed,
              values.group4(account.text) if account else typed),
        _line("payee_bank", *(("开户行", "Bank") if bank else ("支付机构", "Payment company")),
              opened("payee_bank"), opened("payee_bank") or (None if bank else CHANNELS[row["channel"]])),
        _line("account_kind", "账号类别", "Account kind", row["account_kind"], ACCOUNTS.get(row["account_kind"])),
        _line("amount", "转出金额", "Amount", f"{fen // 100}.{fen % 100:02}", yuan),
        _line("currency", "币种", "Currency", row["currency"]),
        _line("time", "转出时间", "Time", _iso(at, zone) if at else None, _second(at, zone) if at else None),
        *(() if at or not row["when_bucket"] else (about,)),
        _line("payer_bank", "付款行", "Payer bank", opened("payer_bank")),
        _line("payer_name", "付款户名", "Payer name", None),
        _line("payer_account_tail", "付款卡尾号", "Payer card, last digits", opened("payer_account_tail")),
        _line("serial", *serial, opened("serial")),
        _line("channel", "渠道", "Channel", row["channel"], CHANNELS.get(row["channel"])),
        _stopped(row),
        _ends(row, zone),
        _line("outcome_number", "立案编号", "Registered as", opened("outcome_number")),
    )  # fmt: skip


def _stopped(row: Row) -> Line:
    outcome = states.OUTCOMES.get(row["outcome"] or "")
    if outcome is None or outcome.case is None:
        return _line("stopped", "是否已止付", "Stopped", None, ("尚无结果", "no result yet"))
    got = values.yuan(row["outcome_fen"]) if row["outcome_fen"] else ""
    stopped = outcome.case in ("stopped", "stopped_empty")
    zh = f"{'是' if stopped else '否'}（{outcome.zh}{got and f'，{got} 元'}）"
    en = f"{'yes' if stopped else 'no'} ({outcome.en}{got and f', {got} yuan'})"
    return _line("stopped", "是否已止付", "Stopped", stopped, (zh, en))


def _ends(row: Row, zone: tzinfo) -> Line:
    """Until when the bank holds it."""
    at = row["stop_ends_at"]
    words = ("止付到期", "Stop ends")
    if at is None:
        return _line("stop_ends_at", *words, None)
    zh, en = ("不可再次止付", "no more stops") if row["stop_renewed"] else ("还可再止付1次", "may be stopped once more")
    shown = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return _line("stop_ends_at", *words, _iso(at, zone), (f"{shown}（{zh}）", f"{shown} ({en})"))


def _people(
    conn: Connection, keys: Keys, case: RowMapping, key: RowKey, given: Sequence[additions.Answered], zone: tzinfo
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Whose money it is. On behalf of somebody, what was typed of the reporter is not the victim's.

    The name that stage 2 was answered with may be all there is, and is somebody else's word then.
    """

    def opened(name: str) -> str | None:
        return key.open("cases", case["id"], name, case[f"{name}_sealed"])

    own, phone = case["for_whom"] != "other", opened("phone")
    known = people.by_id(conn, keys, [case["victim_id"]])
    typed = opened("name") if own else None
    name = typed or (known[0].name if known else None)
    said: Words | None = None
    if not name and (named := additions.told(given, "who", "name")):
        name = named[0][1]
        said = (f"{name}（未电话核实）", f"{name} (not confirmed by phone)")
    called = {True: ("是", "yes"), False: ("还没有", "not yet")}.get(case["called_110"])
    victims, safe = phone if own else opened("victim_phone"), opened("safe_phone")
    victim = (
        _line("victim_name", "受害人姓名", "Victim", name, said),
        _line("victim_phone", "受害人手机", "Victim's phone", victims, _spoken(victims)),
    )
    return victim, (
        _line("victim_grade", "身份", "Identity", case["match_grade"], GRADES.get(case["match_grade"])),
        *((_line("safe_phone", "安全的号码", "Safe number", safe, _spoken(safe)),) if safe else ()),
        _line("reporter_phone", "报案人手机", "Reporter's phone", phone, _spoken(phone)),
        _line("called_110", "110已报", "110 called", case["called_110"], called),
        *_to_110(given, zone),
        _line("fraud_type", "诈骗类型", "Kind of fraud", case["fraud_type"], fraud.KINDS.get(case["fraud_type"] or "")),
        _line("narrative", "案件经过", "What happened", opened("narrative")),
    )


def _formerly(key: RowKey, case: RowMapping, later: Sequence[corrections.Correction]) -> tuple[Line, ...]:
    """Numbers that the reporter put right from the link: perhaps somebody else did."""
    if not (found := renumbering.former(later, key.open("cases", case["id"], "phone", case["phone_sealed"]))):
        return ()
    said = "、".join(_spoken(it) or it for it in found)
    words = (f"{said}（在链接里更正过，未电话核实）", f"{said} (corrected from the link, not confirmed by phone)")
    return (_line("former_phones", "报案人原手机", "Reporter's phone, formerly", found, words),)


def _to_110(given: Sequence[additions.Answered], zone: tzinfo) -> tuple[Line, ...]:
    """The call to 110 as it was told last: when it was, to the second where that can be read, and its number."""
    made: list[Line] = []
    if said := additions.told(given, "police", "called_at"):
        typed_at, typed = said[-1]
        when = values.parse_when(typed, typed_at, zone)
        at = when.at if when else None
        value, shown = (_iso(at, zone), _second(at, zone)) if at else (typed, typed)
        made.append(_line("called_110_at", "110时间", "110 called at", value, shown))
    if numbers := additions.told(given, "police", "incident"):
        made.append(_line("incident_number", "警情编号", "Incident number", numbers[-1][1]))
    return tuple(made)


def _spoken(phone: str | None) -> str | None:
    """As it is dialled and read aloud: 138 0000 0001."""
    mobile = phone is not None and phone.startswith("+861") and len(phone) == 14
    return f"{phone[3:6]} {phone[6:10]} {phone[10:]}" if phone and mobile else phone


def _iso(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _second(at: datetime, zone: tzinfo) -> str:
    """The bank compares the time to the second."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


_PAYEE = ("payee_name", "payee_account", "payee_bank", "account_kind", "amount", "currency", "time", "when")
_OF_THE_CASE = ("phone_unsafe", renumbering.PHONE, renumbering.BEFORE)  # facts of the case from then on
_WHERE_THERE = ("outcome_number", "stop_ends_at")  # no blank to write in where there is none
