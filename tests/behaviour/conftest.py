"""Who sits at the desk in tests of what is pressed there; a test of somebody else's page names its own."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.world import World


@pytest.fixture
def officer(world: World) -> FlaskClient:
    """The one whom a report rings first."""
    return world.user("o", "officer", world.phones["officer"].number)


@pytest.fixture
def office(world: World) -> FlaskClient:
    """The security office, which may do what any owner may."""
    return world.user("s", "security")
