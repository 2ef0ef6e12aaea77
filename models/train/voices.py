"""Speech from espeak-ng's C library, with the moment of every word and every sound."""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

import invented

RATE = 22050

HELD = ["f4", "m5", "Alicia"]
NUMBERED = "f1 f2 f3 f5 m1 m2 m3 m4 m6 m7 m8".split()
NAMED = """Andrea Annie anika belinda linda steph steph2 steph3 aunty grandpa grandma Andy adam Alex antonio benjamin boris
caleb croak david Denis Diogo ed edward edward2 Gene Gene2 gustave Henrique Hugo iven iven2 iven3 Jacky john kaukovalta
Lee Marco marcelo Mario max Michael Michel miguel Mike Nguyen norbert pablo paul pedro quincy rob robert robosoft
sandro shelby Storm travis victor whisper whisperf zac klatt klatt2 klatt3 klatt4 klatt5 klatt6""".split()
BASES = {"de": ["de"], "en": "en-us en-us en en en-gb-x-rp en-gb-scotland en-gb-x-gbclan en-gb-x-gbcwmd en-029".split()}

WORD, PHONEME = 1, 7
SPEED, PITCH, RANGE = 1, 3, 4
SYNCHRONOUS, PHONEME_EVENTS, UTF8 = 2, 1, 1


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_void_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _Id)]


@dataclass
class Speech:
    wave: np.ndarray  # -1 to 1 at RATE, without the silence at its end
    words: list  # (place of the first letter in the text, second)
    sounds: list  # (espeak-ng's name of the sound, second)
    voice: str


class Synthesiser:
    def __init__(self, chance):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.library.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
        data = ctypes.c_char_p()
        self.library.espeak_Info(ctypes.byref(data))
        self.data = invented.data_with_them(Path(data.value.decode()), chance)
        self.library.espeak_Terminate()
        rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, self.data.name.encode(), PHONEME_EVENTS)
        if rate != RATE:
            raise RuntimeError(f"espeak-ng answers with {rate} Hz: {RATE} is wanted, install espeak-ng-data")
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        self.callback = kind(self._collect)
        self.library.espeak_SetSynthCallback(self.callback)

    def say(self, text, voice, speed=165, pitch=50, melody=50):
        """`speed` in words a minute, `pitch` and `melody` from 0 to 100 with 50 as usual."""
        self.chunks, self.words, self.sounds = [], [], []
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        for parameter, value in ((SPEED, speed), (PITCH, pitch), (RANGE, melody)):
            self.library.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode()
        self.library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        wave = np.concatenate(self.chunks or [np.zeros(1, np.int16)]).astype(np.float32) / 32768
        loud = np.flatnonzero(np.abs(wave) > 2e-3)
        wave = wave[: loud[-1] + RATE // 20] if len(loud) else wave[:1]
        return Speech(wave, sorted(self.words), list(self.sounds), voice)

    def _collect(self, samples, count, events):
        if count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            at = event.audio_position / 1000
            if event.type == WORD:
                self.words.append((event.text_position - 1, at))
            elif event.type == PHONEME:
                name = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0]
                self.sounds.append((name.decode("utf8", "replace"), at))
            index += 1
        return 0


def any_voice(chance, lang, held=False):
    base = chance.choice(BASES[lang])
    if held:
        return f"{base}+{chance.choice(HELD)}"
    kind = chance.choices(["plain", "numbered", "named", "invented"], [0.1, 0.25, 0.2, 0.45])[0]
    of = {"numbered": NUMBERED, "named": NAMED, "invented": invented.NAMES}
    return base if kind == "plain" else f"{base}+{chance.choice(of[kind])}"


def anyhow(chance, speaker, lang, text, held=False):
    """The text in some voice at some speed and pitch; one in eight is agitated."""
    agitated = chance.random() < 0.125
    speed = chance.uniform(150, 220) if agitated else chance.uniform(130, 205)
    low, high = (60, 95) if agitated else (25, 75)
    return speaker.say(text, any_voice(chance, lang, held), speed, chance.uniform(low, high), chance.uniform(low, high))


def another_throat(speech, size):
    """As if the speaker were smaller by the factor `size`: higher and faster, formants too."""
    wave = resample_poly(speech.wave, 100, round(100 * size)).astype(np.float32)
    sooner = lambda marks: [(what, at / size) for what, at in marks]
    return Speech(wave, sooner(speech.words), sooner(speech.sounds), speech.voice)
