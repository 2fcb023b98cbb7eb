"""Fault runs: the real processes under load, while everything they stand on breaks and heals, judged from outside."""
