"""The kinds of fraud. The codes are ours: police have none. Chinese, English.

Who lent or sold a card or SIM (涉两卡、帮信) may be a victim, and may be questioned themselves: their case goes a track
of its own, on which nobody of the school asks what they did (docs/decisions/0037).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

APART = "BX"
_UNASKED = ("narrative", "money_source")

KINDS: dict[str, tuple[str, str]] = {
    "SD": ("刷单返利", "Task rebate"),
    "TZ": ("虚假投资理财", "Fake investment"),
    "GW": ("虚假购物服务", "Fake shopping"),
    "KF": ("冒充电商物流客服", "Fake customer service"),
    "DK": ("虚假贷款、信用卡", "Fake loan or card"),
    "ZX": ("虚假征信、注销校园贷", "Fake credit record"),
    "LD": ("冒充领导、熟人、老师", "Fake boss, friend, teacher"),
    "GJ": ("冒充公检法", "Fake police or court"),
    "HL": ("网络婚恋交友", "Online romance"),
    "YX": ("游戏产品虚假交易", "Game goods"),
    "JP": ("机票退改签", "Air ticket"),
    "JJ": ("冒充军警购物", "Fake military buyer"),
    "WH": ("其他网络案件", "Other online crime"),
    "LL": ("裸聊敲诈", "Blackmail over pictures"),
    "BX": ("出借银行卡、电话卡", "Lent a card or SIM"),
    "QT": ("其他，不清楚", "Other, not sure"),
}


def questioned(kind: str | None) -> bool:
    """Whether who this is about may be questioned by the police, as far as the newest word on it goes."""
    return kind == APART


def unasked(kind: str | None) -> tuple[str, ...]:
    """What stands on no page of the school, in no file, and is asked by nobody, of who may be questioned."""
    return _UNASKED if questioned(kind) else ()


def told_of(case: Mapping[Any, Any]) -> bool:
    """Whether the status link says so: not to who reported for somebody else, who may not have known."""
    return questioned(case["fraud_type"]) and not on_behalf(case)


def on_behalf(case: Mapping[Any, Any]) -> bool:
    """Whether it may be about somebody else than who reported it: a victim's phone that is not theirs says so, too."""
    theirs = case["victim_phone_index"]
    return case["for_whom"] == "other" or theirs not in (None, case["phone_index"])


def counts(case: Mapping[Any, Any], said: str | None) -> bool:
    """Whether the reporter's word makes it this kind. On behalf, it neither marks anybody nor takes a mark away."""
    return not (on_behalf(case) and APART in (said, case["fraud_type"]))
