"""Which channels there are: one line each, read by the composition root."""

from collections.abc import Callable

from notifier.channel import Channel
from notifier.simulator.channel import SimulatorChannel
from notifier.twilio.client import TwilioChannel, TwilioConfig

__all__ = ["CHANNELS", "TwilioConfig", "build"]


def _twilio(config: TwilioConfig | None) -> Channel:
    if config is None:
        raise ValueError("channel 'twilio' needs a TwilioConfig")
    return TwilioChannel(config)


CHANNELS: dict[str, Callable[[TwilioConfig | None], Channel]] = {
    "simulator": lambda _: SimulatorChannel(),
    "twilio": _twilio,
}


def build(name: str, twilio: TwilioConfig | None = None) -> Channel:
    """The channel of that name; nothing connects yet. Raises ValueError for an unknown name or a missing config."""
    if name not in CHANNELS:
        raise ValueError(f"unknown channel {name!r}; known: {', '.join(CHANNELS)}")
    return CHANNELS[name](twilio)
