"""The double as a process: one line `ready http://…` on stdout; SIGTERM ends it with 0."""

import argparse
import os
import signal

from tests.fakes.twilio_double.double import TwilioDouble


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.twilio_double", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=24010)
    parser.add_argument("--auth-token", default=TwilioDouble.auth_token)
    parser.add_argument("--account-sid", default=TwilioDouble.account_sid)
    parser.add_argument("--number", default=TwilioDouble.number, help="the sender whom unasked replies go to")
    parser.add_argument("--mode", choices=("auto", "manual"), default="auto")
    parser.add_argument("--message-webhook", help="address that texts from phones are handed to")
    parser.add_argument("--callback-base", help="scheme and host to call back at, when the public address is another")
    return parser.parse_args()


def main() -> None:
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread starts: all of them inherit it
    double = TwilioDouble(**vars(arguments()))
    os.write(1, f"ready {double.base_url}\n".encode())
    signal.sigwait(signals)
    double.close()


if __name__ == "__main__":
    main()
