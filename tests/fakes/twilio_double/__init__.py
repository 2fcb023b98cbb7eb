"""A Twilio double that speaks the real protocol over real sockets, in a thread or as a process of its own."""

from tests.fakes.twilio_double.double import TwilioDouble
from tests.fakes.twilio_double.faults import Fault, Faults
from tests.fakes.twilio_double.records import Call, Callback, Message, Record

__all__ = ["Call", "Callback", "Fault", "Faults", "Message", "Record", "TwilioDouble"]
