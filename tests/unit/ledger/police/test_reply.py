"""What officers really type back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import fold
from ledger.police.reply import Reply, read


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("K7M3P", ("K7M3P",)),
        ("k7m3p", ("K7M3P",)),
        ("Ｋ７Ｍ３Ｐ", ("K7M3P",)),
        ("收到K7M3P", ("K7M3P",)),
        ("k7m3p 收到。", ("K7M3P",)),
        ("K7M3P接单了", ("K7M3P",)),
        ("【K7M3P】", ("K7M3P",)),
        ("“K7M3P”，马上到", ("K7M3P",)),
        ("ok K7M3P", ("K7M3P",)),
        ("OKK7M3P", ("KK7M3", "K7M3P")),
        ("K7 M3P", ("K7M3P",)),
        ("k7-m3p", ("K7M3P",)),
        ("K\u200b7M3P", ("K7M3P",)),
        ("K7M3P、Q8W4C", ("K7M3P", "Q8W4C")),
        ("K7M3P k7m3p", ("K7M3P",)),
        ("YA52P", ("YA52P",)),
        ("ZA52P", ("ZA52P",)),
        ("57M3P", ("57M3P",)),
        ("27M3P", ("27M3P",)),
        ("87M3P", ("87M3P",)),
        ("KMPQS", ("KMPQS",)),
        ("happy", ("HAPPY",)),
        ("37M3P", ()),
        ("K7M3", ()),
        ("K7M30", ()),
        ("25678", ()),
        ("13800000001", ()),
        ("please call me back", ()),
        ("", ()),
    ],
)
def test_codes(body: str, codes: tuple[str, ...]) -> None:
    said = read(body)
    assert (said.codes, said.bare, said.refused) == (codes, False, False)


PLAIN = """
K7M3P|收到 k7m3p、Q8W4C，谢谢|Ｋ７Ｍ３Ｐ 👌|ok Q8W4C K7M3P!|K7M3P和Q8W4C收到|K7M3P、Q8W4C都收到|收到K7M3P，Q8W4C接单了
1.K7M3P 2.Q8W4C|K7M3P and Q8W4C, ok|K7 M3P 收到
"""
OTHER_WORDS = """
K7M3P马上就办|K7M3P已办，Q8W4C谁去|K7M3P在开会|HAPPY to do K7M3P|收到|K7M3P、Q8W4C？|K7M3P Q8W4C❌|K7M3P还是Q8W4C
"""
# What officers and counselors who cannot come text back, or what leaves it open: asked once more, nothing is lost.
REFUSED = """
K7M3P我在开会，找别人|去不了K7M3P|K7M3P 没空|can't do K7M3P|K7M3P: busy, ask someone else|K7M3P NO|K7M3P不
K7M3P 拒绝|K7M3P不行|K7M3P我下班了|K7M3P不当班|K7M3P我在出差|K7M3P我在外地|K7M3P不是我|K7M3P不去|K7M3P转给老王
K7M3P off duty|K7M3P not available|K7M3P 不方便|K7M3P现在不方便|K7M3P不能去|K7M3P无法处理|K7M3P没办法
K7M3P请假了|K7M3P今天不在|K7M3P不接了|抱歉，不行 K7M3P|K7M3P 不行，在路上没空|K7M3P 在休息|K7M3P 人在外地
K7M3P no thanks|sorry no K7M3P|K7M3P on leave|K7M3P cannot|K7M3P unable to attend|K7 M3P can't come
K7 M3P not on duty|busy K7 M3P|Sorry K7 M3P busy|K7M3P收到，但是没空|K7M3P 有事来不了|有急事去不了K7M3P
K7M3P我可能去不了|K7M3P手头有案子走不开|K7M3P我这边走不开|K7M3P这边没空|K7M3P我真没空|K7M3P我现在手上很忙
K7M3P我下午开会|K7M3P正好在开会|K7M3P今晚不值班|K7M3P今晚不是我值班|K7M3P我明天休息|K7M3P我在外面出差
K7M3P这个我处理不了|K7M3P该案不归我|K7M3P❌|K7M3P 🙅|K7M3P太忙，换人吧|K7M3P I cannot come|K7M3P请别人接
K7M3P 有其他任务来不了|K7M3P 正在处理其他警情走不开|K7M3P 请找其他人我没空|K7M3P 请联系其他老师我在外地
K7M3P 陪学生在医院走不开|K7M3P 正在给学生开会|K7M3P 带学生出差|K7M3P 我现在接电话不方便|K7M3P 没有时间
K7M3P 抽不出身|K7M3P 赶不过来|K7M3P 我没值班|K7M3P 调休|K7M3P 病假|K7M3P 拒接|K7M3P 发错人了
K7M3P 让其他人处理|K7M3P 这学生不是我的|K7M3P I won't|K7M3P not able to come|K7M3P no time
K7M3P I'm in a meeting|K7M3P on vacation|K7M3P wrong person|K7M3P OK but I'm busy|收到K7M3P，我在开会
K7M3P我来不了|K7M3P我来不及|K7M3P我接不了|K7M3P马上下班|K7M3P收到，在忙|K7M3P，无法接通
K7M3P have not met the student yet
"""
NOT_REFUSED = """
K7M3P没问题|不客气，K7M3P我来|别急，K7M3P马上去|BUSY5|no problem K7M3P|No. K7M3P
K7M3P 收到，电话无法接通，正在联系|K7M3P收到，学生不接电话|K7M3P我来，告诉学生不能再转
K7M3P收到，不了解情况，先打电话|K7M3P on it, coming from canteen|K7M3P我接，学生不在宿舍|K7M3P收到，学生在外地
K7M3P收到，can't reach the student yet|K7M3P收到，转给骗子多少|收到K7M3P 银行下班了|收到K7M3P 事主拒绝接电话
收到K7M3P 钱已转给了对方|K7M3P 收到，学生手机在忙线|K7M3P收到 我不在现场 马上到|K7M3P 学生没空，我去找
收到K7M3P，不能让他转账|K7M3P拒绝转账了,已联系|K7M3P收到，不在家，我去学校找他|K7M3P收到,已转给银行
K7M3P 收到，该生在外地实习，我电话联系|K7M3P 该生请假在家，马上联系|K7M3P 收到，王老师在外地，我去
K7M3P 小王休假，我接|K7M3P 张警官出差，我来|K7M3P 辅导员在开会，我来处理|K7M3P 收到，刚在开会，马上联系
K7M3P 刚下班，马上回来处理|K7M3P 收到，没时间了，马上止付|K7M3P 收到，不行我过去
K7M3P 收到，无法止付，钱已转走|K7M3P On it, student is busy in class|K7M3P OK, student cannot talk now
K7M3P I'll go, Wang is off duty
"""


def each(table: str) -> list[str]:
    return table.strip().replace("\n", "|").split("|")


@pytest.mark.parametrize("body", each(PLAIN))
def test_codes_and_a_yes_are_plain(body: str) -> None:
    assert read(body).plain


@pytest.mark.parametrize("body", each(OTHER_WORDS))
def test_other_words_are_not(body: str) -> None:
    assert not read(body).plain


@pytest.mark.parametrize("body", each(REFUSED))
def test_who_cannot_refuses(body: str) -> None:
    said = read(body)
    assert said.codes and said.refused and not said.plain


@pytest.mark.parametrize("body", each(NOT_REFUSED))
def test_these_refuse_nothing(body: str) -> None:
    said = read(body)
    assert said.codes and not said.refused


@pytest.mark.parametrize(
    "body",
    [
        "收到",
        "收到。",
        " 收到！",
        "OK",
        "ok。",
        "Ｏｋ",
        "好",
        "好的",
        "1",
        "１",
        "已收到",
        "好的，收到",
        "收到 谢谢",
        "👌",
        "👍🏻",
        "是的！",
    ],
)
def test_bare_yes(body: str) -> None:
    assert read(body) == Reply((), bare=True)


@pytest.mark.parametrize("body", ["", "。", "不", "没收到", "收到，但我不在", "谢谢", "2", "什么事？", "STOP", "换人"])
def test_no_yes(body: str) -> None:
    said = read(body)
    assert (said.codes, said.bare) == ((), False)


@given(st.text(), st.text())
def test_anything_can_be_read(before: str, after: str) -> None:
    reply = read(f"{before} 收到K7M3P。{after}"[:1000])
    assert not (reply.codes and reply.bare)
    for code in reply.codes:
        assert len(code) == 5
        assert fold(fold(code)) == fold(code)


@given(st.text(alphabet="，。！ 收到好的请马上", max_size=20))
def test_a_code_among_chinese_words_is_found(words: str) -> None:
    assert read(f"{words}K7M3P{words}").codes == ("K7M3P",)
