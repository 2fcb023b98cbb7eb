"""Texts to people: written, claimed by a sender, called, and what came of it."""
