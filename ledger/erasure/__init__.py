"""Erasing what is over, and what holds it."""
