"""From clips to batches: cropping, joining, masking, and what the four losses are compared with."""

import glob
import random
from dataclasses import dataclass, replace

import numpy as np
import torch

from network import FRAMES_PER_SECOND
from vocabulary import END, LANGUAGE, NO_TIMES, SPECIAL, START, TRANSCRIBE, Speller, pieces

MEL_PER_SECOND = 100
LONGEST_TEXT = 130
# The decoder has 128 places, four for the prompt. Texts spelled longer, letter by letter in a short trial, are cut.
MOST_TOKENS = 120
FLOOR = 2.0  # a mel picture ends this far below its loudest point, see LogMel
UNSAID = -100  # target positions that do not count


@dataclass
class Clip:
    """`sounds` names the sound of each encoder frame; times are seconds, `end` that of the last sound."""

    mel: torch.Tensor
    lang: str
    text: str
    sounds: np.ndarray
    words: list
    end: float

    @classmethod
    def of(cls, row, sound_ids):
        frames = len(row["mel"]) // 2 + 1
        sounds, ends = np.zeros(frames, np.uint8), [at for _, at in row["phones"][1:]] + [row["end"]]
        for (sound, start), stop in zip(row["phones"], ends):
            sounds[frame(start) : frame(stop)] = sound_ids.get(sound, 0)
        return cls(row["mel"], row["lang"], row["text"], sounds, sorted(row["words"]), row["end"])


@dataclass
class Batch:
    mel: torch.Tensor  # (batch, mel frames, 80)
    ids: torch.Tensor  # (batch, tokens) what the decoder has read so far
    next: torch.Tensor  # (batch, tokens) what it has to say, or UNSAID
    window: torch.Tensor  # (batch, tokens, 2) seconds between which that is spoken; (0, 0) for none
    sounds: torch.Tensor  # (batch, frames)
    spoken: torch.Tensor  # (batch, frames) the token being spoken


def frame(second):
    return max(0, int(second * FRAMES_PER_SECOND + 0.5))


class Shards:
    """Clips of files, each file with the share of its clips that a pass takes. New files are found between passes."""

    def __init__(self, sources, sound_ids, speller, chance):
        self.sources, self.sound_ids, self.speller, self.chance = sources, sound_ids, speller, chance
        self.clips, self.share, self.seen = [], [], set()
        self.look()

    def look(self):
        for pattern, share in self.sources:
            for path in sorted(set(glob.glob(pattern)) - self.seen):
                self.seen.add(path)
                rows = torch.load(path, weights_only=True)
                new = [Clip.of(row, self.sound_ids) for row in rows
                       if len(row["text"]) < LONGEST_TEXT and self.speller.can_spell(row["text"])]
                self.clips += new
                self.share += [share] * len(new)

    def one_pass(self):
        taken = [clip for clip, share in zip(self.clips, self.share) if self.chance.random() < share]
        self.chance.shuffle(taken)
        return taken


