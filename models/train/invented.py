"""Speakers that espeak-ng does not bring: its variants with other throats, breaths and habits, drawn by lot."""

import tempfile
from pathlib import Path

# espeak-ng takes 350 voices in all, its own among them; those of mbrola are left out for that.
NAMES = [f"invented{number}" for number in range(100)]


def variant(chance):
    """A voice in the format of espeak-ng's `voices/!v`. Breathy ones, with weak voicing, are as frequent as clear ones:
    among those that come with espeak-ng they are rare, and a model that met few of them reads them badly."""
    some = lambda low, high: round(chance.uniform(low, high))
    often = lambda share: chance.random() < share
    base, size = some(65, 220), chance.uniform(0.85, 1.35)
    rows = ["language variant", f"gender {chance.choice(['male', 'female'])}", f"pitch {base} {base + some(20, 130)}",
            f"formant 0 {some(90, 120)} {some(60, 130)} {some(90, 160)}"]
    for formant in range(1, 9):
        weakest = 40 if formant < 4 else 0
        rows.append(f"formant {formant} {round(100 * size * chance.gauss(1, 0.06))} {some(weakest, 150)} {some(80, 170)}")
    rows += [f"intonation {some(1, 4)}", f"flutter {some(0, 12)}", f"roughness {some(0, 4)}"]
    if often(0.35):
        rows.append(f"echo {some(20, 140)} {some(5, 55)}")
    if often(0.5):
        deepest = chance.choice([6, 20, 75])
        rows += ["breath " + " ".join(str(some(0, deepest)) for _ in range(8)), "breathw 150 150 200 200 400 400",
                 f"voicing {some(20, 100)}"]
    elif often(0.5):
        rows.append(f"voicing {some(30, 160)}")
    if often(0.4):
        rows.append(f"consonants {some(50, 130)} {some(20, 130)}")
    if often(0.3):
        rows.append("tone 100 255 " + " ".join(f"{hertz} {some(10, 200)}" for hertz in (600, 1200, 2000, 3000)))
    if often(0.4):
        rows.append("stressAmp " + " ".join(str(some(12, 27)) for _ in range(8)))
    if often(0.4):
        rows.append("stressAdd " + " ".join(str(some(-20, 140)) for _ in range(8)))
    return "\n".join(rows) + "\n"


def data_with_them(data, chance):
    """A folder that holds espeak-ng's `data` by links, and invented voices of its own beside them. It is removed with
    the object returned, whose `name` it is."""
    folder = tempfile.TemporaryDirectory(prefix="espeak-")
    ours = Path(folder.name) / "espeak-ng-data"
    (ours / "voices" / "!v").mkdir(parents=True)
    for part in (part for part in data.iterdir() if part.name != "voices"):
        (ours / part.name).symlink_to(part)
    for part in (data / "voices" / "!v").iterdir():
        (ours / "voices" / "!v" / part.name).symlink_to(part)
    for name in NAMES:
        (ours / "voices" / "!v" / name).write_text(variant(chance), encoding="utf8")
    return folder
