"""A run's account of itself: every call that it was to transcribe, what became of it, and what that cost."""
