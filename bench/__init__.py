"""Measured beside what one would build otherwise: python -m bench.run. See docs/performance.md."""
