"""The main story over real processes, on the embedded default and on RabbitMQ with PostgreSQL."""

from tests.processes import Installation, eventually


def test_a_report_reaches_everybody_and_a_reply_stands_the_others_down(running: Installation) -> None:
    report = running.accepted()
    phones = running.phones
    alert = phones["officer"].expects("紧急止付", report.code, "38600元")
    phones["counselor"].expects(report.code, "30分钟内致电")
    phones["student"].expects("已收到", report.code)
    running.await_settled()
    assert [running.state(report.token, kind) for kind in ("police", "counselor", "care")] == [
        "alerted", "alerted", "open",
    ]  # fmt: skip
    running.advance(121)
    phones["backup"].expects(report.code)
    phones["officer"].expects(report.code)
    alert.replies().expects("由您接单", report.code)
    phones["backup"].expects("欧阳警官", report.code)
    phones["counselor"].replies(report.code).expects(report.code)
    assert running.state(report.token, "counselor") == "acknowledged"
    shown = running.status(report.token)
    assert shown["state"] == shown["obligations"]["police"]["state"] == "acknowledged"
    page = running.request("GET", f"/r/{report.token}")
    assert page.status == 200
    assert report.code in page.body["text"]
    running.await_settled()
    assert not phones.unread()


def test_the_same_key_answers_the_same_case(running: Installation) -> None:
    first, again = running.accepted("a-key", amount="100"), None
    when = (running.now()).isoformat()
    again = running.report("a-key", amount="100", when=when)
    assert again.status == 422  # another body
    assert first.status == 201
    running.await_settled()
    eventually(lambda: running.texts("officer", first.code), "no text")
