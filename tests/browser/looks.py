"""What every page is held to, in whatever state it is: axe finds nothing, and nothing is wider than its place."""

from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page

NARROW = {"width": 320, "height": 700}  # also what 1280 px become at a zoom of 400 %
# Words wider than their box lie over their neighbour's, where there is room for them before the page's edge.
STICKING_OUT = """() => Array.from(document.querySelectorAll("main *"))
  .filter(box => box.clientWidth > 1 && box.scrollWidth > box.clientWidth + 1)
  .filter(box => getComputedStyle(box).overflowX === "visible")
  .map(box => box.outerHTML.slice(0, 120))"""


def assert_fit_to_use(screen: Page, where: str) -> None:
    # Of what it finds in order it would else describe every node: two thirds of its time.
    found = Axe().run(screen, options={"resultTypes": ["violations"]})["violations"]
    assert not found, f"{where}: {[(rule['id'], rule['nodes'][0]['html']) for rule in found]}"
    before = screen.viewport_size
    assert before
    assert_in_their_boxes(screen, where)
    screen.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert screen.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], where
    assert_in_their_boxes(screen, where)
    screen.set_viewport_size(before)


def assert_in_their_boxes(screen: Page, where: str) -> None:
    found = screen.evaluate(STICKING_OUT)
    assert not found, f"{where}, {screen.viewport_size}: {found}"
