"""Sealing binds a value to its place; the ring wraps the keys; equal values can be found without being readable."""

import secrets
from uuid import uuid4

import pytest

from ledger.crypto import Keys
from ledger.errors import KeyMissing, Tampered

OLD, NEW, INDEX = (secrets.token_bytes(32) for _ in range(3))


def keys(**ring: bytes) -> Keys:
    return Keys(ring or {"k1": OLD}, INDEX)


def test_a_sealed_value_opens_in_its_place_only() -> None:
    row, other = uuid4(), uuid4()
    key, _ = keys().new_row_key(row)
    sealed = key.seal("cases", row, "phone", "+8613800000001")
    assert key.open("cases", row, "phone", sealed) == "+8613800000001"
    for place in (("cases", row, "name"), ("cases", other, "phone"), ("people", row, "phone")):
        with pytest.raises(Tampered):
            key.open(*place, sealed)


@pytest.mark.parametrize("at", [0, 5, 12, -1])
def test_one_changed_byte_does_not_open(at: int) -> None:
    row = uuid4()
    key, _ = keys().new_row_key(row)
    sealed = bytearray(key.seal("cases", row, "name", "某人") or b"")
    sealed[at] ^= 1
    with pytest.raises(Tampered):
        key.open("cases", row, "name", bytes(sealed))


def test_the_same_value_never_looks_the_same_twice() -> None:
    row = uuid4()
    key, _ = keys().new_row_key(row)
    assert key.seal("cases", row, "name", "某人") != key.seal("cases", row, "name", "某人")


def test_nothing_stays_nothing() -> None:
    row = uuid4()
    key, _ = keys().new_row_key(row)
    assert key.seal("cases", row, "name", None) is None
    assert key.open("cases", row, "name", None) is None
    assert keys().blind("phone", None) is keys().blind("phone", "") is None


def test_a_new_key_in_front_of_the_ring_leaves_old_rows_readable() -> None:
    row = uuid4()
    _, wrapped = keys(k1=OLD).new_row_key(row)
    rotated = keys(k2=NEW, k1=OLD)
    assert rotated.unwrap(row, wrapped).secret == keys(k1=OLD).unwrap(row, wrapped).secret
    assert rotated.new_row_key(row)[1].startswith(b"k2:")


def test_a_ring_without_the_key_says_which_one_is_missing() -> None:
    row = uuid4()
    _, wrapped = keys(k1=OLD).new_row_key(row)
    with pytest.raises(KeyMissing, match="k1"):
        keys(k2=NEW).unwrap(row, wrapped)


def test_a_wrapped_key_opens_for_its_own_row_only() -> None:
    row = uuid4()
    _, wrapped = keys().new_row_key(row)
    with pytest.raises(Tampered):
        keys().unwrap(uuid4(), wrapped)


def test_the_blind_index_tells_equal_from_different_and_one_field_from_another() -> None:
    blind = keys().blind
    assert blind("phone", "+8613800000001") == blind("phone", "+8613800000001")
    assert blind("phone", "+8613800000001") != blind("phone", "+8613800000002")
    assert blind("phone", "1") != blind("account", "1")
    assert Keys({"k1": OLD}, NEW).blind("phone", "1") != blind("phone", "1")


def test_a_token_is_the_same_at_every_call_and_long_enough() -> None:
    key, _ = keys().new_row_key(uuid4())
    assert key.token("status") == key.token("status") != key.token("other")
    assert len(key.token("status")) * 6 >= 128


@pytest.mark.parametrize("ring", ["", "k1", "k1:!!", "k1:QUJD"])
def test_a_ring_that_is_not_well_formed_is_refused(ring: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # which of them is for the settings to say
        Keys.parse(ring, "QUFB" * 10 + "QUE=")
