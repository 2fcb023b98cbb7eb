"""How many SMS segments a text costs: GSM 03.38 seven-bit where every character allows it, else UCS-2."""

# 3GPP TS 23.038 basic character set and its extension table; an extended character costs two septets.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")


def is_gsm(text: str) -> bool:
    """Whether every character is in GSM-7 or its extension table."""
    return all(char in _BASIC or char in _EXTENDED for char in text)


def units(text: str) -> int:
    """Septets when the text fits GSM-7, UTF-16 code units when it does not (an emoji counts two)."""
    if is_gsm(text):
        return len(text) + sum(char in _EXTENDED for char in text)
    return len(text.encode("utf-16-le")) // 2


def segments(text: str) -> int:
    """Segments the carrier bills: one up to 160 septets or 70 UCS-2 units, then 153 or 67 each (header of 6 bytes)."""
    one, part, costs = (160, 153, _gsm_costs(text)) if is_gsm(text) else (70, 67, _ucs2_costs(text))
    return 1 if sum(costs) <= one else _packed(costs, part)


def _gsm_costs(text: str) -> list[int]:
    return [2 if char in _EXTENDED else 1 for char in text]


def _ucs2_costs(text: str) -> list[int]:
    return [2 if ord(char) > 0xFFFF else 1 for char in text]


def _packed(costs: list[int], part: int) -> int:
    """A two-unit character is never split over a boundary, so parts may be one unit short."""
    count, room = 1, part
    for cost in costs:
        if cost > room:
            count, room = count + 1, part
        room -= cost
    return count
