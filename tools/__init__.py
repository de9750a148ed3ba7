"""Installs what the project needs. Runs before all else: the standard library is all that it may use."""
