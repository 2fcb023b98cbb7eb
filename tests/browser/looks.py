"""What every page is held to, in whatever state it is: axe finds nothing, and nothing scrolls sideways."""

from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page

NARROW = {"width": 320, "height": 700}  # also what 1280 px become at a zoom of 400 %


def assert_fit_to_use(screen: Page, where: str) -> None:
    found = Axe().run(screen)["violations"]
    assert not found, f"{where}: {[(rule['id'], rule['nodes'][0]['html']) for rule in found]}"
    before = screen.viewport_size
    assert before
    screen.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert screen.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], where
    screen.set_viewport_size(before)
