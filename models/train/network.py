"""The network: whisper.cpp's graph, small, in PyTorch. Tensor names are Whisper's own.

Two further heads exist in training only: which sound, and which token, is being spoken in each frame of the encoder.
Everything is float32: on CPUs without matrix units bfloat16 products take longer.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

FRAMES_PER_SECOND = 50  # encoder states; mel frames are twice as many


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def joined(self, x):
        return self.out(x.transpose(1, 2).flatten(2))

    def itself(self, x, causal):
        query, key, value = (self.split(part(x)) for part in (self.query, self.key, self.value))
        return self.joined(F.scaled_dot_product_attention(query, key, value, is_causal=causal))

    def over(self, x, memory):
        """Also returns the weights (batch, heads, tokens, frames), which training guides."""
        query, key, value = self.split(self.query(x)), self.split(self.key(memory)), self.split(self.value(memory))
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
        return self.joined(weights @ value), weights


class Block(nn.Module):
    def __init__(self, width, heads, cross):
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)


class Encoder(nn.Module):
    def __init__(self, width, heads, layers, positions):
        super().__init__()
        self.conv1 = nn.Conv1d(80, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(positions, width))
        self.blocks = nn.ModuleList(Block(width, heads, cross=False) for _ in range(layers))
        self.ln_post = nn.LayerNorm(width)

    def forward(self, mel):
        """(batch, mel frames, 80) to (batch, half as many, width)."""
        x = F.gelu(convolved(mel, self.conv1, 1), approximate="tanh")
        x = F.gelu(convolved(x, self.conv2, 2), approximate="tanh")
        x = x + self.positional_embedding[: x.shape[1]]
        for block in self.blocks:
            x = x + block.attn.itself(block.attn_ln(x), causal=False)
            x = x + block.mlp(block.mlp_ln(x))
        return self.ln_post(x)


class Decoder(nn.Module):
    """Dimension 0 is kept free: the file uses it to forbid every token that training did not know (ggml.py)."""

    def __init__(self, width, heads, layers, positions, tokens):
        super().__init__()
        self.token_embedding = nn.Embedding(tokens, width)
        self.positional_embedding = nn.Parameter(torch.randn(positions, width) * 0.01)
        self.blocks = nn.ModuleList(Block(width, heads, cross=True) for _ in range(layers))
        self.ln = nn.LayerNorm(width)
        free = torch.ones(width)
        free[0] = 0
        self.register_buffer("free", free, persistent=False)

    def forward(self, ids, memory):
        """Logits (batch, tokens, vocabulary) and the attention weights of each layer."""
        table = self.token_embedding.weight * self.free
        x = F.embedding(ids, table) + self.positional_embedding[: ids.shape[1]]
        attention = []
        for block in self.blocks:
            x = x + block.attn.itself(block.attn_ln(x), causal=True)
            heard, weights = block.cross_attn.over(block.cross_attn_ln(x), memory)
            x = x + heard
            x = x + block.mlp(block.mlp_ln(x))
            attention.append(weights)
        return F.linear(self.ln(x) * self.free, table), attention


class Recogniser(nn.Module):
    def __init__(self, tokens, sounds, width=192, encoder=4, decoder=2, audio=1500, text=128):
        super().__init__()
        self.shape = dict(tokens=tokens, sounds=sounds, width=width, encoder=encoder, decoder=decoder, audio=audio,
                          text=text)
        self.heads = width // 64
        self.encoder = Encoder(width, self.heads, encoder, audio)
        self.decoder = Decoder(width, self.heads, decoder, text, tokens)
        self.sound = nn.Linear(width, sounds)
        self.spoken = nn.Linear(width, tokens)
        for name, weight in self.named_parameters():
            if weight.dim() < 2 or "positional" in name:
                continue
            # What a block adds starts small, so that the sum over the layers keeps its size.
            gain = 0.25 if "mlp.2" in name else 0.5 if "out" in name else 1.0
            nn.init.normal_(weight, std=0.02 if "embedding" in name else gain * weight[0].numel() ** -0.5)

    @torch.no_grad()
    def read(self, mel, prompt, end, never, never_first, longest=59):
        """Greedy decoding of a batch as whisper.cpp does it; a list of token rows without prompt and end."""
        memory = self.encoder(mel)
        ids = torch.tensor([prompt]).repeat(len(mel), 1)
        ended = torch.zeros(len(mel), dtype=torch.bool)
        for step in range(longest):
            logits = self.decoder(ids, memory)[0][:, -1]
            logits[:, never + (never_first if step == 0 else [])] = -torch.inf
            chosen = logits.argmax(-1).masked_fill(ended, end)
            ids = torch.cat([ids, chosen[:, None]], 1)
            ended |= chosen == end
            if ended.all():
                break
        rows = ids[:, len(prompt) :].tolist()
        return [row[: row.index(end)] if end in row else row for row in rows]


def convolved(x, conv, stride):
    """The convolution of width 3 over (batch, time, channels), as one matrix product."""
    steps = (x.shape[1] - 1) // stride + 1
    x = F.pad(x, (0, 0, 1, 1))
    taps = [x[:, tap : tap + stride * (steps - 1) + 1 : stride] for tap in range(3)]
    return F.linear(torch.cat(taps, -1), conv.weight.permute(0, 2, 1).flatten(1), conv.bias)


def sinusoids(positions, width):
    rate = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))
    angle = torch.arange(positions)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], 1)
