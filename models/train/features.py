"""Whisper's log-mel picture of a sound, as whisper.cpp computes it: one row of 80 bands every 10 ms."""

import numpy as np
import torch
from scipy.signal import resample_poly

RATE = 16000


class LogMel:
    def __init__(self, filters):
        self.filters = torch.from_numpy(filters.copy())
        self.window = torch.hann_window(400)

    def of_call(self, call):
        """From 8 kHz."""
        wave = resample_poly(call, 2, 1).astype(np.float32)
        return self.of(torch.from_numpy(wave.clip(-1, 1)))

    def of(self, wave):
        wave = torch.cat([wave[1:201].flip(0), wave, torch.zeros(200)])
        power = torch.stft(wave, 400, 160, window=self.window, center=False, return_complex=True).abs() ** 2
        mel = (self.filters @ power).clamp_min(1e-10).log10().T
        return (torch.maximum(mel, mel.max() - 8) + 4) / 4