class Batches:
    def __init__(self, ids, tokens, chance):
        self.ids, self.tokens, self.chance = ids, tokens, chance
        self.row = {number: row for row, number in enumerate(ids)}
        self.speller = Speller(tokens, set(ids))
        self.end = self.row[END]

    def prompt(self, lang):
        return [self.row[number] for number in (START, LANGUAGE[lang], TRANSCRIBE, NO_TIMES)]

    def forever(self, shards, frames):
        """Batches of clips of like length with about so many mel frames, for ever."""
        while True:
            clips = shards.one_pass()
            silent = [clip for clip in clips if not clip.text]
            for start in range(0, len(clips), 3000):
                part = clips[start : start + 3000] + self.chance.choices(silent, k=90 if silent else 0)
                part = sorted((self.varied(clip, shards.clips) for clip in part), key=lambda clip: len(clip.mel))
                groups, group = [], []
                for clip in part:
                    if group and (len(group) + 1) * len(clip.mel) > frames:
                        groups.append(group)
                        group = []
                    group.append(clip)
                groups.append(group)
                self.chance.shuffle(groups)
                yield from (self.batch(group) for group in groups)
            shards.look()

    def varied(self, clip, others):
        if not clip.text:
            return clip
        part = self.chance.random()
        if part < 0.25:
            clip = self.cropped(clip)
        elif part < 0.31:
            clip = joined(clip, self.chance.choice(others))
        return self.later(clip) if self.chance.random() < 0.15 else clip

    def cropped(self, clip):
        """A part that begins and ends at words: the text must follow the sound, not the habit."""
        words, chance = clip.words, self.chance
        if len(words) < 4:
            return clip
        kind = chance.random()
        first = 0 if kind < 0.6 else chance.randrange(1, len(words) - 2)
        last = len(words) if 0.6 <= kind < 0.85 else chance.randrange(first + 2, len(words))
        start = max(0.0, words[first][1] - chance.uniform(0, 0.05)) if first else 0.0
        stop = words[last][1] + chance.uniform(-0.02, 0.07) if last < len(words) else len(clip.mel) / MEL_PER_SECOND
        begin, stop = int(start * FRAMES_PER_SECOND), int(stop * FRAMES_PER_SECOND)
        letter = words[first][0]
        text = clip.text[letter : words[last][0] if last < len(words) else None].rstrip(" ,-")
        if stop - begin < 15 or not text:
            return clip
        return Clip(clip.mel[2 * begin : 2 * stop], clip.lang, text, clip.sounds[begin:stop],
                    [(place - letter, at - start) for place, at in words[first:last]],
                    min(clip.end, stop / FRAMES_PER_SECOND) - start)

    def later(self, clip):
        """More silence, or more of the line's noise, before the first word."""
        extra = self.chance.randrange(1, 40)
        if self.chance.random() < 0.6 and len(clip.mel) >= 4:
            before = clip.mel[:4].repeat(extra // 2 + 1, 1)[: 2 * extra]
        else:
            before = torch.full((2 * extra, 80), float(clip.mel.max()) - FLOOR, dtype=clip.mel.dtype)
        second = extra / FRAMES_PER_SECOND
        return replace(clip, mel=torch.cat([before, clip.mel]), end=clip.end + second,
                       sounds=np.concatenate([np.zeros(extra, np.uint8), clip.sounds]),
                       words=[(place, at + second) for place, at in clip.words])

    def batch(self, clips, training=True):
        chance = self.chance
        frames = max(len(clip.mel) for clip in clips) + (self.padding() if training else 30)
        frames = min(frames + frames % 2, 3000)
        said = [self.said(clip, training) for clip in clips]
        length = max(len(ids) for ids, _, _ in said) + 4
        shape = (len(clips), length)
        out = Batch(torch.empty(len(clips), frames, 80), torch.full(shape, self.end), torch.full(shape, UNSAID),
                    torch.zeros(*shape, 2), torch.zeros(len(clips), frames // 2, dtype=torch.long),
                    torch.full((len(clips), frames // 2), self.end))
        for row, (clip, (ids, windows, spans)) in enumerate(zip(clips, said)):
            mel = clip.mel[:frames].float()
            floor, gain = mel.max() - FLOOR, chance.uniform(-0.25, 0.15) if training else 0.0
            out.mel[row, : len(mel)], out.mel[row, len(mel) :] = mel + gain, floor + gain
            if training and chance.random() < 0.5:
                low = chance.randrange(76)
                out.mel[row, :, low : low + chance.randrange(1, 9)] = floor + gain
                if chance.random() < 0.5:
                    start = chance.randrange(max(1, len(mel) - 12))
                    out.mel[row, start : start + chance.randrange(1, 8)] = floor + gain
            sounds = torch.from_numpy(clip.sounds[: frames // 2].astype(np.int64))
            out.sounds[row, : len(sounds)] = sounds
            for token, start, stop in spans:
                out.spoken[row, frame(start) : frame(stop)] = token
            count = len(ids)
            out.ids[row, : 4 + count] = torch.tensor(self.prompt(clip.lang) + ids)
            out.next[row, 3 : 4 + count] = torch.tensor([*ids, self.end])
            out.window[row, 3 : 4 + count] = torch.tensor(windows)
            if training:
                # A wrong past now and then, so that the decoder keeps listening.
                wrong = torch.rand(count) < 0.06
                out.ids[row, 4 : 4 + count][wrong] = torch.randint(len(SPECIAL), len(self.ids), (int(wrong.sum()),))
        out.spoken[out.sounds == 0] = self.end
        return out

    def padding(self):
        """Mel frames of nothing after the longest clip: the program pads little, sometimes up to thirty seconds."""
        part, chance = self.chance.random(), self.chance
        if part < 0.25:
            return 0
        return int(chance.uniform(0, 160) if part < 0.985 else chance.uniform(200, 1200))

    def said(self, clip, training):
        """Rows of the tokens, for each (and for the end) the seconds it is spoken between, and the words' spans."""
        ids, windows, spans = [], [], []
        for piece, letter in pieces(clip.text):
            other = training and len(piece) > 3 and self.chance.random() < 0.05
            spelled = self.speller.spell(piece, 0.5 if other else 0.0, self.chance)
            word = max((at for at, (place, _) in enumerate(clip.words) if place <= letter + 1), default=0)
            start = clip.words[word][1] if clip.words else 0.0
            stop = clip.words[word + 1][1] if word + 1 < len(clip.words) else clip.end
            second = (stop - start) / len(piece.encode())
            for number in spelled:
                row, size = self.row[number], len(self.tokens[number])
                ids.append(row)
                windows.append((start - 0.06, stop + 0.06))
                if piece.strip()[:1].isalnum():
                    at = spans[-1][2] if spans and spans[-1][2] > start else start
                    spans.append((row, at, at + second * size))
        if not ids:
            # Nobody speaks: training says a lone blank, see ggml.py.
            ids, windows = [self.row[self.speller.id_of[b" "]]], [(0.0, 0.0)]
        return ids[:MOST_TOKENS], [*windows[:MOST_TOKENS], (clip.end - 0.12, clip.end + 0.25)], spans


def joined(clip, other):
    """Two utterances in a row, if they fit."""
    if (clip.lang != other.lang or not other.text or len(clip.mel) + len(other.mel) > 1300
            or len(clip.text.split()) + len(other.text.split()) > 25):
        return clip
    frames = len(clip.mel) // 2
    second, letters = frames / FRAMES_PER_SECOND, len(clip.text) + 1
    return Clip(torch.cat([clip.mel[: 2 * frames], other.mel]), clip.lang, f"{clip.text} {other.text}",
                np.concatenate([clip.sounds[:frames], other.sounds]),
                clip.words + [(place + letters, at + second) for place, at in other.words], other.end + second)
