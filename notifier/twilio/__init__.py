"""Texts through Twilio: transport, error table, callbacks."""
