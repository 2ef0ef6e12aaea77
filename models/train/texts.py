"""The sentences to be spoken: pairs of a language and a text that uses no digit and no abbreviation."""

import json
import re
import tomllib
from pathlib import Path

from numbers_de import date, digits, money, number, time_of_day
from phrases import Phrases

HERE = Path(__file__).parent
MODELS = HERE.parent
WORD_LISTS = {"de": "/usr/share/dict/ngerman"}

PLAIN = re.compile(r"[a-zA-ZäöüÄÖÜß ,.?!'-]+")
INITIALS = re.compile(r"[a-zäöüß][A-Z]|\b[A-ZÄÖÜ]{3,}\b")
LETTERS = "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z".split()
LONGEST_WORDS, LONGEST_LETTERS = 18, 115

# How often which kind of text is taken. Random words teach to listen instead of guessing how a sentence goes on.
SHARES = {"lines": 0.26, "phrases": 0.14, "further": 0.15, "words": 0.15, "numbers": 0.05, "english": 0.25}


class Texts:
    """`further` names files with more text: one sentence a line, or JSON lines with `text` and `lang`."""

    def __init__(self, chance, further=()):
        self.chance = chance
        apart = {key(text) for _, text in everyday()}
        pool = {"de": set(), "en": set()}
        for lang, text in own_lines():
            pool[lang].update(sentences(text))
        more = {"de": set(), "en": set()}
        for path in further:
            for lang, text in file_lines(Path(path)):
                more[lang].update(sentences(text))
        tidy = lambda texts: sorted(text for text in texts if key(text) not in apart)
        self.lines, self.further = tidy(pool["de"]), tidy(more["de"]) or tidy(pool["de"])
        self.english = tidy(pool["en"] | more["en"])
        self.phrases = Phrases(chance, HERE / "phrases_de.txt", apart)
        self.english_phrases = Phrases(chance, HERE / "phrases_en.txt", apart)
        common = re.findall(r"[A-Za-zÄÖÜäöüß]+", " ".join(self.lines + self.further))
        self.words = [common, dictionary("de") or common]

    def held(self, count):
        """Sentences of the phrase book that `any` never returns."""
        book = lambda phrases, part: [phrases.held() for _ in range(part)]
        return ([("de", text) for text in book(self.phrases, count * 4 // 5)]
                + [("en", text) for text in book(self.english_phrases, count - count * 4 // 5)])

    def any(self):
        chance = self.chance
        match chance.choices(list(SHARES), SHARES.values())[0]:
            case "lines":
                return "de", chance.choice(self.lines)
            case "further":
                return "de", chance.choice(self.further)
            case "phrases":
                return "de", self.phrases.any()
            case "words":
                return "de", self.random_words()
            case "numbers":
                return "de", self.numbers()
            case _:
                return "en", self.english_phrases.any() if chance.random() < 0.4 else chance.choice(self.english)

    def random_words(self):
        chance = self.chance
        words = " ".join(chance.choice(chance.choice(self.words)) for _ in range(chance.randint(2, 7)))
        return words[0].upper() + words[1:] + chance.choice("..?")

    def numbers(self):
        chance = self.chance
        one = lambda *ways: chance.choice(ways)
        match chance.randrange(6):
            case 0:
                return f"{one('Die Nummer ist', 'Notieren Sie', 'Also', 'Ich wiederhole')} {digits(chance)}."
            case 1:
                unit = one("Euro", "Tage", "Wochen", "Stunden", "Stück", "Kilometer", "Prozent", "Minuten")
                return f"{one('Das sind', 'Ich habe', 'Es waren', 'Macht')} {number(chance.randint(2, 4000))} {unit}."
            case 2:
                return f"{one('Am', 'Seit dem', 'Bis zum', 'Vom')} {date(chance)}."
            case 3:
                after = one("bitte", "das steht so auf der Rechnung", "jeden Monat", "und keinen Cent mehr")
                amount = money(chance)
                return f"{amount[0].upper()}{amount[1:]}, {after}."
            case 4:
                return f"{one('Um', 'Gegen', 'Ab', 'Bis')} {time_of_day(chance)}."
            case _:
                letters = " ".join(chance.sample(LETTERS, chance.randint(2, 4)))
                return f"{letters} {digits(chance)}."


def everyday():
    """The sentences kept to measure with."""
    for row in (HERE / "everyday.txt").read_text(encoding="utf8").splitlines():
        if row and not row.startswith("#"):
            yield tuple(row.split("\t"))


def own_lines():
    """Sentences of everyday calls, and what is written beside this folder for scoring and coaching, without what is
    held out there."""
    for lang in ("de", "en"):
        yield from file_lines(HERE / f"sentences_{lang}.txt")
    for path in sorted((MODELS / "lines").glob("*.jsonl")):
        for row in json_lines(path):
            if row.get("split") != "held":
                yield row["lang"], row["text"]
    for path in sorted((MODELS / "dialogues").glob("*_dev.jsonl")):
        for row in json_lines(path):
            yield from ((row["lang"], turn["text"]) for turn in row["turns"])
    for path in sorted([*(MODELS / "language").glob("*.toml"), *(MODELS / "playbook").glob("*.toml")]):
        lang = "en" if path.name.startswith("en") else "de"
        for text in strings(tomllib.loads(path.read_text(encoding="utf8"))):
            if len(text.split()) >= 3 and "\\" not in text:
                yield lang, re.sub(r"\{[^}]*\}", "Frau Keller", text)


def file_lines(path):
    if path.suffix == ".jsonl":
        for row in json_lines(path):
            yield row.get("lang", "en" if "_en" in path.stem else "de"), row["text"]
    else:
        lang = "en" if path.stem.endswith("en") else "de"
        yield from ((lang, row) for row in path.read_text(encoding="utf8").splitlines())


def json_lines(path):
    with path.open(encoding="utf8") as rows:
        return [json.loads(row) for row in rows if row.strip()]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def sentences(text):
    """The speakable sentences of a text: no digits, no initials, not too long."""
    text = re.sub(r"[„“”»«\"()\[\]:;…*_/]|\s[-–—]\s", " ", text).replace("’", "'")
    for part in re.split(r"(?<=[.?!])\s+", " ".join(text.split())):
        part = part.strip(" ,-'")
        if not 3 <= len(part) <= LONGEST_LETTERS or len(part.split()) > LONGEST_WORDS:
            continue
        if PLAIN.fullmatch(part) and not INITIALS.search(part):
            yield part[0].upper() + part[1:] + ("" if part[-1] in ".?!" else ".")


def dictionary(lang):
    """Debian's word list (package wngerman), if it is there."""
    path = Path(WORD_LISTS[lang])
    if not path.exists():
        return []
    words = path.read_text(encoding="utf8").split()
    return [word for word in words if re.fullmatch(r"[A-Za-zÄÖÜäöüß]{2,20}", word) and not word.isupper()]


def key(text):
    """Equal for texts that differ in case and punctuation alone."""
    return " ".join(re.findall(r"[\wÄÖÜäöüß']+", text.lower()))
