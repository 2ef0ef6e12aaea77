"""Trains the network: python train.py RUN --clips 'data/*.pt' --minutes 600

RUN is a folder for `checkpoint.pt` (averaged weights, written again and again) and `log.txt`. The rate of learning falls
to nearly nothing at the end of the minutes, whatever the machine did in them.
"""

import argparse
import glob
import os
import random
import time
from collections import Counter
from pathlib import Path

import torch
import torch.nn.functional as F

from batches import UNSAID, Batches, Clip, Shards
from evaluate import word_errors
from muon import Muon
from network import FRAMES_PER_SECOND, Recogniser
from vocabulary import END, NO_SPEECH, SPECIAL, Whisper, choose_tokens

SMOOTHING = 0.06
WEIGHTS = dict(text=1.0, sound=0.2, attention=0.3, spoken=0.4)
ADAM_RATE, MUON_RATE, LEAST_RATE = 1.5e-3, 0.015, 0.03


def losses(model, batch):
    """Text; which sound is spoken in each frame; which token; and whether the decoder looks where the word is."""
    memory = model.encoder(batch.mel)
    logits, attention = model.decoder(batch.ids, memory)
    said = batch.next != UNSAID
    text = F.cross_entropy(logits[said], batch.next[said], label_smoothing=SMOOTHING)
    sound = F.cross_entropy(model.sound(memory).flatten(0, 1), batch.sounds.flatten())
    # A part of the frames is enough, of those without speech a small one.
    some = torch.rand(batch.sounds.shape) < torch.where(batch.sounds > 0, 0.4, 0.06)
    spoken = F.cross_entropy(model.spoken(memory[some]), batch.spoken[some])
    second = torch.arange(memory.shape[1]) / FRAMES_PER_SECOND
    within = (second >= batch.window[..., :1]) & (second <= batch.window[..., 1:])
    timed = said & (batch.window[..., 1] > 0)
    # The first head of every layer is guided, the others are free.
    looking = [-(weights[:, 0] * within).sum(-1)[timed].clamp_min(1e-4).log().mean() for weights in attention]
    return dict(text=text, sound=sound, attention=sum(looking) / len(looking), spoken=spoken)


def rate_at(done, step, warm, hold):
    """The share of the full rate when this share of the time is done."""
    fall = 1.0 if done < hold else LEAST_RATE + (1 - LEAST_RATE) * (1 - done) / (1 - hold)
    return fall * min(1.0, (step + 1) / warm)


class Average:
    """The running average of the weights, which is what is kept and measured."""

    def __init__(self, model, forget=0.998):
        self.forget, self.steps = forget, 0
        self.weights = {name: value.clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def take(self, model):
        self.steps += 1
        forget = min(self.forget, (self.steps + 1) / (self.steps + 10))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - forget)


def held_out_errors(model, batches, clips):
    """Word error rates per language, in percent, of PyTorch's own greedy reading."""
    never = [batches.row[number] for number in SPECIAL if number != END]
    blank = batches.row[batches.speller.id_of[b" "]]
    rates = {}
    for lang in ("de", "en"):
        errors = words = 0
        mine = sorted((clip for clip in clips if clip.lang == lang and clip.text), key=lambda clip: len(clip.mel))
        for start in range(0, len(mine), 32):
            group = mine[start : start + 32]
            mel = batches.batch(group, training=False).mel
            rows = model.read(mel, batches.prompt(lang), batches.end, never, [batches.end, blank])
            for clip, row in zip(group, rows):
                wrong, said = word_errors(clip.text, batches.speller.text(batches.ids[at] for at in row))
                errors, words = errors + wrong, words + said
        rates[lang] = 100 * errors / max(1, words)
    return rates


def start(args, whisper):
    """A checkpoint to go on from, or a new one with the tokens and sounds of the first file of clips."""
    if args.start:
        return torch.load(args.start, weights_only=True)
    rows = [row for path in sorted(glob.glob(args.clips[0][0]))[:3] for row in torch.load(path, weights_only=True)]
    ids = SPECIAL + choose_tokens(whisper.tokens, [row["text"] for row in rows], args.least)
    counts = Counter(sound for row in rows for sound, _ in row["phones"])
    sounds = ["_", *sorted(sound for sound, count in counts.items() if count >= 20 and not sound.startswith("_"))]
    return dict(ids=ids, sounds=sounds, weights=None, shape=dict(tokens=len(ids), sounds=len(sounds), width=args.width))


