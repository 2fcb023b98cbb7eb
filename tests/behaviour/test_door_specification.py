"""The API is as /openapi.json says: schemathesis makes requests from it, valid and invalid, and checks each answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, positive_data_acceptance

from tests.behaviour.door_tools import cases, shared_world
from tests.world import World

BOUNDED = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# A phone and an amount that can be read are more than a schema can say, so the requests that must be taken say it.
PHONE = {"type": "string", "pattern": "^1[3-9][0-9]{9}$"}
AMOUNT = {"type": "string", "pattern": "^[1-9][0-9]{0,6}$"}


@pytest.fixture(scope="module", params=["sqlite"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


def described(world: World, *, readable: bool = False) -> Any:
    """The specification as the application serves it; `readable`: with phones and amounts that can be read."""
    app = world.client.application
    if not readable:
        return schemathesis.openapi.from_wsgi("/openapi.json", app)

    def narrowed(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/openapi.json":
            return app(environ, start_response)
        document = world.client.get("/openapi.json").get_json()
        report = document["components"]["schemas"]["Report"]
        report["properties"]["reporter"]["properties"]["phone"] = PHONE
        taken = {"type": "object", "required": ["amount"], "properties": {"amount": AMOUNT}}
        report["properties"]["transfers"] = {"type": "array", "items": taken, "minItems": 1, "maxItems": 3}
        report["required"] = ["reporter", "transfers"]
        report.pop("if"), report.pop("else")
        document["paths"]["/api/v1/reports"]["post"].pop("parameters")  # a key that came before is rightly refused
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(document).encode()]

    made = schemathesis.openapi.from_wsgi("/openapi.json", narrowed)
    # It is stricter than the door, which takes a report for one readable transfer: what breaks it need not be refused.
    made.config.generation.update(modes=[GenerationMode.POSITIVE])
    return made


@pytest.mark.parametrize("operation, mode", [
    ("takeReport", GenerationMode.POSITIVE),
    ("takeReport", GenerationMode.NEGATIVE),
    ("reportStatus", GenerationMode.POSITIVE),  # any text may be a token, so none is invalid
])  # fmt: skip
def test_every_answer_is_one_that_is_described(door: World, operation: str, mode: GenerationMode) -> None:
    strategy = described(door).find_operation_by_id(operation).as_strategy(generation_mode=mode)

    @seed(110)
    @BOUNDED
    @given(case=strategy)
    def holds(case: Any) -> None:
        before = cases(door)
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        assert cases(door) == before + (answer.status_code == 201)

    load_all_checks()
    holds()


def test_every_valid_report_is_taken_and_its_link_leads_to_its_status(door: World) -> None:
    document = described(door, readable=True)
    take, status = (document.find_operation_by_id(name) for name in ("takeReport", "reportStatus"))
    link = door.client.get("/openapi.json").get_json()["paths"]["/api/v1/reports"]["post"]["responses"]["201"]["links"]
    assert link["status"] == {"operationId": "reportStatus", "parameters": {"token": "$response.body#/token"}}

    @seed(110)
    @BOUNDED
    @given(case=take.as_strategy())
    def holds(case: Any) -> None:
        answer = case.call_and_validate()
        assert answer.status_code in (200, 201)
        made = answer.json()
        shown = status.Case(path_parameters={"token": made["token"]}).call_and_validate()
        assert (shown.status_code, shown.json()["case"]) == (200, made["case"])

    load_all_checks()
    holds()


def test_links_lead_from_a_report_to_its_status(door: World) -> None:
    """schemathesis walks the links by itself, several steps a walk, and checks each answer on the way."""
    walked: Counter[tuple[str, int]] = Counter()
    machine: Any = described(door, readable=True).as_state_machine()

    class Walk(machine):  # type: ignore[misc]
        def after_call(self, response: Any, case: Any) -> None:
            walked[case.operation.label, response.status_code] += 1

    load_all_checks()
    Walk.run(settings=settings(BOUNDED, max_examples=30, stateful_step_count=6))
    assert walked["POST /api/v1/reports", 201] >= 20
    assert walked["GET /api/v1/reports/{token}", 200] >= 20
    assert all(status < 500 for _, status in walked)  # on the way it also sends what the description forbids
