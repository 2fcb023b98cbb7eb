"""The language of behaviour tests: what a named person's phone gets to read, and what they answer.

    officer, student = phones["officer"], phones["student"]
    officer.expects("紧急止付").replies().expects("由您接单")      # replies() with the case code of the text
    student.expects_nothing()

Any text that nobody expected fails the test at `assert_all_read()`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes.twilio_double import Message, TwilioDouble

CODE = re.compile(r"(?<![0-9A-Za-z])[A-HJKMPQSU-Z][2-9A-HJKMPQSU-Z]{4}(?![0-9A-Za-z])")


class Phones:
    """All phones of a test. Give `pump` where the world runs in this process: it works until nothing is left to do.

    Without it the world is other processes, and reading waits up to `timeout` for the double to hear of a text;
    `quiet` is then how long a phone must stay silent to count as having got nothing.
    """

    def __init__(
        self,
        double: TwilioDouble,
        roster: Mapping[str, str],
        pump: Callable[[], None] | None = None,
        timeout: float = 10.0,
        quiet: float = 0.0,
    ) -> None:
        self.double, self.timeout, self.quiet = double, 0.0 if pump else timeout, quiet
        self._pump = pump or (lambda: None)
        self._read: set[str] = set()
        self._phones = {name: Phone(self, name, number) for name, number in roster.items()}

    def __getitem__(self, name: str) -> "Phone":
        return self._phones[name]

    def add(self, name: str, number: str) -> "Phone":
        return self._phones.setdefault(name, Phone(self, name, number))

    def unread(self, number: str | None = None) -> list[Message]:
        """Texts on this phone, or on all, that no expectation has read yet, oldest first."""
        texts = self.double.outbound() if number is None else self.double.to(number)
        return [text for text in texts if text.reaches_phone and text.sid not in self._read]

    def catch_up(self) -> None:
        """Run the world until a round changes nothing: callbacks make work, and work makes texts."""
        before = None
        while before != (now := (len(self.double.log), len(self.double.callbacks))):
            before = now
            self._pump()
            self.double.settle()

    def mark_read(self, text: Message) -> None:
        self._read.add(text.sid)

    def assert_all_read(self) -> None:
        self.catch_up()
        names = {phone.number: phone.name for phone in self._phones.values()}
        left = [f"{names.get(text.to, 'nobody we know')} {text.to}: {text.body}" for text in self.unread()]
        assert not left, "texts that nobody expected:\n" + "\n".join(left)


@dataclass(frozen=True)
class Phone:
    phones: Phones
    name: str
    number: str

    def expects(self, *fragments: str) -> "Text":
        """Read the next unread text; it must contain every fragment."""
        self.phones.catch_up()
        text = self._next(self.phones.timeout)
        assert text, f"{self.name} got no text; expected one with {fragments}. {self._others()}"
        missing = [fragment for fragment in fragments if fragment not in text.body]
        assert not missing, f"{self.name}: {missing} not in the next text: {text.body!r}"
        self.phones.mark_read(text)
        return Text(self, text.sid, text.body)

    def expects_nothing(self) -> None:
        self.phones.catch_up()
        text = self._next(self.phones.quiet)
        assert not text, f"{self.name} expected no text, got: {text.body!r}"

    def replies(self, body: str) -> "Phone":
        status = self.phones.double.reply(self.number, body)
        assert 200 <= status < 300, f"the webhook answered {status} to {self.name}'s {body!r}"
        return self

    def _next(self, timeout: float) -> Message | None:
        """The double may not have heard of it yet where the world is other processes: wait on its condition."""
        with self.phones.double.changed:
            self.phones.double.changed.wait_for(lambda: self.phones.unread(self.number), timeout)
            unread = self.phones.unread(self.number)
        return unread[0] if unread else None

    def _others(self) -> str:
        return f"Unread elsewhere: {[(text.to, text.body) for text in self.phones.unread()]}"


@dataclass(frozen=True)
class Text:
    """A text that has been read. Goes on as its phone does."""

    phone: Phone
    sid: str
    body: str

    @property
    def code(self) -> str:
        """The first case code in it."""
        found = CODE.search(self.body)
        assert found, f"no case code in {self.body!r}"
        return found[0]

    def replies(self, body: str | None = None) -> Phone:
        """Answer it; with its case code unless something else is said."""
        return self.phone.replies(self.code if body is None else body)

    def expects(self, *fragments: str) -> "Text":
        return self.phone.expects(*fragments)

    def expects_nothing(self) -> None:
        self.phone.expects_nothing()
