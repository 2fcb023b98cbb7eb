"""What a student gives and sees: the report, what is added and corrected later, the status link."""
