"""Where signing in may lead."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.auth import _local

OURS = "https://stop.example.cn/login"


@pytest.mark.parametrize(
    "address", ["/", "/duty", "/duty/K7M3P?lang=en&x=1#top", "/desk/followups", "/a//b", "/%2F%2Fevil"]
)
def test_a_path_of_ours_is_kept(address: str) -> None:
    assert _local(address) == address


@pytest.mark.parametrize("address", [
    None, "", "duty", "//evil", "/\\evil", "\\/evil", "/\t//evil", "https://evil", "/x\r\nSet-Cookie: a=b", "/\x00",
    "/ evil", "/页", "/a\\..\\b",
])  # fmt: skip
def test_anything_else_is_not(address: str | None) -> None:
    assert _local(address) is None


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%\t\n\r evilhtps\u200b\x00"), max_size=12))
def test_no_address_leads_to_another_site(address: str) -> None:
    """As a browser reads it: it drops tabs and line ends, and takes a backslash for a slash."""
    if _local(address):
        read = "".join(char for char in address if char not in "\t\r\n").replace("\\", "/")
        assert urlsplit(urljoin(OURS, read)).netloc == urlsplit(OURS).netloc
