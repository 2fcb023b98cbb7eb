"""The school: its people, classes, duty shifts and ladders, and the files they come from."""
