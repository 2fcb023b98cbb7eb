"""What is counted, and never mixed: reports made here, cases registered by the police, what the school counted."""
