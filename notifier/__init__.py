"""How a person is told: wording, one-segment budgets, what each country's carriers allow, Twilio."""
