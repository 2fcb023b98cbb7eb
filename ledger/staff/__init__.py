"""Accounts of staff: passwords, second factor, invitations."""
