"""The follow-up of a student (跟进): contacts, screening, and its end."""
