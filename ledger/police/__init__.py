"""What is done about an alert: answered, taken, in progress, a stop and its life, the review after."""
