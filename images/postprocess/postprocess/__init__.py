"""Puts what the stages found together to a transcript, for programs (JSON) and for people (text, WebVTT)."""
