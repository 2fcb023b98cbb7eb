"""A form sent again with other facts: the officer sees both, and the student reads the newest to 110."""

from tests.behaviour.stories import read_all, taken
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


def test_who_does_not_know_any_more_corrects_nothing(world: World) -> None:
    """The form again, with 不知道 where an account was: the account is read to 110, and nobody is told of another."""
    client = world.client
    first = client.post("/report", data=FORM)
    alert = world.phones["officer"].expects("3800元")
    for name in ("counselor", "student"):
        world.phones[name].expects(alert.code)
    assert (
        client.post("/report", data={**FORM, "payee_account": "不知道", "payee_name": "无"}).location == first.location
    )
    assert "6217 0000 0000 4417" in client.get(first.location).text
    sheet = world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{alert.code}").text
    assert "未电话核实" not in sheet and "王五" in sheet


def test_a_value_that_is_set_back_counts_again(world: World) -> None:
    client, changed = world.client, {**FORM, "payee_name": "王伍", "amount": "3900"}
    first = client.post("/report", data=FORM)
    alert = world.phones["officer"].expects("3800元")
    for name in ("counselor", "student"):
        world.phones[name].expects(alert.code)
    client.post("/report", data=changed)
    world.phones["officer"].expects("有补充", "新报户名金额")
    world.advance(61)
    for _ in range(2):
        client.post("/report", data=FORM)
    world.phones["officer"].expects("有补充", "新报户名金额")
    world.phones["officer"].expects_nothing()
    script = client.get(first.location).text
    assert "王五" in script and "3,800" in script
    assert "王伍" not in script and "3,900" not in script
    officer = world.user("o", "officer", world.phones["officer"].number)
    told = officer.get(f"/duty/{alert.code}/sheet.json").get_json()["transfers"][0]
    assert told["payee_name"] == "王五"
    later = [(it["field"], it["value"]) for it in told["corrections"]]
    assert later == [("payee_name", "王伍"), ("payee_name", "王五"), ("amount", "3,900"), ("amount", "3,800")]


def test_who_adds_one_thing_takes_back_nothing_else(world: World) -> None:
    """The student would read the amount that was wrong to 110, and the bank refuses a stop by one."""
    report = taken(world)
    world.client.post(f"/r/{report.token}/more/correct", data={"page": "a", "amount": "3800"})
    world.client.post(f"/r/{report.token}/more/bank", data={"page": "b", "payer_bank": "某银行"})
    world.client.post(f"/r/{report.token}/more/time", data={"page": "c", "when": "布谷"})
    assert [it["fields"] for it in report.events("case.amended.v1")] == [["amount"], ["payer_bank"], ["unread_time"]]
    script = world.client.get(f"/r/{report.token}").text
    assert "3,800" in script and "38,600" not in script
    world.advance(120)
    read_all(world)


def test_nor_for_whom_it_was_reported(world: World) -> None:
    form = {**FORM, "for_whom": "self"}
    link = world.client.post("/report", data=form).location
    world.client.post("/report", data={**form, "for_whom": "other"})
    world.client.post(f"{link}/more/bank", data={"page": "a", "payer_bank": "某银行"})
    world.client.post("/report", data={**form, "for_whom": "other", "payee_name": "王伍"})
    query = "SELECT data FROM case_events WHERE type = 'case.amended.v1' ORDER BY seq"
    said = [str(row.data) for row in world.rows(query)]
    assert ["for_whom" in it for it in said] == [True, False, False]
    world.advance(120)
    read_all(world)


def test_what_could_not_be_read_stands_for_each_transfer(world: World) -> None:
    report = taken(world)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "t", "amount": "500"})
    for place in ("1", "2"):
        form = {"page": f"p{place}", "transfer": place, "when": "布谷"}
        assert world.client.post(f"/r/{report.token}/more/time", data=form).status_code == 303
    world.advance(120)
    read_all(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    rest = officer.get(f"/duty/{report.code}?lang=zh").text.split("<h3>后来更正")[1]
    assert "第1笔转出时间（没看懂）" in rest and "第2笔转出时间（没看懂）" in rest


def test_a_kind_of_account_that_is_set_back_counts_again(world: World) -> None:
    report = taken(world)
    for kind in ("personal", "corporate", "personal", "personal"):
        world.client.post(f"/r/{report.token}/more/bank", data={"account_kind": kind})
        world.advance(61)
    officer = world.user("o", "officer", world.phones["officer"].number)
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()["transfers"][0]
    assert told["account_kind"] == "personal"
    assert [it["value"] for it in told["corrections"]] == ["corporate", "personal"]
    read_all(world)


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


def test_each_correction_stands_once_in_the_row_of_its_transfer_with_its_own_copy_button(world: World) -> None:
    report = taken(world)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "t", "amount": "500", "payee_name": "李四"})
    for page in ("a", "b"):  # said twice
        form = {"page": page, "transfer": "2", "payee_name": "李思", "payee_account": "6217 0000 0000 4418"}
        assert world.client.post(f"/r/{report.token}/more/correct", data=form).status_code == 303
    world.client.post(f"/r/{report.token}/more/time", data={"page": "c", "transfer": "2", "when": "布谷"})
    world.advance(120)
    read_all(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    shown = officer.get(f"/duty/{report.code}?lang=zh").text
    first, second = shown.split("<h3>第1笔</h3>")[1].split("<h3>第2笔</h3>")
    second, rest = second.split("<h3>后来更正")
    assert "未电话核实" not in first and "李四" in second
    assert shown.count('data-copy="李思"') == second.count('data-copy="李思"') == 1
    assert second.count("未电话核实") == 1 and "6217 0000 0000 4418" in second  # the account filled an empty place
    assert "第2笔转出时间（没看懂）" in rest and "布谷" in rest and "李思" not in rest
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    assert [(it["field"], it["value"]) for it in told["transfers"][1]["corrections"]] == [("payee_name", "李思")]
    script = world.client.get(f"/r/{report.token}").text
    assert "李思" in script and "李四" not in script


def test_what_is_a_fact_by_now_is_no_correction(world: World) -> None:
    """A phone that is not safe, and what filled an empty place, stand in their own places."""
    client = world.client
    assert client.post("/report", data=FORM).status_code == 303
    again = {**FORM, "phone_unsafe": "1", "for_whom": "other", "victim_phone": "13800000002"}
    assert client.post("/report", data=again).status_code == 303
    read_all(world)
    [(code,)] = world.rows("SELECT code FROM cases")
    office = world.user("s", "security")
    told = office.get(f"/duty/{code}/sheet.json").get_json()["other_corrections"]
    assert {it["field"]: it["value"] for it in told} == {"victim_phone": "+8613800000002", "for_whom": "other"}
    shown = office.get(f"/duty/{code}?lang=zh").text
    rest = shown.split("<h3>后来更正")[1].split("</dl>")[0]
    assert rest.count("<dt>") == 1 and "别人" in rest
    assert shown.count("138 0000 0002") == 1
