"""The lines of the stop-payment sheet: each fact as it is in JSON and as it stands on paper, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, RowMapping

from ledger import channels, fraud, states, values
from ledger.pages.sheet_words import ACCOUNTS, BUCKETS, CALLED, DIGIT, FOR, GRADES, KIND, NO_ACCOUNT, VOICE
from ledger.reporting import additions
from ledger.ringing import match_keys
from ledger.ringing.match_keys import Row, Words
from ledger.school import people
from ledger.store.crypto import Keys, RowKey


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

    `warning`: why it may be wrong. Without `blank` it does not stand on paper while nothing is known of it.
    """

    key: str
    zh: str
    en: str
    value: Any
    shown: Words | None
    later: tuple[Later, ...] = ()
    warning: Words | None = None
    blank: bool = True

    @property
    def stands(self) -> bool:
        """Whether it has a place on paper."""
        return self.blank or self.shown is not None or bool(self.later)


def shown(field: str, value: str) -> Words:
    """A value as people read it."""
    if field == "payee_account":
        account = values.parse_account(value)
        value = values.group4(account.text) if account else value
    if field in ("victim_phone", "safe_phone"):
        value = spoken(value) or value
    words = {"time": BUCKETS, "account_kind": ACCOUNTS, "for_whom": FOR, "channel": channels.WORDS}.get(field, {})
    return words.get(value, (value, value))


def moment(at: datetime, zone: tzinfo) -> str:
    """Day and minute in the school's time; of what came later the year is plain."""
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def line(key: str, zh: str, en: str, value: Any, shown: str | Words | None = None, *, blank: bool = True) -> Line:
    """`shown` where it is not the value itself, in both languages if they differ."""
    said = (str(value) if value else None) if shown is None else shown
    return Line(key, zh, en, value, (said, said) if isinstance(said, str) else said, blank=blank)


def warning(field: str, value: str | None) -> Words | None:
    """Why a value may be wrong, as far as it tells by itself."""
    return DIGIT if field == "payee_account" and values.doubted(value) else None


def spoken(phone: str | None) -> str | None:
    """As it is dialled and read aloud: 138 0000 0001."""
    mobile = phone is not None and phone.startswith("+861") and len(phone) == 14
    return f"{phone[3:6]} {phone[6:10]} {phone[10:]}" if phone and mobile else phone


