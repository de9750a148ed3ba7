"""How well the speech stages do on generated calls. See docs/quality.md."""
