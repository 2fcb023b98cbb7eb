"""A text tells what to do, and nothing of the victim: no name, number, account, words, and no link."""

from tests.world import World

TOLD = {
    "name": "金丝雀甲",
    "payee_name": "金丝雀乙",
    "payee_account": "6217009999888877771",
    "narrative": "金丝雀的案件经过很长",
    "victim_phone": "13911112222",
}


def test_no_text_names_the_victim_or_an_account_or_carries_a_link(world: World) -> None:
    report = world.report(phone="13988887777", **TOLD)
    world.phones["officer"].expects(report.code).replies().expects("由您接单")
    for phone in [world.phones["counselor"], world.phones.add("reporter", "+8613988887777")]:
        phone.expects(report.code)
    texts = "\n".join(text.body for text in world.double.outbound())
    assert "紧急止付" in texts
    assert [said for said in (*TOLD.values(), "13988887777", "http", "www", "://") if said in texts] == []
