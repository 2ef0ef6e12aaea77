"""Writes a checkpoint as whisper.cpp's file: python export.py CHECKPOINT.pt MODEL.bin [--half]"""

import argparse
from pathlib import Path

import torch

import ggml
from network import Recogniser
from vocabulary import Whisper


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--half", action="store_true", help="half precision instead of q5_1")
    args = parser.parse_args()
    state = torch.load(args.checkpoint, weights_only=True)
    model = Recogniser(**state["shape"])
    model.load_state_dict(state["weights"])
    ggml.write(args.model, model, state["ids"], Whisper.of(), ggml.F16 if args.half else ggml.Q5_1)
    print(f"{args.model}: {args.model.stat().st_size} bytes")


if __name__ == "__main__":
    main()