def _iso(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _second(at: datetime, zone: tzinfo) -> str:
    """The bank compares the time to the second."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def head(case: RowMapping, rows: Sequence[Row], zone: tzinfo, school: str, now: datetime) -> tuple[Line, ...]:
    """What the paper is: case, school, times, and whether it can be filed."""
    ready = ("户名、账号、金额、时间齐全", "Name, account, amount and time are there")
    if found := match_keys.lacking(rows):
        zh, en = match_keys.named(found, several=len(rows) > 1)
        ready = (f"还缺：{zh}", f"Missing: {en}")
    elif all(match_keys.no_account(row) for row in rows):
        ready = NO_ACCOUNT
    voice = VOICE.get(case["voice"] or "", ("尚未核实", "Not yet confirmed"))
    kind, reported = "drill" if case["drill"] else "case", case["received_at"]
    return (
        line("code", "编号", "Case", case["code"]),
        line("school", "学校", "School", school),
        line("kind", "类别", "Kind", kind, KIND[kind]),
        line("reported_at", "报告时间", "Reported", _iso(reported, zone), _second(reported, zone)),
        line("printed_at", "打印时间", "Printed", _iso(now, zone), _second(now, zone)),
        line("missing", "要素", "Readiness", list(match_keys.missing(rows)), ready),
        line("voice", "电话核实", "Call", case["voice"], voice),
    )


def of_transfer(key: RowKey, row: Row, given: Sequence[additions.Answered], zone: tzinfo) -> tuple[Line, ...]:
    """One transfer, in the order in which it is typed; `given`: what was answered in stage 2.

    What a transfer of its kind cannot have, such as the account of who takes cash, leaves no blank.
    """
    how = row["channel"]

    def opened(name: str) -> str | None:
        return key.open("transfers", row["id"], name, row[f"{name}_sealed"])

    def called(name: str, zh: str, en: str) -> tuple[str, str, str]:
        return name, *CALLED.get(name, {}).get(how, (zh, en))

    typed = opened("payee_account")
    account = values.parse_account(typed or "")
    of_bank = not match_keys.no_account(row)
    of_payer = of_bank or how != channels.CASH
    company = channels.WORDS[how] if how in ("alipay", "wechat") else None
    yuan, at = values.yuan(row["amount_fen"]), row["happened_at"]
    about = line("when", "大约", "About", row["when_bucket"], BUCKETS.get(row["when_bucket"]))
    fen, action = row["amount_fen"], channels.ACTIONS.get(how)
    if how in channels.NO_ACCOUNT and of_bank:
        action = channels.TO_AN_ACCOUNT
    return (
        *((line("action", "怎么办", "What can be done", action[0], action),) if action else ()),
        line("payee_name", "户名", "Payee name", opened("payee_name"), blank=of_bank),
        line(*called("payee_account", "账号", "Account"), account.text if account else typed,
              values.group4(account.text) if account else typed, blank=of_bank),
        line(*called("payee_bank", "开户行", "Bank"), opened("payee_bank"), opened("payee_bank") or company,
              blank=of_bank),
        line("account_kind", "账号类别", "Account kind", row["account_kind"], ACCOUNTS.get(row["account_kind"]),
              blank=of_bank),
        line("amount", "转出金额", "Amount", f"{fen // 100}.{fen % 100:02}", yuan),
        line("currency", "币种", "Currency", row["currency"]),
        line(*called("time", "转出时间", "Time"), _iso(at, zone) if at else None, _second(at, zone) if at else None),
        *(() if at or not row["when_bucket"] else (about,)),
        *_details(given, row),
        line(*called("payer_bank", "付款行", "Payer bank"), opened("payer_bank"), blank=of_payer),
        line("payer_name", "付款户名", "Payer name", None, blank=of_payer),
        line("payer_account_tail", "付款卡尾号", "Payer card, last digits", opened("payer_account_tail"),
              blank=of_payer),
        line(*called("serial", "交易流水号", "Serial"), opened("serial"), blank=of_payer),
        line("channel", "渠道", "Channel", how, channels.WORDS.get(how)),
        _stopped(row),
        _ends(row, zone),
        line("outcome_number", "立案编号", "Registered as", opened("outcome_number"), blank=False),
    )  # fmt: skip


def _details(given: Sequence[additions.Answered], row: Row) -> tuple[Line, ...]:
    """Where cash was handed over, which cards they were: all that was told, also where it was another way after all."""
    made: list[Line] = []
    for how, names in channels.DETAILS.items():
        said = additions.joined(given, how, row["position"])
        if how == row["channel"] or said:
            made += [line(name, *words, said.get(name), blank=how == row["channel"]) for name, words in names.items()]
    return tuple(made)


def _stopped(row: Row) -> Line:
    outcome = states.OUTCOMES.get(row["outcome"] or "")
    if outcome is None or outcome.case is None:
        return line("stopped", "是否已止付", "Stopped", None, ("尚无结果", "no result yet"))
    got = values.yuan(row["outcome_fen"]) if row["outcome_fen"] else ""
    stopped = outcome.case in ("stopped", "stopped_empty")
    zh = f"{'是' if stopped else '否'}（{outcome.zh}{got and f'，{got} 元'}）"
    en = f"{'yes' if stopped else 'no'} ({outcome.en}{got and f', {got} yuan'})"
    return line("stopped", "是否已止付", "Stopped", stopped, (zh, en))


def _ends(row: Row, zone: tzinfo) -> Line:
    """Until when the bank holds it."""
    at = row["stop_ends_at"]
    words = ("止付到期", "Stop ends")
    if at is None:
        return line("stop_ends_at", *words, None, blank=False)
    zh, en = ("不可再次止付", "no more stops") if row["stop_renewed"] else ("还可再止付1次", "may be stopped once more")
    shown = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return line("stop_ends_at", *words, _iso(at, zone), (f"{shown}（{zh}）", f"{shown} ({en})"))


def of_people(
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
        line("victim_name", "受害人姓名", "Victim", name, said),
        line("victim_phone", "受害人手机", "Victim's phone", victims, spoken(victims)),
    )
    return victim, (
        line("victim_grade", "身份", "Identity", case["match_grade"], GRADES.get(case["match_grade"])),
        *((line("safe_phone", "安全的号码", "Safe number", safe, spoken(safe)),) if safe else ()),
        line("reporter_phone", "报案人手机", "Reporter's phone", phone, spoken(phone)),
        line("called_110", "110已报", "110 called", case["called_110"], called),
        *_to_110(given, zone),
        line("fraud_type", "诈骗类型", "Kind of fraud", case["fraud_type"], fraud.KINDS.get(case["fraud_type"] or "")),
        line("narrative", "案件经过", "What happened", opened("narrative")),
    )


def _to_110(given: Sequence[additions.Answered], zone: tzinfo) -> tuple[Line, ...]:
    """The call to 110 as it was told last: when it was, to the second where that can be read, and its number."""
    made: list[Line] = []
    if said := additions.told(given, "police", "called_at"):
        typed_at, typed = said[-1]
        when = values.parse_when(typed, typed_at, zone)
        at = when.at if when else None
        value, shown = (_iso(at, zone), _second(at, zone)) if at else (typed, typed)
        made.append(line("called_110_at", "110时间", "110 called at", value, shown))
    if numbers := additions.told(given, "police", "incident"):
        made.append(line("incident_number", "警情编号", "Incident number", numbers[-1][1]))
    return tuple(made)
