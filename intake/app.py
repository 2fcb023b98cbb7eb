"""The blueprints of this room."""

from __future__ import annotations

from flask import Blueprint

from intake import api, callbacks, drills, more, notices, pages, reopen
from intake.doors import Door


def blueprints(door: Door) -> list[Blueprint]:
    pages_of_students = [pages.blueprint(door), more.blueprint(door), reopen.blueprint(door), notices.blueprint(door)]
    return [*pages_of_students, api.blueprint(door), callbacks.blueprint(door), drills.blueprint(door)]
