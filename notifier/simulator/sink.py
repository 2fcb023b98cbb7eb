"""Where the texts of a drill go: to no phone, but to a function that answers as people would."""

from collections.abc import Callable

from notifier.channel import Accepted, Outgoing, Receipt
from notifier.simulator.channel import SimulatorChannel


class SinkChannel(SimulatorChannel):
    """A simulator that hands every text it took to `on_text`, in the sender's thread, before `send` returns."""

    name = "sink"

    def __init__(self, on_text: Callable[[Outgoing], None]) -> None:
        super().__init__()
        self._on_text = on_text

    def send(self, text: Outgoing) -> Receipt:
        receipt = super().send(text)
        if isinstance(receipt, Accepted):
            self._on_text(text)
        return receipt
