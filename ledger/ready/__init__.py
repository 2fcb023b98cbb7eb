"""If a student reports now, will somebody answer? Drills and what an auditor asks."""
