"""The stop-payment sheet (止付信息单): what is known of a case, as the bank and the police type it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from ledger import fraud
from ledger.channels import DETAIL_NAMES, ECNY
from ledger.pages import sheet_lines
from ledger.pages.sheet_lines import Later, Line
from ledger.pages.sheet_words import LATER, OF_ONE
from ledger.reporting import additions, corrections, renumbering
from ledger.ringing import match_keys
from ledger.ringing.owing import BEYOND
from ledger.store.crypto import Keys, Lenient, RowKey

log = structlog.get_logger()


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
            (*(it for it in lines if it.key in _PAYEE), *self.victim, *(it for it in lines if it.key not in _PAYEE))
            for lines in (tuple(it for it in lines if it.stands) for lines in self.transfers)
        ]

    def printed(self) -> tuple[Line, ...]:
        """Of the report what stands on paper, which goes to banks: not that somebody may be questioned."""
        return tuple(it for it in self.report if it.key != "fraud_type" or not fraud.questioned(it.value))

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
    given = additions.opened(key, conn.execute(additions.ANSWERS, {"cases": [case["id"]]}).mappings())
    made: list[tuple[Line, ...]] = []
    for row in rows:
        mine = [it for it in later if it.position == row["position"]]
        lines = sheet_lines.of_transfer(key, row, given, zone)
        card = row["channel"] != ECNY  # the number of a wallet is not one of a card
        made.append(tuple(_beside(line, mine, zone, card=card) for line in lines))
        placed = {line.key for line in lines}
        later = [it for it in later if it not in mine or it.field not in placed]
    later += [corrections.Correction(at, "victim_name", name) for at, name in additions.told(given, "who", "name")]
    victim, report = sheet_lines.of_people(conn, keys, case, key, given, zone)
    report += _formerly(key, case, later)
    victim = tuple(_beside(line, later, zone) for line in victim)
    placed = {line.key for line in victim}
    rest = _elsewhere([it for it in later if it.field not in placed], case, len(rows), zone)
    head = sheet_lines.head(case, rows, zone, school, now) + _beyond(later, len(rows)) + _unreadable(key)
    return Sheet(case["code"], head, tuple(made), victim, report, rest)


def _beside(line: Line, later: list[corrections.Correction], zone: tzinfo, *, card: bool = True) -> Line:
    """What was sent later stands beside the old value, once; what filled an empty field is the value itself, and does
    so once more where it was set back to that."""
    kept = {line.value, line.shown[0] if line.shown else None}
    found: dict[str, Later] = {}
    for it in later:
        shown = sheet_lines.shown(it.field, it.value)
        if it.field != line.key:
            continue
        if not (found or kept.isdisjoint((it.value, it.value.replace(" ", ""), shown[0]))):
            continue
        found.pop(shown[0], None)  # sent again: it stands where it was said last
        doubt = sheet_lines.warning(it.field, it.value) if card else None
        found[shown[0]] = Later(sheet_lines.moment(it.at, zone), it.value, shown, doubt)
    doubt = sheet_lines.warning(line.key, line.value) if card else None
    return replace(line, later=tuple(found.values()), warning=doubt)


def _elsewhere(later: list[corrections.Correction], case: RowMapping, count: int, zone: tzinfo) -> tuple[Line, ...]:
    """What came later and belongs beside no line, each once; of several transfers, about which."""
    found: dict[tuple[int, str, str], Line] = {}
    for it in later:
        if (it.field == "for_whom" and it.value == case["for_whom"]) or it.field in _OF_THE_CASE:
            continue
        zh, en = LATER.get(it.field, (it.field, it.field))
        if count > 1 and it.field in OF_ONE:
            zh, en = f"第{it.position}笔{zh}", f"{en} of transfer {it.position}"
        said = [f"{words} · {sheet_lines.moment(it.at, zone)}" for words in sheet_lines.shown(it.field, it.value)]
        found[it.position, it.field, it.value] = Line(it.field, zh, en, it.value, (said[0], said[1]))
    return tuple(found.values())


def _beyond(later: Sequence[corrections.Correction], listed: int) -> tuple[Line, ...]:
    """Nobody may take the transfers that are listed for all there are."""
    if not (more := sum(it.field == BEYOND for it in later)):
        return ()
    zh, en = f"只列{listed}笔，另有{more}笔写在后面", f"{listed} are listed; {more} more stand below"
    return (Line("beyond", "更多转账", "More transfers", more, (f"{zh}，请致电问清", f"{en}: call and ask")),)


def _unreadable(key: Lenient) -> tuple[Line, ...]:
    """Facts that were given and do not open any more stand as those to be asked; what is there is not kept back."""
    if not key.failed:
        return ()
    log.error("sheet_unreadable", columns=sorted(set(key.failed)))
    said = ("有内容读不出，已标“待问”，请致电问清", "Some of it cannot be read and stands as “ask”: call and ask")
    return (Line("unreadable", "读不出", "Unreadable", True, said),)


def _formerly(key: RowKey, case: RowMapping, later: Sequence[corrections.Correction]) -> tuple[Line, ...]:
    """Numbers that the reporter put right from the link: perhaps somebody else did."""
    if not (found := renumbering.former(later, key.open("cases", case["id"], "phone", case["phone_sealed"]))):
        return ()
    said = "、".join(sheet_lines.spoken(it) or it for it in found)
    words = (f"{said}（在链接里更正过，未电话核实）", f"{said} (corrected from the link, not confirmed by phone)")
    return (Line("former_phones", "报案人原手机", "Reporter's phone, formerly", found, words),)


_PAYEE = ("action", "payee_name", "payee_account", "payee_bank", "account_kind", "amount", "currency", "time", "when",
          *DETAIL_NAMES)  # fmt: skip
_OF_THE_CASE = ("phone_unsafe", renumbering.PHONE, renumbering.BEFORE)  # facts of the case from then on
