"""Phones that exist only here: the demo network and the sink of drills."""
