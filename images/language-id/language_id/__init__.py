"""Which language is spoken, by how it sounds."""
