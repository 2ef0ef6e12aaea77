"""Speech from SVOX Pico (PyPI's `ttspico`, Apache-2.0, voices included), with the moment of every word and sound.

Pico does not tell when it says what. espeak-ng says the same sentence and does; dynamic time warping of the two
carries its times over.
"""

import numpy as np
from scipy.signal import resample_poly
from ttspico import TtsEngine

from voices import RATE, Speech

LANGUAGES = {"de": ["de-DE"], "en": ["en-GB", "en-US"]}
OWN_RATE = 16000
STEPS_PER_SECOND = 50
STEP = RATE // STEPS_PER_SECOND


class Pico:
    def __init__(self, guide):
        self.guide = guide  # a Synthesiser
        self.engines = {}

    def say(self, chance, lang, text, speed, pitch):
        """`speed` and `pitch` in percent of the usual."""
        name = chance.choice(LANGUAGES[lang])
        engine = self.engines.setdefault(name, None) or TtsEngine(name)
        self.engines[name] = engine
        engine.rate, engine.pitch = int(speed), int(pitch)
        samples = np.frombuffer(engine.speak(text), np.int16).astype(np.float32) / 32768
        loud = np.flatnonzero(np.abs(samples) > 2e-3)
        if not len(loud):
            raise ValueError(f"Pico says nothing: {text}")
        samples = samples[max(0, loud[0] - OWN_RATE // 50) : loud[-1] + OWN_RATE // 20]
        wave = resample_poly(samples, RATE // 50, OWN_RATE // 50).astype(np.float32)
        guide = self.guide.say(text, "de" if lang == "de" else name.lower() if name == "en-US" else "en", 165 * speed / 100)
        at = warp(guide.wave, wave)
        moved = lambda marks: [(what, float(np.interp(second, at[0], at[1]))) for what, second in marks]
        return Speech(wave, moved(guide.words), moved(guide.sounds), f"pico {name}")


def warp(one, other):
    """Seconds of `one` and the seconds of `other` at which the same is said."""
    costs = 1 - picture(one) @ picture(other).T
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    # Along the diagonals, which depend on earlier ones alone.
    for diagonal in range(rows + columns - 1):
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        column = diagonal - row
        before = np.minimum(total[row, column], np.minimum(total[row, column + 1], total[row + 1, column]) + 0.05)
        total[row + 1, column + 1] = costs[row, column] + before
    row, column, path = rows - 1, columns - 1, []
    while row >= 0 and column >= 0:
        path.append((row, column))
        ways = (total[row, column], total[row, column + 1] + 0.05, total[row + 1, column] + 0.05)
        best = int(np.argmin(ways))
        row, column = row - (best != 2), column - (best != 1)
    first = {}
    for row, column in reversed(path):
        first.setdefault(row, column)
    return np.array(list(first)) / STEPS_PER_SECOND, np.array(list(first.values())) / STEPS_PER_SECOND


def picture(wave):
    """Unit vectors, one every 20 ms: the loudness of 24 bands, freed of the speaker's average."""
    padded = np.concatenate([np.zeros(STEP // 2), wave, np.zeros(2 * STEP)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * STEP)[::STEP][: max(2, len(wave) // STEP)]
    power = np.abs(np.fft.rfft(frames * np.hanning(2 * STEP))) ** 2
    edges = (np.geomspace(150, 5000, 26) / RATE * 2 * STEP).astype(int)
    bands = np.stack([power[:, low : high + 1].sum(1) for low, high in zip(edges, edges[2:])], 1)
    bands = np.log(bands + 1e-4)
    bands = (bands - bands.mean(0)) / (bands.std(0) + 1e-3)
    return bands / (np.linalg.norm(bands, axis=1, keepdims=True) + 1e-6)
