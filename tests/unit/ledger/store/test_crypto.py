"""Sealing: what is moved, changed or sealed with a key that is gone does not open; keys turn and nothing is lost."""

import base64
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import KeyMissing, Tampered
from ledger.store.crypto import Keys

OLD, NEW, INDEX = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
KEYS = Keys({"k1": OLD}, INDEX)


def test_a_sealed_text_opens_in_its_place_only() -> None:
    row, other = uuid4(), uuid4()
    key, _ = KEYS.new_row_key(row)
    sealed = key.seal("cases", row, "phone", "+8613800000001")
    assert key.open("cases", row, "phone", sealed) == "+8613800000001"
    for place in (("cases", row, "name"), ("cases", other, "phone"), ("transfers", row, "phone")):
        with pytest.raises(Tampered):
            key.open(*place, sealed)


def test_another_row_s_key_does_not_open_it() -> None:
    row = uuid4()
    (key, _), (other, _) = KEYS.new_row_key(row), KEYS.new_row_key(row)
    with pytest.raises(Tampered):
        other.open("cases", row, "phone", key.seal("cases", row, "phone", "x"))


@given(st.text(max_size=50), st.integers(min_value=0), st.integers(0, 7))
def test_one_bit_is_enough(text: str, at: int, bit: int) -> None:
    row = uuid4()
    key, _ = KEYS.new_row_key(row)
    sealed = bytearray(key.seal("cases", row, "narrative", text) or b"")
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(Tampered):
        key.open("cases", row, "narrative", bytes(sealed))


def test_the_same_text_is_sealed_differently_each_time() -> None:
    row = uuid4()
    key, _ = KEYS.new_row_key(row)
    assert key.seal("cases", row, "phone", "x") != key.seal("cases", row, "phone", "x")


def test_nothing_stays_nothing() -> None:
    row = uuid4()
    key, _ = KEYS.new_row_key(row)
    assert key.seal("cases", row, "phone", None) is None
    assert key.open("cases", row, "phone", None) is None
    assert KEYS.blind("phone", None) is KEYS.blind("phone", "") is None


def test_a_wrapped_key_belongs_to_its_row() -> None:
    row = uuid4()
    key, wrapped = KEYS.new_row_key(row)
    assert KEYS.unwrap(row, wrapped) == key
    with pytest.raises(Tampered):
        KEYS.unwrap(uuid4(), wrapped)


def test_a_key_that_is_not_in_the_ring_is_named() -> None:
    row = uuid4()
    _, wrapped = KEYS.new_row_key(row)
    with pytest.raises(KeyMissing, match="'k1'") as missing:
        Keys({"k2": NEW}, INDEX).unwrap(row, wrapped)
    assert missing.value.key == "k1"


@pytest.mark.parametrize("spoiled", [b"", b"k2", bytes(60)])
def test_what_names_no_key_is_not_taken_for_another_ring_s(spoiled: bytes) -> None:
    with pytest.raises(KeyMissing) as missing:
        KEYS.unwrap(uuid4(), spoiled)
    assert missing.value.key == ""


@pytest.mark.parametrize("spoiled", [b"", b"k1", b"k1:", b"k1:short", b"\xff:" + bytes(60), bytes(60)])
def test_a_spoiled_row_key_is_one_of_two_errors(spoiled: bytes) -> None:
    """Whoever reads rows one by one leaves out those that raise these, and would stumble over any other."""
    with pytest.raises((Tampered, KeyMissing)):
        KEYS.unwrap(uuid4(), spoiled)


@pytest.mark.parametrize("sealed", [b"", b"\x00", bytes(7), bytes(12), bytes(27)])
def test_what_is_too_short_to_be_sealed_does_not_open(sealed: bytes) -> None:
    row = uuid4()
    key, _ = KEYS.new_row_key(row)
    with pytest.raises(Tampered):
        key.open("cases", row, "phone", sealed)


def test_an_erased_row_key_opens_nothing() -> None:
    with pytest.raises(KeyMissing):
        KEYS.unwrap(uuid4(), b"")


def test_after_a_rotation_the_newest_wraps_and_the_old_still_opens() -> None:
    row, later = uuid4(), uuid4()
    key, wrapped = KEYS.new_row_key(row)
    turned = Keys({"k2": NEW, "k1": OLD}, INDEX)
    assert turned.unwrap(row, wrapped) == key
    _, fresh = turned.new_row_key(later)
    assert fresh.startswith(b"k2:")
    with pytest.raises(KeyMissing):
        KEYS.unwrap(later, fresh)


def test_the_ring_is_read_newest_first() -> None:
    spelled = ", ".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in (("k2", NEW), ("k1", OLD)))
    parsed = Keys.parse(spelled, base64.b64encode(INDEX).decode())
    assert parsed.new_row_key(uuid4())[1].startswith(b"k2:")


@pytest.mark.parametrize(
    ("ring", "index"),
    [({}, INDEX), ({"k1": OLD[:31]}, INDEX), ({"k1": OLD, "k2": b""}, INDEX), ({"k1": OLD}, b"short")],
)
def test_keys_of_another_length_are_refused(ring: dict[str, bytes], index: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(ring, index)


def test_the_blind_index_finds_equals_of_one_kind_under_one_key() -> None:
    number = KEYS.blind("phone", "+8613800000001")
    assert number == Keys({"k9": NEW}, INDEX).blind("phone", "+8613800000001")  # the ring does not matter
    assert number != KEYS.blind("account", "+8613800000001")
    assert number != Keys({"k1": OLD}, NEW).blind("phone", "+8613800000001")


def test_a_token_is_of_its_row_and_purpose_and_long_enough() -> None:
    key, _ = KEYS.new_row_key(uuid4())
    other, _ = KEYS.new_row_key(uuid4())
    assert key.token("status") == key.token("status")
    assert len({key.token("status"), key.token("other"), other.token("status")}) == 3
    assert len(base64.urlsafe_b64decode(key.token("status"))) * 8 >= 128


def test_the_chain_depends_on_every_part_and_on_a_key_outside_the_database() -> None:
    heads = {KEYS.chain(b"", b"a"), KEYS.chain(b"a", b""), KEYS.chain(b"", b"b"), KEYS.chain(b"x", b"a")}
    assert KEYS.chain(b"", b"a") != Keys({"k1": OLD}, NEW).chain(b"", b"a")
    assert len(heads) >= 3
