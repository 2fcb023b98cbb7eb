"""The API's description, OpenAPI 3.1, written by hand: it says what is forgiven as well as what is refused."""

from __future__ import annotations

from typing import Any

_FORGIVING = "Read forgivingly; what cannot be understood is kept as written and flagged to the officer."


def document(public_url: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stopline 止付快线",
            "version": "1",
            "description": "Reports of money just sent to a fraudster; call 110 first. 校警联络，不代替110。",
        },
        "servers": [{"url": public_url}],
        "paths": {
            "/api/v1/reports": {"post": _take()},
            "/api/v1/reports/{token}": {"get": _status()},
        },
        "components": {
            "schemas": {
                "Report": _report(),
                "Transfer": _transfer(),
                "Accepted": _ACCEPTED,
                "Status": _STATUS,
                "Problem": _PROBLEM,
            }
        },
    }


def _take() -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "The same key with the same body answers the same case (200); with another body 422. "
        "Without one, or with an empty one, every POST is a report.",
    }
    return {
        "operationId": "takeReport",
        "summary": "Report a transfer; 2xx only once it is durable",
        "parameters": [key],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Report")}}},
        "responses": {
            "201": {**_json("A new case", "Accepted"), "links": _TO_STATUS},
            "200": {**_json("The case that this key made before", "Accepted"), "links": _TO_STATUS},
            **{code: _problem(why) for code, why in _REFUSALS.items()},
        },
    }


def _status() -> dict[str, Any]:
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "operationId": "reportStatus",
        "summary": "State of a case and of its three obligations",
        "parameters": [token],
        "responses": {
            "200": _json("The case", "Status"),
            "404": _problem("No such report"),
            "410": _problem("The link has expired"),
            "503": _problem("The ledger is away; try again"),
        },
    }


_TO_STATUS = {"status": {"operationId": "reportStatus", "parameters": {"token": "$response.body#/token"}}}
_REFUSALS = {
    "400": "Malformed JSON, or nested more than 32 deep",
    "413": "Over 1 MiB",
    "415": "Not application/json",
    "422": "A phone or an amount is missing, or the key was used for another body",
    "503": "Nothing was stored; try again with the same key and call 110",
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


def _any(example: object, what: str = "") -> dict[str, Any]:
    return {"description": f"{what} {_FORGIVING}".strip(), "examples": [example]}


def _transfer() -> dict[str, Any]:
    return {
        "description": "One whose amount cannot be read is kept as written, beside one that has it.",
        "properties": {
            "amount": _any("38600.00", "Yuan, as text or number: 38600.00, 3,800, 1.2万, full-width digits. Positive."),
            "currency": _any("CNY"),
            "when": _any("2026-11-23T14:32:00+08:00", "now, 30min, 24h, earlier or ISO 8601."),
            "channel": _any("bank", "bank, alipay, wechat, scan, cash, voucher, ecny or other."),
            "payee_account": _any("6217 0000 0000 4417"),
            "payee_name": _any("…"),
            "payee_bank": _any("…"),
            "payer_bank": _any("…"),
            "payer_account_tail": _any("4417"),
            "serial": _any("…"),
        },
    }


def _report() -> dict[str, Any]:
    reporter = {
        "type": "object",
        "required": ["phone"],
        "properties": {
            "phone": {
                "type": ["string", "integer"],
                "description": "Any spacing; +86 is assumed.",
                "examples": ["13800000001"],
            },
            "name": _any("…"),
            "student_no": _any("…"),
            "class": _any("…", "The class by code or name, where the student is not on the roster."),
            "college": _any("…", "The college by code or name, where the student is not on the roster."),
            "for_whom": _any("self", "self or other."),
            "victim_phone": _any("…"),
            "phone_unsafe": _any(False, "No text goes to such a phone."),
            "safe_phone": _any("…", "Where texts go instead."),
        },
    }
    return {
        "type": "object",
        "required": ["reporter"],
        "properties": {
            "kind": _any("transferred", "transferred (at least one transfer) or in_progress."),
            "reporter": reporter,
            "transfers": {
                "anyOf": [{"type": "array", "items": _ref("Transfer")}, {"description": _FORGIVING}],
                "description": "The latest first; 50 are taken.",
                "examples": [[{"amount": "38600.00", "when": "30min", "channel": "bank"}]],
            },
            "fraud_type": _any("SD"),
            "narrative": _any("…"),
            "called_110": _any(True),
            "language": _any("zh", "zh or en, for texts to the reporter."),
        },
        "if": {"properties": {"kind": {"const": "in_progress"}}, "required": ["kind"]},
        "else": {"properties": {"transfers": _ONE_AMOUNT}, "required": ["transfers"]},
    }


_ONE_AMOUNT = {
    "type": "array",
    "contains": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": ["string", "number"]}},
    },
}


_TIME = {"type": ["string", "null"], "format": "date-time"}
_OBLIGATION: dict[str, Any] = {
    "type": "object",
    "required": ["state", "late"],
    "properties": {
        "state": {"type": "string"},
        "late": {"type": "boolean"},
        "alerted_at": _TIME,
        "acknowledged_at": _TIME,
    },
}
_POLICE: dict[str, Any] = {
    **_OBLIGATION,
    "properties": {
        **_OBLIGATION["properties"],
        "owed_since": {
            **_TIME,
            "description": "Since when progress is owed by its owner, or, without one, a later stop rings; null: none.",
        },
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["case", "token", "status_url", "received_at", "duplicate"],
    "properties": {
        "case": {"type": "string", "pattern": "^[A-Z][2-9A-Z]{4}$"},
        "token": {"type": "string", "description": "The secret of the status link."},
        "status_url": {"type": "string"},
        "received_at": {"type": "string", "format": "date-time"},
        "duplicate": {"type": "boolean"},
    },
}
_STATUS = {
    "type": "object",
    "required": ["case", "state", "received_at", "obligations"],
    "properties": {
        "case": {"type": "string"},
        "state": {"type": "string"},
        "received_at": {"type": "string", "format": "date-time"},
        "asked": {
            "type": "array",
            "items": {"enum": ["name", "account", "amount", "time"]},
            "description": "What the police asked for and still lack.",
        },
        "obligations": {
            "type": "object",
            "required": ["counselor", "care"],
            "properties": {
                "police": _POLICE,
                "dissuade": _OBLIGATION,
                "counselor": _OBLIGATION,
                "care": {
                    "type": "object",
                    "required": ["state", "late"],
                    "properties": {
                        "state": {"enum": ["open", "in_progress", "closed"]},
                        "late": {"type": "boolean"},
                        "opened_at": _TIME,
                        "next_contact_at": _TIME,
                    },
                },
            },
        },
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "message_zh"],
                "properties": {name: {"type": "string"} for name in ("field", "message", "message_zh")},
            },
        },
    },
}
