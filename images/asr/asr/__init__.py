"""What is said: words with times, confidences and speakers."""
