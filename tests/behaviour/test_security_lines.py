"""The eighteen lines that the service is held to (OWASP ASVS 5.0 level 2, level 3 where said), each with its tests.

A line whose subject is only partly there says what is open, and why; SECURITY.md says the same to its readers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
B, U, WIRED = "tests/behaviour/test_", "tests/unit/", "tests/integration/test_"


@dataclass(frozen=True)
class Line:
    """What is promised, the tests that show it (`file.py::name`), and what of it is still open."""

    promise: str
    tests: Sequence[str]
    open: str = ""


LINES = {
    1: Line("each field sealed in its place; a swapped ciphertext does not open", (
        f"{U}ledger/store/test_crypto.py::test_a_sealed_text_opens_in_its_place_only",
        f"{U}ledger/store/test_crypto.py::test_another_row_s_key_does_not_open_it",
        f"{U}ledger/store/test_crypto.py::test_one_bit_is_enough",
    )),
    2: Line("a key per row under a ring that turns; a destroyed key erases; a missing one stops the start", (
        f"{U}ledger/store/test_crypto.py::test_after_a_rotation_the_newest_wraps_and_the_old_still_opens",
        f"{B}keys_turn.py::test_after_a_rotation_every_row_is_wrapped_anew_and_the_old_key_may_go",
        f"{B}keys_turn.py::test_nothing_starts_without_a_key_that_the_ledger_needs",
        f"{B}keys_turn.py::test_a_case_whose_key_was_destroyed_can_be_read_by_nobody_and_the_others_still_can",
        f"{B}a_case_is_erased.py::test_nothing_of_it_can_be_read_or_found_any_more_and_what_counts_stays",
        f"{U}services/test_settings.py::test_a_ledger_without_its_secrets_is_not_given_new_ones",
    ), "the restore rehearsal is a page for people, no test"),
    3: Line("planted names, phones, accounts and notes stand in no database, log, event or text", (
        f"{B}nothing_personal_is_readable.py::test_not_in_the_database_the_logs_or_the_events",
        f"{B}nothing_personal_is_readable.py::test_not_in_what_a_broker_is_given",
        f"{B}nothing_personal_is_readable.py::test_the_search_itself_can_find_something",
        f"{B}texts_name_nobody.py::test_no_text_names_the_victim_or_an_account_or_carries_a_link",
        f"{B}door_answers.py::test_the_metrics_can_be_read_and_name_nobody",
    )),
    4: Line("look-ups by a keyed digest; none on notes", (
        f"{U}ledger/store/test_crypto.py::test_the_blind_index_finds_equals_of_one_kind_under_one_key",
        f"{B}kept_from_others.py::test_only_what_is_looked_up_has_a_blind_index_and_no_note_has_one",
    )),
    5: Line("who may see which field of what", (
        f"{B}the_matrix_of_roles.py::test_a_role_reads_its_own_fields_and_no_others",
        f"{B}the_matrix_of_roles.py::test_rows_of_others_are_nowhere",
        f"{B}the_matrix_of_roles.py::test_the_api_shows_whoever_has_the_link_states_and_times_and_no_more",
        f"{B}the_matrix_of_roles.py::test_the_api_takes_a_report_and_reads_none_of_it_back",
        f"{B}door_staff.py::test_get_pages_by_role",
        f"{B}door_staff.py::test_deeds_by_role",
        f"{B}uploads_are_clean.py::test_another_ones_screenshot_is_not_found",
        f"{B}the_matrix_of_roles.py::test_the_exported_ledger_has_the_fields_and_rows_of_its_asker_and_no_phone_or_account",
        f"{B}an_export_needs_two.py::test_nobody_signs_for_themselves_under_whichever_account",
        f"{B}what_an_exported_ledger_holds.py::test_whose_a_record_is_is_asked_when_the_file_is_made",
        f"{B}two_numbers.py::test_a_leader_sees_the_own_college_s_row_alone",
        f"{B}reviews_come_after_the_emergency.py::test_only_the_office_reads_and_writes_it_and_each_reading_is_logged",
    )),
    6: Line("tokens of 128 bits or more, derived or kept as digests", (
        f"{U}ledger/store/test_crypto.py::test_a_token_is_of_its_row_and_purpose_and_long_enough",
        f"{B}status_link.py::test_the_token_is_not_in_the_ledger",
        f"{B}kept_from_others.py::test_tokens_and_passwords_are_kept_as_digests_only",
        f"{B}kept_from_others.py::test_a_remembered_phone_s_token_is_long_and_stands_nowhere",
        f"{B}invitations_and_remembered_phones.py::test_looking_at_an_invitation_changes_nothing_and_the_ledger_holds_no_link",
        f"{B}reopening_by_a_texted_code.py::test_five_wrong_tries_spoil_it",
    )),
    7: Line("a GET changes nothing", (
        f"{B}door_staff.py::test_a_get_of_any_page_by_anybody_changes_nothing_but_the_access_log",
        f"{B}reopening_by_a_texted_code.py::test_a_get_changes_nothing",
    ), "every address once by every role, not a thousand times; not with a picture that exists"),
    8: Line("argon2id, a second factor, sessions that end with their person", (
        f"{B}kept_from_others.py::test_tokens_and_passwords_are_kept_as_digests_only",
        f"{B}door_signing_in.py::test_each_wrong_one_is_refused_with_the_same_words",
        f"{B}door_signing_in.py::test_a_code_works_once_and_for_one_step_of_drift",
        f"{B}door_signing_in.py::test_five_failures_lock_for_five_minutes_by_the_clock",
        f"{B}door_signing_in.py::test_a_session_ends_at_once",
        f"{B}invitations_and_remembered_phones.py::test_a_remembered_phone_is_forgotten",
    )),
    9: Line("a token on every unsafe route of the staff's; callbacks by their signature", (
        f"{B}kept_from_others.py::test_every_unsafe_route_of_the_staff_s_wants_its_token",
        f"{B}door_staff.py::test_without_a_csrf_token_nothing_is_done",
        f"{B}kept_from_others.py::test_a_callback_without_its_header_is_403_on_every_route",
        f"{B}door_callbacks.py::test_without_a_right_signature_it_is_403",
        f"{B}door_callbacks.py::test_the_signature_covers_body_query_and_address",
    )),
    10: Line("no inline code, nothing cached, cookies for https only", (
        f"{B}door_answers.py::test_every_answer_carries_the_headers",
        f"{B}door_answers.py::test_no_page_has_code_or_style_of_its_own",
        f"{B}kept_from_others.py::test_no_template_has_code_or_style_of_its_own",
        f"{B}door_signing_in.py::test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http",
        f"{B}kept_from_others.py::test_over_https_every_cookie_is_kept_from_plain_http_and_from_scripts",
    )),
    11: Line("pictures within bounds, encoded anew, as attachments", (
        f"{B}uploads_are_clean.py::test_staff_get_a_small_jpeg_without_its_history_as_an_attachment_and_the_reading_is_logged",
        f"{B}uploads_are_clean.py::test_what_is_no_picture_is_refused_in_both_languages_and_loses_nothing",
        f"{B}bad_input_uploads.py::test_bombs_are_refused_without_being_unpacked",
        f"{B}bad_input_uploads.py::test_a_polyglot_loses_everything_but_its_picture",
    )),
    12: Line("limits are the ledger's, bundle and never refuse; forged addresses count for nothing", (
        f"{B}floods_are_bundled.py::test_a_known_student_in_the_middle_of_a_flood_is_told_singly_and_at_once",
        f"{B}floods_are_bundled.py::test_no_code_of_a_great_flood_is_left_out",
        f"{B}two_reports_of_one_fraud.py::test_a_flood_of_one_fraud_costs_each_report_no_more_than_the_first_few",
        f"{B}few_tries_from_one_address.py::test_guessing_ends_for_a_while_and_says_for_how_long",
        f"{B}few_tries_from_one_address.py::test_neither_a_report_nor_signing_in_rightly_counts",
        f"{B}door_answers.py::test_only_trusted_proxies_are_believed",
        f"{B}kept_from_others.py::test_a_forged_address_neither_refuses_nor_lifts_a_limit",
    )),
    13: Line("texts to the roster and the reporter's own number, within budgets", (
        f"{B}kept_from_others.py::test_texts_go_to_the_roster_and_to_the_reporter_s_own_number_only",
        f"{B}floods_are_bundled.py::test_a_budget_is_a_day_s",
        f"{B}reopening_by_a_texted_code.py::test_three_texts_an_hour",
    ), "no list of allowed countries and no daily cap over all reporters: each premium number in a flood costs a text"),
    14: Line("readings and refusals are logged without content", (
        f"{B}door_staff.py::test_readings_and_refusals_are_logged_without_content",
        f"{B}an_export_needs_two.py::test_each_record_is_noted_as_read_before_the_file_goes_and_nothing_else_is_changed",
        f"{B}tampering_shows.py::test_it_is_found",
    ), "the sheet's other forms and the care pages go through the same call, without a test of their own"),
    15: Line("personal information law: notice, consent, withdrawal, export, erasure, retention", (
        f"{B}poster_card_and_notice.py::test_every_page_of_a_student_leads_to_the_notice",
        f"{B}withdrawing_is_a_request.py::test_it_is_noted_once_and_alerts_go_on",
        f"{B}a_case_is_erased.py::test_it_is_refused_in_both_languages_while_somebody_may_need_it",
        f"{B}what_is_over_long_enough_is_due.py::test_what_is_over_for_long_enough_is_listed_and_erased_only_when_told",
    ), "export of one's own data and consent per purpose are not built; retention runs when the operator says so"),
    16: Line("the start refuses debug mode, known secrets, a guest at a remote broker, a database that may forget", (
        f"{U}services/test_settings.py::test_debugging_is_refused",
        f"{U}services/test_settings.py::test_a_weak_key_is_refused",
        f"{U}services/test_settings.py::test_a_wrong_value_is_named_with_its_shape_and_an_example",
        f"{WIRED}doctor_and_drill.py::test_a_database_that_may_forget_is_named_and_no_process_starts_on_it",
    )),
    17: Line("an error says nothing of the inside", (
        f"{B}door_answers.py::test_an_error_page_says_nothing_of_the_inside_and_a_log_line_no_message",
        f"{B}door_api.py::test_an_error_says_nothing_of_the_inside",
        f"{B}door_answers.py::test_a_host_that_is_none_is_no_reason_to_fail",
        "tests/fuzz/test_fuzz.py::test_no_input_breaks_a_promise",
    )),
    18: Line("schemathesis, Hypothesis, bandit and an audit of dependencies with every run", (
        f"{B}door_specification.py::test_every_answer_is_one_that_is_described",
        f"{B}door_specification.py::test_links_lead_from_a_report_to_its_status",
        f"{U}test_every_parser.py::test_no_text_breaks_a_parser",
        f"{U}test_gates.py::test_gate",
        f"{WIRED}dependency_audit.py::test_no_pinned_dependency_has_a_known_hole",
        f"{WIRED}dependency_audit.py::test_a_hole_and_a_skipped_package_are_faults",
    ), "the audit is skipped where PyPI's vulnerability service cannot be asked"),
}  # fmt: skip


@cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / file
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_there_are_eighteen() -> None:
    assert list(LINES) == list(range(1, 19))


@pytest.mark.parametrize("number", LINES)
def test_each_has_tests_that_exist(number: int) -> None:
    line = LINES[number]
    missing = [name for name in line.tests if name.partition("::")[2] not in names_in(name.partition("::")[0])]
    assert line.tests and not missing


def test_the_page_names_only_tests_that_exist_and_every_line_that_is_open() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    files = re.findall(r"`(tests/[\w/]+\.py)`", page)
    assert len(named) + len(files) >= 15
    assert [f"{file}::{name}" for file, name in named if name not in names_in(file)] == []
    assert [file for file in files if not (ROOT / file).is_file()] == []
    still_open = page.split("## What is open")[1].split("\n## ")[0]
    assert {int(number) for number in re.findall(r"^- (\d+):", still_open, re.MULTILINE)} == {
        number for number, line in LINES.items() if line.open
    }
