"""Makes spoken clips: python clips.py OUT.pt COUNT SEED [--held sentences|voices] [--texts FILE ...]

A file holds a list of dictionaries: `mel` (frames by 80, half precision), `lang`, `text` (empty when nobody speaks),
`voice`, `end` (second of the last sound), `words` (place in the text, second) and `phones` (sound, second).
"""

import argparse
import os
import random
import time

import torch

from features import LogMel
from line import Line
from pico import Pico
from texts import Texts
from vocabulary import Whisper
from voices import Synthesiser, another_throat, anyhow

SILENT_SHARE = 0.03
PICO_SHARE, OTHER_THROATS = 0.35, 0.35


def anybody(chance, speaker, pico, lang, text):
    """The text in one of the voices, or in one that no synthesiser has."""
    if chance.random() < PICO_SHARE:
        speech = pico.say(chance, lang, text, chance.uniform(90, 150), chance.uniform(75, 135))
    else:
        speech = anyhow(chance, speaker, lang, text)
    return another_throat(speech, chance.uniform(0.85, 1.18)) if chance.random() < OTHER_THROATS else speech


def spoken(chance, speech, line, mel, lang, text):
    lead = chance.uniform(0.02, 0.35)
    tail = chance.choice([chance.uniform(0.02, 0.3), chance.uniform(0.2, 0.9)])
    # The band's filter and both resamplings together are late by less than a millisecond.
    picture = mel.of_call(line.through(speech.wave, lead, tail))
    moved = lambda marks: [(what, lead + at) for what, at in marks]
    return dict(lang=lang, text=text, voice=speech.voice, mel=picture.half(), end=lead + len(speech.wave) / 22050,
                words=moved(speech.words), phones=moved(speech.sounds))


def silent(line, mel):
    picture = mel.of_call(line.nothing())
    return dict(lang="de", text="", voice="", mel=picture.half(), end=0.0, words=[], phones=[])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--held", choices=["sentences", "voices"], help="make clips that training must not see")
    parser.add_argument("--texts", nargs="*", default=[], help="more text, see texts.py")
    args = parser.parse_args()
    torch.set_num_threads(1)
    chance = random.Random(args.seed)
    texts, speaker, line = Texts(chance, args.texts), Synthesiser(chance), Line(chance)
    pico = Pico(speaker)
    mel, began = LogMel(Whisper.of().filters), time.time()
    wanted = texts.held(args.count) if args.held else (texts.any() for _ in range(args.count))
    if args.held == "voices":
        say = lambda lang, text: anyhow(chance, speaker, lang, text, held=True)
    else:
        say = lambda lang, text: anybody(chance, speaker, pico, lang, text)
    clips = [spoken(chance, say(lang, text), line, mel, lang, text) for lang, text in wanted]
    clips += [silent(line, mel) for _ in range(0 if args.held else round(args.count * SILENT_SHARE))]
    torch.save(clips, args.out + ".part")
    os.replace(args.out + ".part", args.out)
    hours = sum(len(clip["mel"]) for clip in clips) / 360000
    print(f"{args.out}: {len(clips)} clips, {hours:.1f} hours, made in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