def source(text):
    pattern, _, share = text.partition("=")
    return pattern, float(share or 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--clips", type=source, nargs="+", required=True, help="GLOB or GLOB=SHARE taken in each pass")
    parser.add_argument("--held", type=Path, help="clips to measure with")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--start", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--rate", type=float, default=1.0, help="times the usual rate of learning")
    parser.add_argument("--warm", type=int, default=200, help="steps until the full rate")
    parser.add_argument("--hold", type=float, default=0.3, help="share of the time with the full rate")
    parser.add_argument("--frames", type=int, default=8000, help="mel frames in a batch")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--least", type=int, default=25, help="times a token must be of use to be live")
    parser.add_argument("--measure", type=float, default=20, help="minutes between measurements")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    chance = random.Random(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    log = (args.run / "log.txt").open("a")

    def say(text):
        print(time.strftime("%H:%M:%S"), text, file=log, flush=True)

    whisper = Whisper.of()
    state = start(args, whisper)
    model = Recogniser(**state["shape"])
    if state["weights"]:
        model.load_state_dict(state["weights"])
    batches = Batches(state["ids"], whisper.tokens, chance)
    sound_ids = {sound: row for row, sound in enumerate(state["sounds"])}
    shards = Shards(args.clips, sound_ids, batches.speller, chance)
    held = Shards([(str(args.held), 1)], sound_ids, batches.speller, chance).clips if args.held else []
    say(f"{len(state['ids'])} tokens, {len(state['sounds'])} sounds, {len(shards.clips)} clips, "
        f"{sum(value.numel() for value in model.parameters()) / 1e6:.1f} M weights; {vars(args)}")

    inner = [value for name, value in model.named_parameters()
             if value.dim() > 1 and "embedding" not in name and not name.startswith(("sound", "spoken"))]
    outer = [value for value in model.parameters() if not any(value is other for other in inner)]
    muon = Muon(inner, MUON_RATE * args.rate)
    adam = torch.optim.AdamW(outer, ADAM_RATE * args.rate, betas=(0.9, 0.98), weight_decay=0, fused=True)
    full = [(group, group["lr"]) for group in (*muon.param_groups, *adam.param_groups)]
    average = Average(model)

    def keep():
        part = args.run / "checkpoint.part"
        torch.save(dict(weights=average.weights, ids=state["ids"], sounds=state["sounds"], shape=model.shape), part)
        os.replace(part, args.run / "checkpoint.pt")

    def measure():
        if held:
            current = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(average.weights)
            rates = held_out_errors(model, batches, held)
            model.load_state_dict(current)
            say("word errors " + ", ".join(f"{lang} {rate:.1f} %" for lang, rate in rates.items()))

    began = measured = time.time()
    step, seen, sums = 0, 0, Counter()
    for batch in batches.forever(shards, args.frames):
        done = (time.time() - began) / 60 / args.minutes
        if done >= 1:
            break
        for group, rate in full:
            group["lr"] = rate * rate_at(done, step, args.warm, args.hold)
        parts = losses(model, batch)
        sum(WEIGHTS[name] * loss for name, loss in parts.items()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in (muon, adam):
            optimiser.step()
            optimiser.zero_grad()
        average.take(model)
        step, seen = step + 1, seen + len(batch.mel)
        sums.update({name: loss.item() for name, loss in parts.items()})
        if step % 25 == 0:
            say(f"step {step}, {seen} clips, {100 * done:.1f} % of the time: "
                + ", ".join(f"{name} {total / 25:.3f}" for name, total in sums.items()))
            sums.clear()
            keep()
        if time.time() - measured > args.measure * 60:
            measure()
            measured = time.time()
    keep()
    measure()
    say(f"done after {step} steps and {seen} clips")


if __name__ == "__main__":
    main()
