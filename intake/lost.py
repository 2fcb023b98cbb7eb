"""A page of a case that cannot be opened any more: its key was destroyed, or it is damaged.

Nothing of what was pressed can be stored and nobody be told. The page says so and whom to call, and gives back what was
typed.
"""

from __future__ import annotations

from flask import render_template, request

from intake.questions import QUESTIONS, Question, Words


def page() -> str:
    slug = (request.view_args or {}).get("slug")
    asked = next((question for question in QUESTIONS if question.slug == slug), None)
    return render_template("intake/lost.html", typed=_typed(asked) if asked else [])


def _typed(asked: Question) -> list[tuple[Words, str | Words]]:
    """Each box that was filled in, in the words of its page."""
    given = ((field, request.form.get(field.name, "").strip()) for field in asked.fields)
    return [(field.label, (field.options or {}).get(said, said)) for field, said in given if said]
