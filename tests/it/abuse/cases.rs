//! What breaks the rules, and the close codes that are right.

use super::client::{BINARY, CLOSE, FIN, PING, PONG, TEXT, close, frame, head};

/// What a client sends, and the close codes that are right.
pub type Case = (&'static str, Vec<u8>, &'static [u16]);

/// Frames that no server may put up with.
pub fn broken_frames() -> Vec<Case> {
    let protocol: &[u16] = &[1002];
    let utf8: &[u16] = &[1007];
    let too_big: &[u16] = &[1009];
    let mut cases: Vec<Case> = vec![
        ("a text that is not masked", [head(FIN | TEXT, 2, false), b"{}".to_vec()].concat(), protocol),
        ("binary that is not masked", [head(FIN | BINARY, 2, false), vec![0; 2]].concat(), protocol),
        ("a ping that is not masked", head(FIN | PING, 0, false), protocol),
        ("a close that is not masked", [head(FIN | CLOSE, 2, false), vec![3, 0xe8]].concat(), protocol),
        ("the first reserved bit", frame(FIN | 0x40 | TEXT, b"{}"), protocol),
        ("the second reserved bit", frame(FIN | 0x20 | BINARY, b"{}"), protocol),
        ("the third reserved bit", frame(FIN | 0x10 | PING, b""), protocol),
        ("all reserved bits", frame(FIN | 0x70 | TEXT, b"{}"), protocol),
        ("a ping in fragments", frame(PING, b"x"), protocol),
        ("a close in fragments", frame(CLOSE, &[3, 0xe8]), protocol),
        ("a ping of 126 bytes", frame(FIN | PING, &[0; 126]), protocol),
        ("a pong of 70000 bytes", frame(FIN | PONG, &[0; 70_000]), protocol),
        ("a ping of 1 TiB, announced", [head(FIN | PING, 1 << 40, true), vec![0; 4]].concat(), protocol),
        ("a ping with its length in 16 bits", vec![FIN | PING, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'], protocol),
        ("a length in 16 bits that fits 7", vec![FIN | TEXT, 0xfe, 0, 2, 0, 0, 0, 0, b'{', b'}'], protocol),
        (
            "a length in 64 bits that fits 16",
            [vec![FIN | BINARY, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], vec![0; 256]].concat(),
            protocol,
        ),
        ("a close of 126 bytes", frame(FIN | CLOSE, &[3; 126]), protocol),
        ("a continuation of nothing", frame(FIN, b"{}"), protocol),
        ("a continuation of nothing that goes on", frame(0, b"{}"), protocol),
        ("a text within a text", [frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat(), protocol),
        ("binary within a text", [frame(TEXT, b"{"), frame(FIN | BINARY, b"}")].concat(), protocol),
        ("a continuation after the end", [frame(FIN | PING, b""), frame(FIN, b"}")].concat(), protocol),
        ("a close code cut off", frame(FIN | CLOSE, &[3]), protocol),
        ("text that is not UTF-8", frame(FIN | TEXT, &[b'{', 0xff, b'}']), utf8),
        ("text cut within a character", frame(FIN | TEXT, &[b'"', 0xe2, 0x82]), utf8),
        ("a surrogate in UTF-8", frame(FIN | TEXT, &[0xed, 0xa0, 0x80]), utf8),
        ("an overlong character", frame(FIN | TEXT, &[0xc0, 0xaf]), utf8),
        ("beyond Unicode", frame(FIN | TEXT, &[0xf4, 0x90, 0x80, 0x80]), utf8),
        ("UTF-8 that breaks between fragments", [frame(TEXT, &[0xe2]), frame(FIN, b"(")].concat(), utf8),
        (
            "a frame of 1 MiB and a byte, announced",
            [head(FIN | BINARY, (1 << 20) + 1, true), vec![0; 4]].concat(),
            too_big,
        ),
        ("a frame of 4 GiB, announced", [head(FIN | BINARY, 1 << 32, true), vec![0; 4]].concat(), too_big),
        ("a frame of 2^63 bytes", [head(FIN | TEXT, 1 << 63, true), vec![0; 4]].concat(), &[1002, 1009]),
        ("a frame of 2^64-1 bytes", [head(FIN | TEXT, u64::MAX, true), vec![0; 4]].concat(), &[1002, 1009]),
        (
            "fragments of 2 MiB in all",
            [frame(BINARY, &[0; 65_000]), frame(0, &[0; 65_000]).repeat(31)].concat(),
            too_big,
        ),
        (
            "a message of a hundred thousand empty fragments",
            [frame(TEXT, b""), frame(0, b"").repeat(100_000)].concat(),
            too_big,
        ),
        (
            "text in ten thousand fragments of a byte",
            [frame(TEXT, b"{"), frame(0, b" ").repeat(10_000)].concat(),
            too_big,
        ),
        ("a text of 64 KiB and a byte", frame(FIN | TEXT, &[b' '; (64 << 10) + 1]), too_big),
        ("HTTP once more", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), protocol),
        ("a TLS handshake", [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 100]].concat(), protocol),
    ];
    let reserved = [(3_u8, "opcode 3"), (4_u8, "opcode 4"), (5_u8, "opcode 5"), (6_u8, "opcode 6"), (7_u8, "opcode 7")];
    let control = [
        (0xb_u8, "opcode 11"),
        (0xc_u8, "opcode 12"),
        (0xd_u8, "opcode 13"),
        (0xe_u8, "opcode 14"),
        (0xf_u8, "opcode 15"),
    ];
    cases.extend(reserved.iter().chain(&control).map(|(opcode, what)| (*what, frame(FIN | opcode, b"x"), protocol)));
    cases
}

/// Goodbyes and the code they are answered with.
pub fn goodbyes() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![
        ("a close without a code", frame(FIN | CLOSE, b""), &[1000, 1005]),
        ("a close with a long reason", close(1000, &[b'x'; 123]), &[1000]),
        ("a reason that is not UTF-8", close(1000, &[0xff, 0xfe]), &[1002, 1007]),
        ("more after a close", [close(1000, b""), frame(FIN | TEXT, b"{}")].concat(), &[1000]),
        ("two closes", [close(1001, b""), close(1000, b"")].concat(), &[1001]),
    ];
    for (code, right) in [
        (1000, &[1000_u16][..]),
        (1001, &[1001]),
        (1002, &[1002]),
        (1003, &[1003]),
        (1007, &[1007]),
        (1008, &[1008]),
        (1009, &[1009]),
        (1011, &[1011]),
        (1013, &[1013]),
        (3000, &[3000]),
        (4999, &[4999]),
        (0, &[1002]),
        (999, &[1002]),
        (1004, &[1002]),
        (1005, &[1002]),
        (1006, &[1002]),
        (1015, &[1002]),
        (2000, &[1002]),
        (5000, &[1002]),
        (65_535, &[1002]),
    ] {
        cases.push(("a close code", close(code, b"bye"), right));
    }
    cases
}
