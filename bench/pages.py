"""How soon a student sees the page on a bad network: Chromium on an empty cache, its network and processor held back.

    python -m bench.pages [--tries 5]

Milliseconds until the largest paint, and how far anything moved after it was shown (layout shift): medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import CHROMIUM_ARGUMENTS, SCREENS
from tests.private_services import chromium
from tests.processes import EMBEDDED, installed
from tests.world import sqlite_url

# name → (bits a second, round trip in ms, most ms until the largest paint)
NETWORKS = {"slow 4G": (1_600_000, 150, 1500), "400 kbps, 400 ms": (400_000, 400, 3000)}
SLOWER = 4  # times, as a cheap phone's processor is
SEEN = """() => new Promise(done => {
  let paint = 0, shift = 0;
  new PerformanceObserver(list => { for (const it of list.getEntries()) paint = it.startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver(list => { for (const it of list.getEntries()) shift += it.value; })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done([paint, shift]), 300);
})"""


def seen(browser: Browser, address: str, bits: int, round_trip_ms: int) -> tuple[float, float]:
    """(ms until the largest paint, layout shift) of one visit."""
    width, height = SCREENS["phone"]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", has_touch=True)
    try:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        slow = {
            "offline": False,
            "latency": round_trip_ms,
            "downloadThroughput": bits / 8,
            "uploadThroughput": bits / 16,
        }
        devtools.send("Network.emulateNetworkConditions", slow)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(address, wait_until="networkidle")
        paint, shift = page.evaluate(SEEN)
        return float(paint), float(shift)
    finally:
        context.close()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tries", type=int, default=5)
    order = parser.parse_args(argv)
    lines = ["| page | network | largest paint ms | goal | layout shift |", "|---|---|--:|--:|--:|"]
    with tempfile.TemporaryDirectory(prefix="stopline-pages-") as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        with installed(sqlite_url(folder), EMBEDDED, folder) as service:
            service.prepare()
            service.start("up")
            token = service.accepted().token
            for page, path in (("report", "/"), ("status", f"/r/{token}"), ("what may help", f"/r/{token}/more")):
                for network, (bits, round_trip, goal) in NETWORKS.items():
                    found = [seen(browser, service.public_url + path, bits, round_trip) for _ in range(order.tries)]
                    paint, shift = (statistics.median(some) for some in zip(*found, strict=True))
                    lines.append(f"| {page} | {network} | {paint:.0f} | {goal} | {shift:.3f} |")
        browser.close()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
