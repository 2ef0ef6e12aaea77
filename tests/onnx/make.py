"""Makes tiny.onnx: a classifier of two outputs (negative, positive) over the words of vocab.txt, for the tests of the
feature `onnx`. Needs nothing but Python; the file is written field by field as protobuf wants it."""
import struct
from pathlib import Path

HERE = Path(__file__).parent
# What each piece adds to the two outputs; pieces not named add nothing.
SAYS = {"frech": (3.0, -1.0), "##heit": (1.0, 0.0), "danke": (-2.0, 4.0), "nie": (2.0, -1.0)}
FLOAT, INT64 = 1, 7
INT, INTS = 2, 7


def varint(number):
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def whole(field, number):
    return varint(field << 3) + varint(number)


def block(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, kind, dims, data):
    return b"".join(whole(1, dim) for dim in dims) + whole(2, kind) + block(8, name) + block(9, data)


def attribute(name, kind, values):
    return block(1, name) + b"".join(whole(3 if kind == INT else 8, value) for value in values) + whole(20, kind)


def node(op, inputs, output, *attributes):
    names = b"".join(block(1, name) for name in inputs)
    return names + block(2, output) + block(3, output) + block(4, op) + b"".join(block(5, one) for one in attributes)


def value(name, kind, dims):
    dims = b"".join(block(1, block(2, dim) if isinstance(dim, str) else whole(1, dim)) for dim in dims)
    return block(1, name) + block(2, block(1, whole(1, kind) + block(2, dims)))


pieces = (HERE / "vocab.txt").read_text().splitlines()
table = b"".join(struct.pack("<2f", *SAYS.get(piece, (0.0, 0.0))) for piece in pieces)
nodes = [
    node("Gather", ["table", "input_ids"], "said"),
    node("Cast", ["attention_mask"], "kept", attribute("to", INT, [FLOAT])),
    node("Unsqueeze", ["kept"], "mask", attribute("axes", INTS, [2])),
    node("Mul", ["said", "mask"], "heard"),
    node("ReduceSum", ["heard"], "logits", attribute("axes", INTS, [1]), attribute("keepdims", INT, [0])),
]
shape = ["batch", "tokens"]
graph = (
    b"".join(block(1, one) for one in nodes)
    + block(2, "tiny")
    + block(5, tensor("table", FLOAT, [len(pieces), 2], table))
    + block(11, value("input_ids", INT64, shape))
    + block(11, value("attention_mask", INT64, shape))
    + block(12, value("logits", FLOAT, ["batch", 2]))
)
model = whole(1, 6) + block(2, "ruhepol") + block(7, graph) + block(8, block(1, "") + whole(2, 11))
(HERE / "tiny.onnx").write_bytes(model)
