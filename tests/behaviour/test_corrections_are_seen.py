"""A form sent again with other facts: the officer sees both, and the student reads the newest to 110."""

from tests.world import World

FORM = {"submission_key": "k", "channel": "bank", "amount": "3800", "phone": "13800000001", "payee_name": "王五",
        "payee_account": "6217 0000-0000 4417"}  # fmt: skip


def test_the_old_value_and_the_corrected_one_stand_on_the_sheet_and_the_newest_is_read_to_110(world: World) -> None:
    client = world.client
    first = client.post("/report", data=FORM)
    assert "6217 0000 0000 4417" in client.get(first.location).text
    alert = world.phones["officer"].expects("3800元")
    for name in ("counselor", "student"):
        world.phones[name].expects(alert.code)
    changed = {**FORM, "amount": "38000", "payee_name": "王伍", "when": "2026-11-24T06:32:05Z"}
    again = client.post("/report", data=changed)
    assert again.location == first.location
    world.phones["officer"].expects("有补充", "新报户名金额时间")
    sheet = world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{alert.code}").text
    for said in ("王五", "王伍", "3,800", "38,000", "未电话核实", "2026-11-24 14:32:05"):
        assert said in sheet
    script = client.get(first.location).text
    assert "38,000" in script
    assert "王伍" in script
    assert "2026-11-24 14:32" in script
    assert "06:32" not in script + sheet
    assert "王五" not in script


def test_an_empty_note_does_not_replace_one_that_says_something(world: World) -> None:
    report = world.report()
    world.phones["officer"].expects(report.code)
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects(report.code)
    counselor = world.user("c", "counselor", world.phones["counselor"].number)
    page = counselor.get("/desk/followups").text
    token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
    form = {"csrf_token": token, "contact": "call_30m", "reached": "no"}
    for note in ("室友说她在哭", ""):
        assert counselor.post(f"/desk/followups/{report.code}/contact", data={**form, "note": note}).status_code == 303
    rows = world.rows("SELECT length(note_sealed) FROM contacts WHERE kind = 'call_30m'")
    assert rows[0][0] > 28  # an empty seal is nonce and tag alone
    kept = "SELECT count(*) FROM case_events WHERE type = 'followup.contact_recorded.v1' AND sealed IS NOT NULL"
    assert world.rows(kept)[0][0] == 1
