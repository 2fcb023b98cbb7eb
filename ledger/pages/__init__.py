"""What staff see, filtered by who asks; but for the board and the simulated phones, whose readers see all."""
