// Builds both pages into dist/: hashed scripts and style sheets, packed as gzip and Brotli, and the two HTML files.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What differs between the two HTML files. */
const PAGES = [
  { page: "board", html: "index.html", title: "Ruhepol", about: "Who needs a supervisor now, and why.", without: " Without it: ruhepol watch in a terminal." },
  { page: "panel", html: "agent.html", title: "Ruhepol panel", about: "One good sentence at the right moment.", without: "" },
];

const web = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The limit for all scripts of a page, packed. */
const SCRIPT_LIMIT_BYTES = 150_000;

export async function buildPages({ minify = true } = {}) {
  const dist = join(web, "dist");
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "assets"), { recursive: true });
  const sizes = {};
  const icon = put(dist, "assets", "icon.svg", readFileSync(join(web, "src/icon.svg")));
  const mark = readFileSync(join(web, "src/mark.svg"), "utf8").trim();
  const template = readFileSync(join(web, "src/page.html"), "utf8");
  for (const { page, html, ...words } of PAGES) {
    const result = await build({
      entryPoints: [join(web, `src/${page}/main.tsx`)],
      bundle: true,
      minify,
      write: false,
      outdir: dist,
      format: "esm",
      target: ["es2022", "chrome109", "firefox115", "safari16"],
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "none",
      define: { "process.env.NODE_ENV": '"production"' },
    });
    const names = {};
    for (const file of result.outputFiles) {
      const ending = file.path.split(".").at(-1);
      names[ending] = put(dist, "assets", `${page}.${ending}`, file.contents);
      sizes[`${page}.${ending}`] = gzipSync(file.contents, { level: 9 }).length;
    }
    const values = { ...words, page, mark, icon, script: names.js, style: names.css };
    const text = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
    put(dist, "", html, Buffer.from(text), false);
  }
  for (const [name, bytes] of Object.entries(sizes)) {
    if (name.endsWith(".js") && bytes > SCRIPT_LIMIT_BYTES) {
      throw new Error(`${name} is ${bytes} bytes packed; the limit is ${SCRIPT_LIMIT_BYTES}`);
    }
  }
  return sizes;
}

function put(dist, folder, name, content, hashed = true) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const path = join(folder, hashed ? name.replace(/\.(\w+)$/, `-${hash}.$1`) : name);
  writeFileSync(join(dist, path), bytes);
  writeFileSync(join(dist, `${path}.gz`), gzipSync(bytes, { level: 9 }));
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  writeFileSync(join(dist, `${path}.br`), brotliCompressSync(bytes, brotli));
  return `/${path}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await buildPages();
  for (const [name, bytes] of Object.entries(sizes)) console.log(`${name.padEnd(12)} ${(bytes / 1000).toFixed(1)} kB gzip`);
}
