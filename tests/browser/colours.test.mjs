// The colours of the design system: contrast by WCAG 2.2, and bands that stay apart for every kind of sight.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./kit.mjs";

const css = readFileSync(join(root, "web/src/styles/tokens.css"), "utf8");
const BANDS = ["calm", "tense", "heated", "critical"];

function theme(name) {
  const block = new RegExp(`data-theme="${name}"\\]\\s*\\{([^}]*)\\}`).exec(css)[1];
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*#([0-9a-f]{6})/g)].map(([, key, hex]) => [key, [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)]));
}

const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

// Full dichromacy after Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
const SIGHTS = {
  "full colour": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** CIELAB (D65) of a colour as somebody sees it. */
function lab(colour, matrix) {
  const rgb = matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, factor, at) => sum + factor * linear(colour[at]), 0))));
  const xyz = [
    (0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2]) / 0.95047,
    0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2],
    (0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2]) / 1.08883,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
  return [116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])];
}

const distance = (a, b) => Math.hypot(...a.map((value, at) => value - b[at]));

for (const name of ["light", "dark"]) {
  const colours = theme(name);

  test(`${name}: text has a contrast of 4.5, signs of 3`, () => {
    const texts = [["ink", ["ground", "surface", "sunk", "accent-wash"]], ["ink-2", ["ground", "surface", "sunk", "accent-wash"]], ["accent", ["surface", "accent-wash", "ground"]], ["accent-ink", ["accent"]], ["surface", ["critical", "ink"]]];
    for (const band of BANDS) texts.push([`${band}-ink`, ["surface", "ground", `${band}-wash`]], ["ink", [`${band}-wash`]]);
    for (const [text, grounds] of texts) {
      for (const ground of grounds) {
        const ratio = contrast(colours[text], colours[ground]);
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
    for (const sign of [...BANDS, "edge", "accent"]) {
      const ratio = contrast(colours[sign], colours.surface);
      assert.ok(ratio >= 3, `${sign} on surface: ${ratio.toFixed(2)}`);
    }
  });

  for (const [sight, matrix] of Object.entries(SIGHTS)) {
    test(`${name}: the bands stay apart with ${sight}`, () => {
      for (const [at, band] of BANDS.entries()) {
        for (const other of BANDS.slice(at + 1)) {
          const apart = distance(lab(colours[band], matrix), lab(colours[other], matrix));
          assert.ok(apart >= 18, `${band} and ${other}: ${apart.toFixed(1)}`);
        }
      }
    });
  }
}
