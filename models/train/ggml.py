"""Writes whisper.cpp's file, with weights in half precision or in blocks of five bits (q5_1)."""

import struct

import numpy as np
import torch

from vocabulary import SIZE

MAGIC, F32, F16, Q5_1 = 0x67676D6C, 0, 1, 7
FILE_TYPE = {F16: 1, Q5_1: 1000 * 2 + 9}  # the thousands are ggml's quantisation version
FLOOR = -60.0
# Small tensors that whisper.cpp's own quantiser leaves as they are; convolutions and positions are used unquantised.
PLAIN = ("encoder.conv1.weight", "encoder.conv2.weight", "encoder.positional_embedding",
         "decoder.positional_embedding")


def write(path, model, ids, whisper, kind=Q5_1):
    """`ids` tells the Whisper token of each row of the model's table."""
    shape, weights = model.shape, for_whisper(model, ids, whisper)
    with open(path, "wb") as file:
        file.write(struct.pack("<12i", MAGIC, SIZE, shape["audio"], shape["width"], model.heads, shape["encoder"],
                               shape["text"], shape["width"], model.heads, shape["decoder"], 80, FILE_TYPE[kind]))
        file.write(struct.pack("<2i", *whisper.filters.shape))
        file.write(whisper.filters.astype("<f4").tobytes())
        file.write(struct.pack("<i", len(whisper.tokens)))
        for token in whisper.tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for name, weight in weights.items():
            file.write(tensor(name, weight.numpy(), kind))


def for_whisper(model, ids, whisper):
    """The tensors of the file: no training heads, and a table of all of Whisper's tokens.

    The decoder's last normalisation makes dimension 0 a constant 1. There the rows of tokens that training did not
    know hold the floor, so that their logit is the floor whatever is said and they are never chosen.
    """
    weights = {name: value.detach().float().clone() for name, value in model.state_dict().items()
               if not name.startswith(("sound.", "spoken."))}
    learned = weights["decoder.token_embedding.weight"]
    learned[:, 0] = 0
    table = torch.zeros(SIZE, learned.shape[1])
    table[:, 0] = FLOOR
    table[torch.tensor(ids)] = learned
    # Training answers a clip without speech with a lone blank. whisper.cpp forbids that as the first token, so " ..."
    # gets the blank's row: silence and noise read "...", which has no letters.
    at = {token: number for number, token in reversed(list(enumerate(whisper.tokens)))}
    table[at[b" ..."]] = learned[list(ids).index(at[b" "])]
    weights["decoder.token_embedding.weight"] = table
    weights["decoder.ln.weight"][0] = 0
    weights["decoder.ln.bias"][0] = 1
    for name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        weights[name] = weights[name][:, None]
    return weights


def tensor(name, values, kind):
    if values.ndim < 2 or name.endswith("bias") or "positional" in name:
        kind, data = F32, values.astype("<f4").tobytes()
    elif kind == F16 or name in PLAIN:
        kind, data = F16, values.astype("<f2").tobytes()
    else:
        data = q5_1(values)
    dims = values.shape[::-1]
    head = struct.pack("<3i", len(dims), len(name.encode()), kind) + struct.pack(f"<{len(dims)}i", *dims)
    return head + name.encode() + data


def q5_1(values):
    """ggml's block of 32 values: step and least value in half precision, 32 fifth bits, 32 times four bits."""
    blocks = values.astype(np.float32).reshape(-1, 32)
    least = blocks.min(1, keepdims=True)
    step = (blocks.max(1, keepdims=True) - least) / 31
    inverse = np.divide(1, step, out=np.zeros_like(step), where=step > 0)
    codes = np.minimum(31, (blocks - least) * inverse + 0.5).astype(np.uint32)
    out = np.empty(len(blocks), [("step", "<f2"), ("least", "<f2"), ("fifth", "<u4"), ("four", "u1", 16)])
    out["step"], out["least"] = step[:, 0], least[:, 0]
    out["fifth"] = ((codes >> 4) << np.arange(32, dtype=np.uint32)).sum(1, dtype=np.uint32)
    out["four"] = (codes[:, :16] & 15) | (codes[:, 16:] & 15) << 4
    return out.tobytes()
