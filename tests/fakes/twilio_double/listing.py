"""The message list: its filters and its paging envelope, as Twilio writes it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from tests.fakes.twilio_double.records import API_VERSION, Message


def matches(message: Message, query: Mapping[str, str]) -> bool:
    moment = message.sent or message.created
    return (
        query.get("To") in (None, message.to)
        and query.get("From") in (None, message.from_)
        and ("DateSent" not in query or moment.date() == instant(query["DateSent"]).date())
        and ("DateSent>" not in query or moment >= instant(query["DateSent>"]))
        and ("DateSent<" not in query or moment <= instant(query["DateSent<"]))
    )


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def page_of(newest_first: Sequence[Message], query: Mapping[str, str], account_sid: str) -> dict[str, object]:
    """One page; its token names the last message of the page before, so that new arrivals shift nothing."""
    size = min(max(int(query.get("PageSize", "50")), 1), 1000)
    number, token = int(query.get("Page", "0")), query.get("PageToken", "")
    after = [index + 1 for index, message in enumerate(newest_first) if token == f"PA{message.sid}"]
    start = after[0] if after else number * size
    shown = newest_first[start : start + size]
    more = {"Page": str(number + 1), "PageToken": f"PA{shown[-1].sid}"} if start + size < len(newest_first) else None
    return {
        "end": start + len(shown) - 1 if shown else 0,
        "first_page_uri": address(account_sid, {**query, "Page": "0", "PageToken": ""}),
        "messages": [message.as_json(account_sid) for message in shown],
        "next_page_uri": address(account_sid, {**query, **more}) if more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": None,
        "start": start,
        "uri": address(account_sid, query),
    }


def address(account_sid: str, query: Mapping[str, str]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/{API_VERSION}/Accounts/{account_sid}/Messages.json?{urlencode(given)}"
