// `make browser`: all files of tests, two at a time, the longest first; what each says comes when it is done. A file that
// fails is run once more, and told as flaky if it passes then.
//
//   node run.mjs [PART_OF_NAME]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const part = process.argv[2] ?? "";
const files = readdirSync(folder).filter((name) => name.endsWith(".test.mjs") && name.includes(part));
const sizeOf = (name) => statSync(join(folder, name)).size;
const waiting = [...files].sort((a, b) => sizeOf(b) - sizeOf(a));
const flaky = [];
const failed = [];

async function work() {
  for (let file; (file = waiting.shift()); ) {
    if (await passes(file)) continue;
    // Once more: this machine may be busy with other things. What fails twice is broken.
    const list = (await passes(file)) ? flaky : failed;
    list.push(file);
  }
}

async function passes(file) {
  const from = Date.now();
  const child = spawn(process.execPath, ["--test", join(folder, file)], { env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  const [code] = await once(child, "close");
  console.log(`${said.trimEnd()}\n== ${file}: ${code === 0 ? "passed" : "FAILED"} in ${Math.round((Date.now() - from) / 1_000)} s\n`);
  return code === 0;
}

const began = Date.now();
await Promise.all(Array.from({ length: Math.min(2, cpus().length) }, work));
console.log(`${files.length - failed.length} of ${files.length} files passed in ${Math.round((Date.now() - began) / 1_000)} s${flaky.map((file) => `\nflaky, passed the second time: ${file}`).join("")}${failed.map((file) => `\nfailed twice: ${file}`).join("")}`);
process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
