"""What staff see: every query filters rows by who asks."""
