"""The Muon optimiser (Jordan and others, 2024): momentum whose matrix is made orthogonal before it is taken as a step."""

import torch

# Coefficients of the quintic Newton-Schulz iteration of the publication.
A, B, C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """For the matrices within the network; tables and vectors want AdamW."""

    def __init__(self, matrices, lr, momentum=0.95, decay=0.01):
        super().__init__(matrices, dict(lr=lr, momentum=momentum, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            alike = {}
            for matrix in group["params"]:
                mean = self.state[matrix].setdefault("mean", torch.zeros_like(matrix))
                mean.lerp_(matrix.grad, 1 - group["momentum"])
                step = matrix.grad.lerp(mean, group["momentum"]).flatten(1)
                tall = step.shape[0] > step.shape[1]
                alike.setdefault((tall, *sorted(step.shape)), []).append((matrix, step.T if tall else step))
            for (tall, *_), pairs in alike.items():
                steps = orthogonal(torch.stack([step for _, step in pairs]))
                for (matrix, _), step in zip(pairs, steps):
                    flat = matrix.flatten(1)
                    size = max(1, flat.shape[0] / flat.shape[1]) ** 0.5
                    matrix.mul_(1 - group["lr"] * group["decay"])
                    matrix.add_((step.T if tall else step).reshape(matrix.shape), alpha=-group["lr"] * size)


def orthogonal(steps, rounds=5):
    steps = steps / (steps.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(rounds):
        square = steps @ steps.transpose(1, 2)
        steps = A * steps + (B * square + C * square @ square) @ steps
    return steps
