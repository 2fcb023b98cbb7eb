"""Whom an obligation rings, and when: officer, counselor, desk, psychology centre."""
