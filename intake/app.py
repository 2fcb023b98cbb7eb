"""The blueprints of this room."""

from __future__ import annotations

from flask import Blueprint

from intake import api, callbacks, drills, pages
from intake.doors import Door


def blueprints(door: Door) -> list[Blueprint]:
    return [pages.blueprint(door), api.blueprint(door), callbacks.blueprint(door), drills.blueprint(door)]
