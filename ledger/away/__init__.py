"""While the ledger is away: the spool, the duty list, and the way back."""
