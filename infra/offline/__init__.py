"""What stands in where the real thing cannot be downloaded."""
