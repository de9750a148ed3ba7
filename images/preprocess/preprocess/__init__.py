"""The first stage: any recording to 16 kHz mono chunks of bounded length, and where somebody speaks."""
