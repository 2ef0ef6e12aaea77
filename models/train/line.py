"""What a telephone line does to speech, and what is heard on it when nobody speaks. Everything at 8 kHz."""

import numpy as np
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from voices import RATE as VOICE_RATE

RATE = 8000
NOISES = ["white", "white", "pink", "hum", "office", "street", "babble", "music"]


def to_line(wave):
    return resample_poly(wave, RATE // 50, VOICE_RATE // 50)


def band(wave, low, high):
    return sosfilt(butter(3, [low, min(high, RATE / 2 - 50)], "band", fs=RATE, output="sos"), wave)


def mu_law(wave):
    """There and back again, in the continuous form of ITU-T G.711."""
    packed = np.sign(wave) * np.log1p(255 * np.abs(wave).clip(0, 1)) / np.log(256)
    packed = np.round(packed * 127) / 127
    return np.sign(packed) * np.expm1(np.abs(packed) * np.log(256)) / 255


def a_law(wave):
    size, whole = np.abs(wave).clip(0, 1), 1 + np.log(87.6)
    packed = np.where(size < 1 / 87.6, 87.6 * size / whole, (1 + np.log(np.maximum(87.6 * size, 1))) / whole)
    packed = (np.floor(packed * 128).clip(0, 127) + 0.5) / 128
    size = np.where(packed < 1 / whole, packed * whole / 87.6, np.exp(packed * whole - 1) / 87.6)
    return np.sign(wave) * size


class Line:
    """Random lines. It remembers some speech, for babble and crosstalk."""

    def __init__(self, chance):
        self.chance = chance
        self.random = np.random.default_rng(chance.getrandbits(32))
        self.others = []

    def through(self, wave, lead, tail):
        """Speech at VOICE_RATE to a call at RATE, with so many seconds before and after it. A third is undisturbed."""
        chance = self.chance
        speech = to_line(wave)
        quiet = lambda seconds: np.zeros(int(seconds * RATE))
        call = np.concatenate([quiet(lead), speech, quiet(tail)])
        call = level(band(call, chance.uniform(200, 350), chance.uniform(3200, 3700)))
        if chance.random() < 0.65:
            call = call + self.noise(len(call), chance.choice(NOISES)) * 10 ** (-chance.uniform(8, 40) / 20)
        if chance.random() < 0.05 and self.others:
            call = call + np.resize(chance.choice(self.others), len(call)) * 10 ** (-chance.uniform(20, 35) / 20)
        if len(speech) > RATE and chance.random() < 0.1:
            self.others = [*self.others[-59:], call.astype(np.float32)]
        loudness = chance.uniform(-8, -3) if chance.random() < 0.05 else chance.uniform(-33, -14)
        return self.coded(call * 10 ** (loudness / 20))

    def coded(self, call):
        """Overload, the line's code, and now and then lost packets of 20 ms."""
        call = np.clip(call, -1, 1)
        part = self.chance.random()
        call = mu_law(call) if part < 0.5 else a_law(call) if part < 0.8 else np.round(call * 32767) / 32768
        if self.chance.random() < 0.08:
            share = self.chance.uniform(0.005, 0.03)
            for start in range(160, len(call) - 160, 160):
                if self.random.random() < share:
                    # Half of the devices repeat the packet before, the others are silent.
                    call[start : start + 160] = 0.5 * call[start - 160 : start] if self.random.random() < 0.5 else 0
        return call.astype(np.float32)

    def noise(self, count, kind):
        """Of one on average (root of the mean square)."""
        random = self.random
        white = random.standard_normal(count)
        if kind == "babble" and len(self.others) >= 8:
            voices = (np.resize(voice, count) for voice in self.chance.sample(self.others, 4))
            return level(sum(np.roll(voice, random.integers(count)) for voice in voices))
        if kind == "pink":
            tones = np.fft.rfft(white)
            return level(np.fft.irfft(tones / np.sqrt(np.arange(len(tones)).clip(8)), count))
        if kind == "hum":
            time = np.arange(count) / RATE
            tones = sum(random.random() * np.sin(2 * np.pi * 50 * k * time + 6 * random.random()) for k in range(2, 12))
            return level(0.3 * white + tones)
        if kind == "street":
            # Passing cars: low noise that swells and fades over seconds.
            return level(lfilter([1], [1, -0.95], white) * self.swell(count, RATE * 2) + 0.1 * white)
        if kind == "office":
            return level(band(white, 300, 1500) * self.swell(count, RATE // 10))
        if kind == "music":
            return level(self.music(count))
        return white

    def swell(self, count, every):
        knots = 0.4 + np.abs(self.random.standard_normal(count // every + 3))
        return np.interp(np.arange(count), np.arange(len(knots)) * every, knots)

    def music(self, count):
        """A plain waiting tune: chords with overtones, a new one two to four times a second."""
        wave, at, random = np.zeros(count), 0, self.random
        while at < count:
            long = min(count - at, int(RATE * random.uniform(0.25, 0.6)))
            time = np.arange(long) / RATE
            ground = 220 * 2 ** (random.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
            for step in (0, 4, 7):
                for overtone in (1, 2, 3):
                    wave[at : at + long] += (np.sin(2 * np.pi * ground * 2 ** (step / 12) * overtone * time)
                                             / overtone * np.exp(-2 * time))
            at += long
        return wave

    def nothing(self):
        """A call on which nobody says a word: silence, any noise at any level, loud too, tones and clicks."""
        chance = self.chance
        count = int(chance.uniform(0.4, 6) * RATE)
        part = chance.random()
        if part < 0.15:
            call = np.zeros(count)
            if chance.random() < 0.5:
                call[chance.randrange(count)] = 1e-3
            return call.astype(np.float32)
        kind = chance.choice([name for name in NOISES if name != "babble"])
        call = band(self.noise(count, kind), chance.uniform(150, 350), chance.uniform(3000, 3700))
        call = level(call) * 10 ** (chance.uniform(-70, -12) / 20)
        if part > 0.75:
            tone = chance.choice([350, 425, 440, 950, 1400, 2100])
            start = chance.randrange(count)
            stop = start + chance.randrange(20, RATE)
            beep = np.sin(2 * np.pi * tone * np.arange(count) / RATE) * 10 ** (chance.uniform(-40, -10) / 20)
            call[start:stop] += beep[start:stop]
        return self.coded(call)


def level(wave):
    return wave / (np.sqrt(np.mean(np.square(wave))) + 1e-9)
