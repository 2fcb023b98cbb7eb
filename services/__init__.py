"""The processes: relay, workers, senders, clock, command line. compose.py puts everything together."""
