"""However many strangers report, a student whom the school knows stands first, rings, and is told apart."""

from __future__ import annotations

from ledger.pages import board
from tests.behaviour.stories import SQLITE, read_all
from tests.world import World, another_fraud

pytestmark = SQLITE


def flooded(world: World, strangers: int) -> str:
    """So many reports from unknown numbers, and then one of a known student."""
    for _ in range(strangers):
        world.report(**another_fraud(), student_no="", name="")
    known = world.report()
    world.pump()
    read_all(world)
    return known.code


def test_on_the_board_and_in_the_duty_list_the_known_student_stands_first(world: World) -> None:
    code = flooded(world, board.SHOWN + 1)
    desk = world.user("desk", "security")
    page = desk.get("/desk/board").text
    assert page.index(f'id="wait-{code}"') == page.index('id="wait-')
    assert 'data-ring="more-2"' in page  # those not listed ring as well
    assert "未核实" in page[page.index("wait-", page.index(code) + 400) :]
    listed = desk.get("/duty").text
    assert listed.index(f'id="case-{code}"') == listed.index('id="case-')
    assert "未核实" in listed


def test_the_case_page_says_how_sure_it_is_who_this_is(world: World) -> None:
    stranger = world.report(**another_fraud(), student_no="", name="")
    presumed = world.report(phone="13800000002", student_no="", name="", payee_account="6217000000001", amount="5.00")
    world.pump()
    read_all(world)
    desk = world.user("desk", "security")
    assert "未核实" in desk.get(f"/duty/{stranger.code}").text
    assert "推测" in desk.get(f"/duty/{presumed.code}").text


def test_a_student_who_is_not_safe_stands_first_on_the_counselor_s_list(world: World) -> None:
    for n in range(2, 6):
        world.report(
            phone=f"1380000000{n}", student_no=f"202601010{n}", payee_account=f"62170000000{n}", amount=f"{n}.00"
        )
    last = world.report(payee_account="62170000009", amount="9.00")
    world.client.post(f"/r/{last.token}/unsafe")
    world.pump()
    read_all(world)
    counselor = world.user("murong", "counselor", world.phones["counselor"].number)
    page = counselor.get("/desk/followups").text
    assert "不安全" in page and "请马上致电" in page
    assert page.index(last.code) == min(page.index(row.code) for row in world.rows("SELECT code FROM cases"))


def test_other_currencies_are_not_added_up_with_yuan(world: World) -> None:
    transfers = [
        {"amount": "100.00", "channel": "bank"},
        {"amount": "7000000.00", "currency": "USD", "channel": "bank"},
    ]
    report = world.report(transfers=transfers)
    world.phones["officer"].expects("银行卡100元等2笔")
    read_all(world)
    desk = world.user("desk", "security")
    for path in ("/duty", "/desk/board"):
        assert "100" in desk.get(path).text and "7,000" not in desk.get(path).text
    assert "7,000,000" in desk.get(f"/duty/{report.code}").text
