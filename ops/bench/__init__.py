"""`make bench`: speed and size, each against a floor measured in the same run."""
