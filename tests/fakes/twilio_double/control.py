"""What a test does with the object, a script does over HTTP: parameters in the query or the form.

POST /_fault kind to times(0: until cleared) on · POST /_release · POST /_mode mode message_webhook
POST /_reply from body to · POST /_deliver, /_sent, /_undeliver, /_fail sid code · POST /_reset service_ms fail_rate
GET /_log since · GET /_count
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.fakes.twilio_double.server import Answer, Request

if TYPE_CHECKING:
    from tests.fakes.twilio_double.double import TwilioDouble


def answer(double: "TwilioDouble", request: Request) -> Answer:
    verb = VERBS.get((request.method, request.path))
    if verb is None:
        return Answer(404, {"error": f"no such control: {request.method} {request.path}"})
    try:
        return Answer(200, verb(double, {**request.query, **request.form}))
    except (KeyError, ValueError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})


Given = dict[str, str]


def fault(double: "TwilioDouble", given: Given) -> object:
    double.faults.add(given["kind"], given.get("to"), int(given.get("times", "1")) or None, given.get("on", "create"))
    return {}


def mode(double: "TwilioDouble", given: Given) -> object:
    if given.get("mode", double.mode) not in ("auto", "manual"):
        raise ValueError("mode is auto or manual")
    double.mode = given.get("mode", double.mode)
    double.message_webhook = given.get("message_webhook", double.message_webhook)
    return {"mode": double.mode, "message_webhook": double.message_webhook}


def reply(double: "TwilioDouble", given: Given) -> object:
    return {"status": double.reply(given["from"], given["body"], given.get("to"))}


def progress(double: "TwilioDouble", given: Given, state: str) -> object:
    if "code" in given:
        return {"statuses": getattr(double, state)(given["sid"], int(given["code"]))}
    return {"statuses": getattr(double, state)(given["sid"])}


def reset(double: "TwilioDouble", given: Given) -> object:
    double.reset(float(given.get("service_ms", "0")), float(given.get("fail_rate", "0")))
    return {}


def release(double: "TwilioDouble", given: Given) -> object:
    double.release()
    return {}


def log(double: "TwilioDouble", given: Given) -> object:
    with double.changed:
        return [asdict(record) for record in double.log[int(given.get("since", "0")) :]]


def count(double: "TwilioDouble", given: Given) -> object:
    """n: requests to send; made: texts made; the rest as it says."""
    with double.changed:
        return {
            "n": len(double.creations),
            "made": len(double.outbound()),
            "requests": len(double.log),
            "callbacks": len(double.callbacks),
            "hanging": double.hanging,
            "inflight": double.inflight,
            "max_inflight": double.max_inflight,
            "connections": double.server.connections,
        }


VERBS = {
    ("POST", "/_fault"): fault,
    ("POST", "/_release"): release,
    ("POST", "/_mode"): mode,
    ("POST", "/_reply"): reply,
    ("POST", "/_sent"): lambda double, given: progress(double, given, "sent"),
    ("POST", "/_deliver"): lambda double, given: progress(double, given, "deliver"),
    ("POST", "/_undeliver"): lambda double, given: progress(double, given, "undeliver"),
    ("POST", "/_fail"): lambda double, given: progress(double, given, "fail"),
    ("POST", "/_reset"): reset,
    ("GET", "/_log"): log,
    ("GET", "/_count"): count,
}
