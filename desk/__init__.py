"""Where staff work: each page is a blueprint that asks ledger/ for what its user may see."""
