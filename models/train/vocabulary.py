"""Whisper's token list, and spelling with the few of them that the small model may say."""

import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).parents[1] / "callcentre-de-synth-q5_1.bin"

END, START, TRANSCRIBE, NO_SPEECH, NO_TIMES = 50257, 50258, 50359, 50362, 50363
LANGUAGE = {"en": 50259, "de": 50261}
SPECIAL = [END, START, LANGUAGE["de"], LANGUAGE["en"], TRANSCRIBE, NO_TIMES, NO_SPEECH]
SIZE = 51865

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ .,?!-'"
PIECE = re.compile(r" ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+")
LONGEST_TOKEN = 20


@dataclass
class Whisper:
    """What every file in whisper.cpp's format brings along: the tokens' bytes and the mel filters (80 by 201)."""

    tokens: list[bytes]
    filters: np.ndarray

    @classmethod
    def of(cls, path=SHIPPED):
        data = Path(path).read_bytes()
        magic, *_, mels, bins = struct.unpack_from("<14i", data)
        if magic != 0x67676D6C:
            raise ValueError(f"{path} is not in whisper.cpp's format: give a ggml model")
        filters = np.frombuffer(data, "<f4", mels * bins, 56).reshape(mels, bins)
        at = 56 + filters.nbytes
        (count,) = struct.unpack_from("<i", data, at)
        at += 4
        tokens = []
        for _ in range(count):
            (length,) = struct.unpack_from("<i", data, at)
            tokens.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        return cls(tokens, filters)


def pieces(text):
    """Words with the blank before them, and punctuation: pairs of the piece and where its first letter stands."""
    for found in PIECE.finditer(" " + text):
        piece = found.group()
        yield piece, found.start() + piece.startswith(" ") - 1


class Speller:
    """Spells with the fewest tokens of an allowed set; whisper.cpp only ever joins their bytes."""

    def __init__(self, tokens, allowed=None):
        self.tokens = tokens
        self.id_of = {}
        for number, token in enumerate(tokens):
            if token and (allowed is None or number in allowed):
                self.id_of.setdefault(token, number)
        self.known = {}

    def spell(self, piece, skip=0.0, chance=None):
        """Token ids, or None when the piece cannot be spelled.

        With `skip` every longer token is passed over with that probability, so that training sees other spellings.
        """
        if not skip:
            if piece not in self.known:
                self.known[piece] = self._shortest(piece.encode(), lambda token: True)
            return self.known[piece]
        usable = lambda token: len(token.decode("utf8", "replace")) == 1 or chance.random() >= skip
        return self._shortest(piece.encode(), usable) or self.spell(piece)

    def can_spell(self, text):
        return all(self.spell(piece) is not None for piece, _ in pieces(text))

    def text(self, ids):
        return b"".join(self.tokens[i] for i in ids if i < len(self.tokens)).decode("utf8", "replace")

    def _shortest(self, data, usable):
        # Ties go to the longer tokens: the second key falls with the square of their lengths.
        best = [(0, 0, ())] + [None] * len(data)
        for start in range(len(data)):
            if best[start] is None:
                continue
            count, squares, ids = best[start]
            for stop in range(start + 1, min(len(data), start + LONGEST_TOKEN) + 1):
                token = data[start:stop]
                number = self.id_of.get(token)
                if number is None or not usable(token):
                    continue
                candidate = (count + 1, squares - (stop - start) ** 2, (*ids, number))
                if best[stop] is None or candidate < best[stop]:
                    best[stop] = candidate
        return best[-1] and best[-1][2]


def choose_tokens(tokens, texts, least=25):
    """Every letter, alone and after a blank, and every token that spells these texts at least `least` times."""
    whole = Speller(tokens)
    letters = {whole.id_of[form] for sign in LETTERS for form in (sign.encode(), (" " + sign).encode())
               if form in whole.id_of}
    words = Counter(piece for text in texts for piece, _ in pieces(text))
    chosen = set(range(len(tokens)))
    # Dropping rare tokens makes the remaining ones more frequent, so it takes a few rounds to settle.
    for _ in range(3):
        speller, used = Speller(tokens, chosen), Counter()
        for word, times in words.items():
            for number in speller.spell(word) or ():
                used[number] += times
        chosen = letters | {number for number, times in used.items() if times >= least}
    return sorted(chosen)
