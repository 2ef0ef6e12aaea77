"""Measures models with whisper.cpp itself, through the program's own transcriber (examples/transcribe.rs).

    python evaluate.py make SETS             speaks the test sets into the folder SETS
    python evaluate.py read SETS MODEL...    word error rates; --worst N also shows the N worst readings of each set
"""

import argparse
import random
import subprocess
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np

from line import Line, band, level, mu_law, to_line
from texts import Texts, everyday, key
from voices import BASES, HELD, NUMBERED, Synthesiser

TRANSCRIBE = Path(__file__).parents[2] / "target/release/examples/transcribe"
SPOKEN = ["corpus", "noise", "voices", "everyday", "everyday-known-voices"]


def make(folder):
    chance = random.Random(2026)
    held = Texts(chance).held(250)
    everyday_lines = list(everyday())
    known = lambda lang, at: chance.choice(BASES[lang]) + chance.choice(["", *(f"+{name}" for name in NUMBERED)])
    unknown = lambda lang, at: f"{BASES[lang][at % len(BASES[lang])]}+{HELD[at % len(HELD)]}"
    speaker, line = Synthesiser(chance), Line(chance)

    def speak(name, rows, voice_of, noise_db=None):
        for at, (lang, text) in enumerate(rows):
            voice = voice_of(lang, at)
            speech = speaker.say(text, voice, chance.uniform(145, 190), chance.uniform(35, 65), chance.uniform(35, 70))
            pause = lambda: np.zeros(int(chance.uniform(0.15, 0.4) * 8000))
            call = level(band(np.concatenate([pause(), to_line(speech.wave), pause()]), 300, 3400))
            if noise_db is not None:
                call = call + line.noise(len(call), chance.choice(["white", "pink", "office", "street"])) * 10 ** (
                    -noise_db / 20)
            store(folder / name, at, lang, voice, text, mu_law(call * 10 ** (chance.uniform(-26, -18) / 20)))

    speak("corpus", held, known)
    speak("noise", held[:150], known, noise_db=15)
    speak("voices", held[:150], unknown)
    speak("everyday", everyday_lines, unknown)
    speak("everyday-known-voices", everyday_lines, known)
    for at in range(120):
        store(folder / "silence", at, "de", "", "", line.nothing())


def store(folder, at, lang, voice, text, call):
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / f"{at:03}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((call.clip(-1, 1) * 32767).astype("<i2").tobytes())
    with (folder / "said.tsv").open("w" if at == 0 else "a", encoding="utf8") as file:
        file.write(f"{at:03}.wav\t{lang}\t{voice}\t{text}\n")


def read(folder, model, transcribe, worst):
    for name in [*SPOKEN, "silence"]:
        if not (folder / name).exists():
            continue
        rows = [row.split("\t") for row in (folder / name / "said.tsv").read_text(encoding="utf8").splitlines()]
        heard = transcribed(transcribe, model, [(row[1], folder / name / row[0]) for row in rows])
        if name == "silence":
            lettered = [text for text in heard if any(sign.isalpha() for sign in text)]
            print(f"  {name:22} {100 * (1 - len(lettered) / len(rows)):5.1f} % of {len(rows)} clips read as nothing")
            for text in lettered[:worst]:
                print(f"      {text}")
            continue
        show(name, rows, heard, worst)


def show(name, rows, heard, worst):
    groups, readings = defaultdict(lambda: [0, 0]), []
    for (_, lang, voice, said), text in zip(rows, heard):
        errors, words = word_errors(said, text)
        readings.append((errors, said, text))
        variant = voice.partition("+")[2]
        for group in [lang, *([f"{lang} {variant}"] if variant in HELD else [])]:
            groups[group][0] += errors
            groups[group][1] += words
    rates = "  ".join(f"{group} {100 * errors / words:.1f} %" for group, (errors, words) in sorted(groups.items()))
    loops = sum(len(text.split()) > 2 * len(said.split()) + 8 for _, said, text in readings)
    print(f"  {name:22} {rates}; {loops} of {len(rows)} ran on")
    for errors, said, text in sorted(readings, reverse=True)[:worst]:
        print(f"      {errors}  {said}  ->  {text}")


def transcribed(transcribe, model, recordings):
    asked = "".join(f"{lang}\t{path}\n" for lang, path in recordings)
    answer = subprocess.run([transcribe, model], input=asked, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{transcribe} failed: {answer.stderr.strip()}")
    return [row.partition("\t")[2] for row in answer.stdout.splitlines()]


def word_errors(said, heard):
    """Substituted, missing and added words, and the number of words said."""
    said, heard = key(said).split(), key(heard).split()
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        before, row[0] = row[0], count
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], min(before + (word != other), row[at] + 1, row[at - 1] + 1)
    return row[-1], len(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "read"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--worst", type=int, default=0)
    parser.add_argument("--transcribe", type=Path, default=TRANSCRIBE)
    args = parser.parse_args()
    if args.what == "make":
        make(args.folder)
    for model in args.models:
        print(model.name)
        read(args.folder, model, args.transcribe, args.worst)


if __name__ == "__main__":
    main()
