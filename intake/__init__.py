"""What the outside may say: the form, the API, the status page, the provider's callbacks."""
