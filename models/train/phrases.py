"""Sentences from a phrase book: `[this|that|]` chooses, `$name` takes an entry of a list, `name: a, b` makes a list."""

import re
import zlib

CHOICE = re.compile(r"\[([^\[\]]*)\]")
LIST = re.compile(r"\$(\w+)")
HELD_OF_HUNDRED = 3


class Phrases:
    def __init__(self, chance, path, apart=()):
        self.chance, self.apart = chance, apart
        self.lists, self.patterns = {}, []
        for row in path.read_text(encoding="utf8").splitlines():
            if found := re.match(r"(\w+): (.*)", row):
                name, entries = found.groups()
                self.lists.setdefault(name, []).extend(part.strip() for part in entries.split(","))
            elif row and not row.startswith("#"):
                self.patterns.append(row)

    def any(self):
        """One or two sentences, none of which is held out."""
        many = 2 if self.chance.random() < 0.2 else 1
        return " ".join(self._one(False) for _ in range(many))

    def held(self):
        return self._one(True)

    def _one(self, held):
        while True:
            text = self._filled(self.chance.choice(self.patterns))
            if text not in self.apart and (zlib.crc32(text.lower().encode()) % 100 < HELD_OF_HUNDRED) == held:
                return text

    def _filled(self, text):
        # A list's entry may hold choices and other lists, so both are taken until none is left.
        while True:
            if found := CHOICE.search(text):
                text = text[: found.start()] + self.chance.choice(found[1].split("|")) + text[found.end() :]
            elif found := LIST.search(text):
                text = text[: found.start()] + self.chance.choice(self.lists[found[1]]) + text[found.end() :]
            else:
                text = re.sub(r" +([,.?!])", r"\1", " ".join(text.split()))
                return text[0].upper() + text[1:]
