"""What a text to each country can do: one capability row per dialling prefix.

How sure each statement is: [P] a page of the provider's says so, [2] somebody else's page does, [M] from memory,
[I] our own inference. Where nothing is sure the row says no: a wrong "no reply" costs an officer one click, a wrong
"reply" costs minutes of waiting for an answer that cannot arrive.
"""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class CountryRow:
    """Capabilities of texts to one prefix, as the provider offers them."""

    prefix: str  # "+86", or "*" for every other country
    reply: bool  # two-way SMS: an acknowledgement by text arrives
    voice: bool  # a call with a keypad acknowledgement works
    wording: Literal["detailed", "neutral"]
    per_number_per_day: int  # texts to one number in 24 h before they are bundled


_ROWS = (
    # +1: two-way yes [P twilio.com/guidelines/us/sms]; voice [P]; the cap is ours against toll fraud [I].
    CountryRow("+1", reply=True, voice=True, wording="detailed", per_number_per_day=60),
    # +44: two-way on long codes [2 docs.poly.ai/sms/number-availability, from Twilio's guidelines]; voice [M]; cap [I].
    CountryRow("+44", reply=True, voice=True, wording="detailed", per_number_per_day=60),
    # +65: two-way no [P twilio.com/guidelines/sg/sms]; links are filtered for unregistered senders [M]; cap [I].
    CountryRow("+65", reply=False, voice=True, wording="detailed", per_number_per_day=30),
    # +86: no two-way, no links, templates, finance words banned, five different texts a day start a review, so four
    # [P twilio.com/guidelines/cn/sms, support article 360016612253, prc-messaging-restrictions]; voice ended 2023 [P].
    CountryRow("+86", reply=False, voice=False, wording="neutral", per_number_per_day=4),
    # +852: sender names are registered, replies to a name cannot work [M]; voice [M]; cap [I].
    CountryRow("+852", reply=False, voice=True, wording="detailed", per_number_per_day=30),
    # +853: two-way no [2 sent.dm/resources/macao-sms-guide]; voice [M]; cap [I].
    CountryRow("+853", reply=False, voice=True, wording="detailed", per_number_per_day=30),
    # +886: two-way no, links need registration [M]; voice [M]; cap [I].
    CountryRow("+886", reply=False, voice=True, wording="detailed", per_number_per_day=30),
)
_ELSEWHERE = CountryRow("*", reply=False, voice=False, wording="neutral", per_number_per_day=10)  # [I]


def for_phone(e164: str, simulated: bool = False) -> CountryRow:
    """The row of the longest prefix that fits, else `*`.

    `simulated`: phones of the simulator answer and have no carrier, so nothing is forbidden or counted there.
    """
    fitting = [row for row in _ROWS if e164.startswith(row.prefix)]
    row = max(fitting, key=lambda found: len(found.prefix), default=_ELSEWHERE)
    return replace(row, reply=True, wording="detailed", per_number_per_day=1000) if simulated else row
