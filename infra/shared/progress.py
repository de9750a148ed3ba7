"""What of Pulumi's output is worth showing."""

import re


class Progress:
    """Keeps those of Pulumi's lines that say more than that it still works, or that all is as it was."""

    _NOISE = re.compile(
        r"\s*$"
        r"|@ "
        r"|    [\w:/.-]+:[\w:/.-]+ \S+( running)?$"  # as it was
        r"| ~  \S+ \S+ refresh(ing)?( \(|$)"
        r"|.*warning: using pulumi-\S+ from \$PATH at "  # what we put there
    )
    _COUNTS = re.compile(r" +\d+ (warning|message)s?(; \d+ messages?)?$")  # of what was shown as it came
    _HEADING = re.compile(r"Diagnostics:|  \S+ \(\S+\):$")

    def __init__(self) -> None:
        self._headings: list[str] = []
        self._said: list[str] = []

    def kept(self, line: str) -> list[str]:
        """The lines to show now that this one has come. A heading waits until something follows under it."""
        line = self._COUNTS.sub("", line)
        if self._NOISE.match(line):
            return []
        if self._HEADING.match(line):
            self._headings.append(line)
            return []
        if line.startswith("    ") and any(earlier.endswith(line.strip()) for earlier in self._said):
            return []
        shown = [*self._headings, line] if line.startswith("    ") else [line]
        self._headings.clear()
        self._said.append(line)
        return shown
