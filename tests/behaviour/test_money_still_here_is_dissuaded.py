"""`kind: in_progress`: nothing was sent yet, so counselor and duty desk call at once; no police are rung."""

from tests.world import World


def test_counselor_and_duty_desk_are_rung_to_dissuade_and_one_of_them_has_it(world: World) -> None:
    report = world.report(kind="in_progress", transfers=None)
    phones = world.phones
    urged = phones["counselor"].expects(report.code, "劝")
    phones["desk"].expects(report.code)
    phones["counselor"].expects(report.code, "30分钟内致电")
    assert "止付" not in phones["student"].expects(report.code, "挂断").body  # nothing was paid
    assert "police" not in report.status()["obligations"]
    assert report.state("dissuade") == "alerted"
    urged.replies()
    assert report.state("dissuade") == "acknowledged"
    # One reply answers both texts, and is answered once.
    assert report.state("counselor") == "acknowledged"
    phones["counselor"].expects("由您联系").expects_nothing()
    phones["desk"].expects("已有人接单", "慕容老师")
