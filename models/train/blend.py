"""Blends two checkpoints of one lineage: python blend.py OLD.pt NEW.pt OUT.pt [SHARE]

A model trained on wider text reads its first sentences worse. The mean of both models' weights reads those almost as
the old one and the rest almost as the new one (Wortsman and others, 2022). SHARE is the new one's part, 0 to 1.
"""

import argparse

import torch


def blend(old, new, share):
    """Tokens that the old one lacks keep the new one's rows; the new one's tokens must begin with the old one's."""
    if new["ids"][: len(old["ids"])] != old["ids"] or new["sounds"] != old["sounds"]:
        raise SystemExit("these checkpoints are not of one lineage: their tokens or sounds differ")
    weights = {name: weight.clone() for name, weight in new["weights"].items()}
    for name, weight in old["weights"].items():
        part = weights[name][: len(weight)]
        part.lerp_(weight, 1 - share)
    return {**new, "weights": weights}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("out")
    parser.add_argument("share", nargs="?", type=float, default=0.5)
    args = parser.parse_args()
    old, new = (torch.load(path, weights_only=True) for path in (args.old, args.new))
    torch.save(blend(old, new, args.share), args.out)


if __name__ == "__main__":
    main()
