"""What names of people stand behind and before, and what is known of single words."""

from __future__ import annotations

import re

from redaction.lists import word_list

WORD = re.compile(r"[^\s]+")

TITLES = word_list("titles")

STRONG = re.compile(
    r"(?:\b(?:my|his|her|their|whose|the|your|first|last|full|middle|maiden|family|given|sur) ?names?"
    r"(?: here| there| too)?(?: is|'s| are| was| would be)(?: actually| uh| um)?"
    r"|\bname'?s|\bnames is|\b(?:first|last|middle|maiden|full) name"
    r"|\b(?:named|called) (?=\w+ \w+ (?:hit|drove|called|from))|\b(?:man|woman|guy|lady|person|agent"
    r"|friend) named"
    r"|\bin the name of|\b(?:account|booking|reservation|policy|it|order) (?:is |was |should be "
    r"|would be )?under"
    r"(?: the name(?: of)?)?"
    r"|\b(?:speaking|spoke|talking|talked|speak|talk) (?:with|to)|\b(?:you can )?call me|\bgo by"
    r"|\bregistered to"
    r"|\bbelongs to|\bon behalf of|\bauthorized user(?: is)?|\bask for|\battention)$"
)
"""What a name is due behind, so that a word that no list has is taken for one."""

WEAK = re.compile(
    r"(?:\b(?:this is|it is|it's|its|i'm|i am|that's|that is|thank you|thanks|hi|hello|hey|goodbye|bye"
    r"|morning|afternoon"
    r"|evening|welcome|dear|sorry|okay|ok|alright|all right|yes|and|with|for|from|so that's|so"
    r"|perfect|great"
    r"|did you say|was that|is that|is this|you're|neighbor|much|so much|very much|my|son|daughter|wife"
    r"|husband|sister"
    r"|brother|mother|father|roommate|partner|colleague|friend|boss|manager|technician|driver|please|right"
    r"|day|problem|welcome|here|reached|i have|with you|it|sure|well|uh|um))$"
)
"""What a name may stand behind: names of the lists that are common words too count there."""

SPEAKING = re.compile(r" speaking(?: (?:how|what|can|may|good)\b|$)")
INTRODUCED = re.compile(
    r"\b(?:hi|hello|hey|thanks|thank you|this is|i'm|i am|dear|good (?:morning|afternoon|evening))$"
    r"|(?:^|\b(?:okay|yes|yeah|oh|well|so|(?:hi|hello|hey)(?: [a-z]+)?) )it's$"
)
"""What a name stands behind that no list has."""

ENDINGS = tuple(word_list("endings"))
"""Endings of English words that are no names; names that have them are in the lists."""

BEHIND = re.compile(
    r"^(?:speaking|calling|here|on the line|from (?:the )?\w+ department|how (?:can|may) i help)\b"
)
ASKED = re.compile(
    r"\b(?:your|the|full|last|first) names?\b|who am i speaking|who do i have the pleasure"
    r"|who'?s calling|whom? am i"
    r"|may i ask who|name on the account"
)
SURE = 0.75
"""Score from which a name is looked for in the rest of the call."""

ANSWER_LINES = 2
"""Utterances behind a question for the name in which a bare answer is taken for one."""

SPELLING = re.compile(
    r"(?<![\w'])[a-z](?:(?: (?:as in|like|for) \w+)? [a-z]){2,}(?: (?:as in|like|for) \w+)?(?![\w'])"
)
NOT_SPELLED = ("a m", "p m", "u s", "t v", "a t m", "d v d", "f a q", "a p r", "i b m", "u p s", "o k")
"""Letters that are said one by one without spelling anything."""

SUBJECTS = frozenset(["i", "you", "we", "he", "she", "it", "they"])
"""Behind "may", "will" and the like, these show that no name was meant."""

AFTER = word_list("after_names")
"""What may follow a name that stands by itself."""

RELATIVES = re.compile(
    r"\bmy (?:\w+ )?(?:son|daughter|wife|husband|sister|brother|mother|father|mom|dad|roommate|partner"
    r"|friend|boss|neighbor"
    r"|neighbour|aunt|uncle|cousin|boyfriend|girlfriend|fiance|grandson|granddaughter|grandmother"
    r"|grandfather|niece|nephew)$"
)

AROUND = 60
"""Characters in front of a word that are looked at: cues are short, calls are long."""

BUSINESSES = word_list("businesses")
"""Behind a word that could be a name, these make it a company's."""

LONGEST = 3
"""Words of a name behind a title or a cue."""


class Lists:
    """What is known of a single word."""

    def __init__(self) -> None:
        self.first, self.last = word_list("first_names"), word_list("last_names")
        self.ambiguous = word_list("ambiguous") | word_list("states")
        self.common = word_list("common_words") - (self.first - self.ambiguous)
        self.places = word_list("streets") | BUSINESSES

    def is_first(self, word: str) -> bool:
        """A first name."""
        return word in self.first

    def is_name(self, word: str) -> bool:
        """A name of either kind."""
        return word in self.first or word in self.last

    def sure(self, word: str) -> bool:
        """A name that is hardly ever anything else."""
        return self.is_name(word) and word not in self.ambiguous and word not in self.common

    def unknown(self, word: str) -> bool:
        """A word that neither lists nor its ending tell to be something else."""
        return self.possible(word) and not word.endswith(ENDINGS)

    def possible(self, word: str) -> bool:
        """A word that could be a name where one is due."""
        return word.replace("'", "").replace("-", "").isalpha() and len(word) > 1 and word not in self.common
