"""Texts and calls through Twilio's REST API."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from twilio.base import values
from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from urllib3.exceptions import HTTPError

from notifier.channel import Accepted, Beside, ChannelAway, Inbound, Outgoing, Receipt, Refused, StatusReport, Unknown
from notifier.twilio import errors, voice
from notifier.twilio.http import ErrorAnswer, PooledClient, Unreachable, Unreadable

# A phone on which a whole surge rings gets hundreds of texts before a lost answer is asked for. Read page by page
# until the list reaches back far enough, which the first page nearly always does.
_PAGE = 200
_PAGES = 10
_OUT_OF_PLACE = 20
_SLACK = timedelta(seconds=5)  # Twilio's clock against ours; its times are whole seconds
_LONGEST_VALIDITY_S = 14_400
_SDK_CHOKED = (TwilioException, ValueError, TypeError, AttributeError, KeyError)  # on an answer of another shape
_ODD = (HTTPError, OSError, Unreachable, Unreadable, *_SDK_CHOKED)
_T = TypeVar("_T")


@dataclass(frozen=True)
class TwilioConfig:
    """Where and as whom we send. Either `sender` or `messaging_service_sid`; `urgent_sender` goes before both."""

    account_sid: str
    auth_token: str
    sender: str | None = None
    messaging_service_sid: str | None = None
    urgent_sender: str | None = None
    voice_sender: str | None = None  # a number that may call; None: no calls
    api_base: str | None = None  # None: Twilio's own
    callback_base: str | None = None  # public address of ours; None: no callbacks, status is polled

    def __repr__(self) -> str:
        return f"TwilioConfig(account_sid={self.account_sid!r}, api_base={self.api_base!r})"  # no secrets in logs


class NoList(ChannelAway):
    """The provider keeps no list of what it took."""


class TwilioChannel:
    """See notifier.channel.Channel. One call takes at most `call_s` seconds; keep leases above that."""

    name = "twilio"

    def __init__(self, config: TwilioConfig, connect_s: float = 3, read_s: float = 8, call_s: float = 10) -> None:
        self._config = config
        self._http = PooledClient(config.api_base, connect_s, read_s, call_s)
        self._client = Client(
            config.account_sid,
            config.auth_token,
            http_client=self._http,
            environment={"TWILIO_REGION": ""},  # an empty mapping would make the SDK read the real environment
        )

    def credentials_hold(self) -> bool:
        """Whether Twilio knows this account and token. Raises ChannelAway when it cannot be asked."""
        try:
            self._client.api.accounts(self._config.account_sid).fetch()
        except ErrorAnswer as answer:
            if answer.status in (401, 403, 404):
                return False
            raise ChannelAway(str(answer)) from answer
        except _ODD as error:
            raise ChannelAway(type(error).__name__) from error
        return True

    def close(self) -> None:
        """Let go of the pooled connections; the channel may be used again."""
        self._http.close()

    def send(self, text: Outgoing) -> Receipt:
        """Refused only where the text certainly did not go: a 4xx, or a connection that was never made."""
        try:
            made = self._call(text) if text.spoken else self._text(text)
        except Unreachable as error:
            return Refused("unreachable", f"no connection: {error}", permanent=False)
        except ErrorAnswer as answer:
            return _refused(answer)
        except _ODD as error:
            return Unknown(type(error).__name__)
        return _accepted(made) if isinstance(made.sid, str) else Unknown("2xx without a sid")

    def _text(self, text: Outgoing) -> Any:
        return self._client.messages.create(
            to=text.to,
            body=text.body,
            status_callback=self._callback("status", text.delivery_id),
            validity_period=max(1, min(text.validity_s, _LONGEST_VALIDITY_S)),
            **self._sender(text.urgent),
        )

    def _call(self, text: Outgoing) -> Any:
        answer_at = self._callback("voice", text.delivery_id)
        return self._client.calls.create(
            to=text.to,
            from_=self._config.voice_sender or "",
            twiml=voice.twiml(text.body, text.language, str(answer_at)),
            timeout=voice.RINGS_S,
            status_callback=answer_at,
        )

    def find(self, text: Outgoing, since: datetime, beside: Callable[[], Beside] = Beside) -> Accepted | None:
        """Lists by To and compares bodies; not by DateSent, which a text still queued does not have.

        One that has no lists (404) knows of no text; that account and token hold is told by the texts themselves.
        """
        try:
            return self._find_call(text, since, beside) if text.spoken else self._find_text(text, since)
        except NoList:
            return None

    def _find_text(self, text: Outgoing, since: datetime) -> Accepted | None:
        recent, complete = self._recent(since, to=text.to)
        for made in recent:
            if made.direction != "inbound" and (made.body or "").strip() == text.body.strip():
                return _accepted(made)
        if not complete:
            raise ChannelAway(f"more than {_PAGE * _PAGES} newer texts to this number")
        return None

    def _find_call(self, text: Outgoing, since: datetime, beside: Callable[[], Beside]) -> Accepted | None:
        """A call to that phone since then which is no other text's: the list says neither its words nor our address.

        Where others are in doubt as well, it may be theirs: its callback, at its end, says whose it was. If none came,
        it is this one's only where there is one for each; else this phone may not have rung for it.
        """
        listed = _asked(lambda: self._client.calls.list(to=text.to, page_size=_PAGE, limit=_PAGE))
        recent = [made for made in listed if _created(made, since) >= since - _SLACK]
        known = beside() if recent else Beside()  # asked after the list: what stands there was written down before
        free = [made for made in recent if made.sid not in known.sids]
        if known.doubtful and any(voice.goes_on(str(made.status)) for made in free):
            raise ChannelAway("a call that may be another's has not ended")
        return _accepted(free[0]) if len(free) > known.doubtful else None

    def status(self, sid: str) -> StatusReport | None:
        try:
            kept = self._client.calls if sid.startswith("CA") else self._client.messages
            made = kept(quote(sid, safe="")).fetch()
        except ErrorAnswer as answer:
            if answer.status == 404:
                return None
            raise ChannelAway(str(answer)) from answer
        except _ODD as error:
            raise ChannelAway(type(error).__name__) from error
        return StatusReport(sid, _state(made), _code(made))

    def inbound(self, since: datetime) -> list[Inbound]:
        """Up to 5 s older ones come too (see _SLACK): the sid tells which are new."""
        config = self._config
        numbers = {config.sender, config.urgent_sender} - {None, ""}
        asked = {values.unset} if config.messaging_service_sid else numbers  # the service's own numbers are not known
        found = [made for to in asked for made in self._recent(since, to=to)[0]]
        found = [made for made in found if made.direction == "inbound" and made.sid and made.from_]
        found.sort(key=lambda made: _created(made, since))
        return [Inbound(made.sid, made.from_, made.body or "", _created(made, since)) for made in found]

    def _recent(self, since: datetime, to: object) -> tuple[list[Any], bool]:
        """Messages created since then, and whether the list reached back that far (Twilio lists newest first)."""
        most = _PAGE * _PAGES
        recent = _asked(
            lambda: _reaching_back(
                self._client.messages.stream(to=to, page_size=_PAGE, limit=most),
                lambda made: _created(made, since) >= since - _SLACK,
            )
        )
        return recent, len(recent) < most

    def _sender(self, urgent: bool) -> dict[str, str]:
        config = self._config
        if urgent and config.urgent_sender:
            return {"from_": config.urgent_sender}
        if config.messaging_service_sid:
            return {"messaging_service_sid": config.messaging_service_sid}
        return {"from_": config.sender or ""}

    def _callback(self, what: str, delivery_id: str) -> object:
        base = self._config.callback_base
        if not base:
            return values.unset
        return f"{base.rstrip('/')}/webhooks/twilio/{what}?delivery={quote(delivery_id, safe='')}"


def _refused(answer: ErrorAnswer) -> Receipt:
    """408 says that the request may have come through; 3xx and 5xx say nothing at all."""
    if 400 <= answer.status < 500 and answer.status != 408:
        return errors.refusal(answer.status, answer.code, answer.retry_after_s)
    return Unknown(f"HTTP {answer.status}")


def _asked(question: Callable[[], _T]) -> _T:
    try:
        return question()
    except (ErrorAnswer, *_ODD) as error:
        if isinstance(error, ErrorAnswer) and error.status == 404:
            raise NoList from error
        raise ChannelAway(str(error) if isinstance(error, ErrorAnswer) else type(error).__name__) from error


def _reaching_back(newest_first: Iterable[_T], recent: Callable[[_T], bool]) -> list[_T]:
    """The recent ones, read no further than a few old ones: a text still queued may not be in its place."""
    found: list[_T] = []
    older = 0
    for made in newest_first:
        if recent(made):
            found.append(made)
        else:
            older += 1
        if older > _OUT_OF_PLACE:
            break
    return found


def _created(made: Any, otherwise: datetime) -> datetime:
    """An unreadable time counts as recent: taking a text for sent twice is milder than never settling it."""
    return made.date_created if isinstance(made.date_created, datetime) else otherwise


def _accepted(made: Any) -> Accepted:
    return Accepted(made.sid, _state(made))


def _state(made: Any) -> str:
    """A status that Twilio invents later still means that it has the text."""
    if made.sid.startswith("CA"):
        return voice.state(str(made.status)) or "sent"
    return errors.state(str(made.status), _code(made)) or "sent"


def _code(made: Any) -> str | None:
    code = getattr(made, "error_code", None)  # a call has none
    return str(code) if code else None
