// The pages' types are those of the program.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { wireTypes } from "../../web/tools/wire.mjs";
import { PROGRAM, root } from "./kit.mjs";

test("web/src/wire.ts is what the program's schema says", () => {
  const schema = JSON.parse(execFileSync(PROGRAM, ["schema"], { encoding: "utf8" }));
  const written = readFileSync(join(root, "web/src/wire.ts"), "utf8");
  assert.equal(written, wireTypes(schema), "stale: run `npm run wire` in web/");
});

test("every reason the server gives for an alert is known in both languages", () => {
  const rust = readFileSync(join(root, "src/call/escalation/wording.rs"), "utf8").split("#[cfg(test)]")[0];
  const page = readFileSync(join(root, "web/src/lib/reason.ts"), "utf8");
  const told = [...rust.matchAll(/=>\s*(?:\{\s*)?(?:format!\()?"([^"]+)"/g)].map(([, text]) => text);
  assert.ok(told.length > 60, String(told.length));
  for (const text of told) {
    for (const fixed of text.split(/(?:: )?\{\w+\}/)) assert.ok(page.includes(fixed), `not known to the pages: ${text}`);
  }
});

test("both pages pass the type check", () => {
  execFileSync("node", [join(root, "web/node_modules/typescript/bin/tsc"), "--noEmit", "-p", join(root, "web")], { stdio: "inherit" });
});
