"""What is true: cases, obligations, texts, follow-ups, people, the chain of events. Its map is in docs/reading.md."""
