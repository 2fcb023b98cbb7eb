"""The main path: one report rings the officer, tells the counselor and the student, and opens the follow-up."""

from tests.world import World


def test_each_of_the_three_obligations_is_started_and_seen_on_the_status_page(world: World) -> None:
    report = world.report()
    phones = world.phones
    alert = phones["officer"].expects("紧急止付", report.code, "银行卡38600元", "24日14:32转出")
    phones["counselor"].expects(report.code, "30分钟内致电")
    phones["student"].expects("已收到", report.code)
    status = report.status()
    assert status["state"] == "alerted"
    assert [status["obligations"][kind]["state"] for kind in ("police", "counselor", "care")] == [
        "alerted",
        "alerted",
        "open",
    ]
    alert.replies().expects("由您接单", report.code)
    assert report.status()["state"] == report.state("police") == "acknowledged"
    assert report.status()["obligations"]["care"]["next_contact_at"] == "2026-11-24T07:10:00.000Z"
