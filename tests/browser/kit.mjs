// A real server on a free loopback port, calls played into it as text, and a browser to look at it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Packages are the web build's own.
const require = createRequire(new URL("../../web/package.json", import.meta.url));
const WebSocket = require("ws");
const { chromium } = require("playwright-core");

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SECRET = "a secret for browser tests, and only for tests";
export const PROGRAM = process.env.RUHEPOL ?? join(root, "target/release/ruhepol");

/** No sign of what is waited for in this time is a failure, on any machine. */
export const PATIENCE_MS = 20_000;

export function token(role, sub, { ttlS = 3_600, teams, queues } = {}) {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ typ: "JWT", alg: "HS256" })}.${part({ sub, role, teams, queues, iat: now, exp: now + ttlS })}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}

/** Servers not stopped yet: those of a test that failed would keep the whole run alive. */
const running = new Set();

export async function startServer({ port = 0, config = "", dataDir } = {}) {
  const dir = dataDir ?? mkdtempSync(join(tmpdir(), "ruhepol-browser-"));
  const file = join(dir, "test.toml");
  // A test that is over waits for no call.
  writeFileSync(file, `${config}\n[speech]\nengine = "none"\n\n[server]\ndrain_s = 0\n`);
  const args = ["serve", "--config", file, "--listen", `127.0.0.1:${port}`, "--data-dir", dir, "--consent-elsewhere"];
  const child = spawn(PROGRAM, args, { env: { ...process.env, RUHEPOL_TOKEN_SECRET: SECRET, RUST_LOG: "warn" } });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const address = await new Promise((resolve, reject) => {
    child.stdout.on("data", (data) => {
      said += data;
      const found = /listens on http:\/\/(\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("error", (error) => reject(new Error(`${error.message}; build the program, or name it in RUHEPOL`)));
    child.on("exit", () => reject(new Error(`the server did not start:\n${said}`)));
  });
  let stopped = false;
  // During design the pages come from web/dist, without building the program anew.
  let pages = null;
  if (process.env.WEB_DIST) {
    const { pagesBefore } = await import("../../web/tools/dev.mjs");
    pages = pagesBefore(Number(address.split(":").at(-1))).listen(0, "127.0.0.1");
    await once(pages, "listening");
  }
  const server = {
    address,
    port: Number(address.split(":").at(-1)),
    dir,
    pid: child.pid,
    url: pages ? `http://127.0.0.1:${pages.address().port}` : `http://${address}`,
    async stop({ keep = false, signal = "SIGTERM" } = {}) {
      if (!stopped) {
        stopped = true;
        pages?.closeAllConnections();
        pages?.close();
        child.removeAllListeners("exit");
        const gone = once(child, "exit");
        child.kill(signal);
        const late = setTimeout(() => child.kill("SIGKILL"), 8_000);
        await gone;
        clearTimeout(late);
      }
      if (!keep) rmSync(dir, { recursive: true, force: true });
      running.delete(server);
    },
  };
  running.add(server);
  return server;
}

/** A call whose words somebody else transcribed: every state can be made from text. */
export class Player {
  static async start(server, call, facts = {}) {
    const socket = new WebSocket(`ws://${server.address}/v1/transcripts`, { headers: { authorization: `Bearer ${token("ingest", "test")}` } });
    await once(socket, "open");
    const player = new Player(socket, call);
    player.send({ type: "start", call, channels: ["customer", "agent"], language: "de", consent: true, ...facts });
    const [answer] = await once(socket, "message");
    const ready = JSON.parse(answer);
    if (ready.type !== "ready") throw new Error(`call ${call}: ${answer}`);
    player.call = ready.call;
    player.tMs = ready.t_ms ?? 0;
    return player;
  }

  constructor(socket, call) {
    this.socket = socket;
    this.call = call;
    this.tMs = 0;
    socket.on("error", () => undefined);
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** One utterance, right after the one before, or at `startMs`. */
  say(text, { channel = "customer", startMs = this.tMs + 700, lengthMs = 400 + text.length * 55 } = {}) {
    this.tMs = startMs + lengthMs;
    this.send({ type: "utterance", channel, start_ms: startMs, end_ms: this.tMs, text });
    return this;
  }

  agent(text, options = {}) {
    return this.say(text, { ...options, channel: "agent" });
  }

  /** A recorded call of ours, as text: `from` of its lines up to `upTo`. */
  script(name, { from = 0, upTo = Infinity, afterMs = 0 } = {}) {
    for (const line of scriptOf(name).slice(from, upTo)) {
      const startMs = line.start_ms + afterMs;
      this.tMs = line.end_ms + afterMs;
      this.send({ type: "utterance", channel: line.channel, start_ms: startMs, end_ms: this.tMs, text: line.text });
    }
    return this;
  }

  async stop() {
    this.send({ type: "stop" });
    await once(this.socket, "close");
  }

  lose() {
    this.socket.terminate();
  }
}

export function scriptOf(name) {
  return readFileSync(join(root, "fixtures", name, "script.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
}

/** A feed read by the test itself. */
export async function follow(server, path, bearer) {
  const socket = new WebSocket(`ws://${server.address}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
  const heard = [];
  const waiting = [];
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    heard.push(message);
    for (const check of [...waiting]) check(message);
  });
  await once(socket, "open");
  return {
    heard,
    send: (message) => socket.send(JSON.stringify(message)),
    close: () => socket.terminate(),
    async until(wanted, what = "message") {
      const found = heard.find(wanted);
      if (found) return found;
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no ${what} came`)), PATIENCE_MS);
        const check = (message) => {
          if (!wanted(message)) return;
          clearTimeout(late);
          waiting.splice(waiting.indexOf(check), 1);
          resolve(message);
        };
        waiting.push(check);
      });
    },
  };
}

export async function getJson(server, path, bearer) {
  const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
  return answer.json();
}

/** What nearly every file of tests begins with. */
export async function open(settings) {
  const [browser, server] = await Promise.all([startBrowser(), startServer(settings)]);
  return { browser, server };
}

export async function close({ browser }) {
  await browser?.close();
  for (const server of [...running]) await server.stop();
}

export async function startBrowser() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no chromium: install it (Debian: apt-get install chromium) or name it in CHROMIUM");
  // A sandbox needs rights that root in a container does not have.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

export const SIZES = { small: { width: 1366, height: 768 }, tablet: { width: 820, height: 1180 }, wall: { width: 3840, height: 2160 } };

/** A page of a fresh visitor: nothing remembered. What goes wrong in it fails the test that closes it. */
export async function openPage(browser, url, { lang = "en", theme = "light", size = SIZES.small, reducedMotion = "reduce", permissions, deviceScaleFactor = 1 } = {}) {
  const context = await browser.newContext({ viewport: size, locale: lang === "de" ? "de-DE" : "en-GB", colorScheme: theme, reducedMotion, permissions, deviceScaleFactor, timezoneId: "Europe/Berlin" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // The browser itself reports connections that fail; states of the page are made from them.
    if (message.type() === "error" && !/WebSocket connection|Failed to load resource/.test(text)) page.faults.push(text);
  });
  await page.goto(url);
  return page;
}

export async function openBoard(browser, server, options = {}) {
  const bearer = options.token ?? token("supervisor", options.sub ?? "berta", options.scope);
  const page = await openPage(browser, `${server.url}/#token=${bearer}`, options);
  await page.locator(".link-live").waitFor();
  return page;
}

export async function openPanel(browser, server, agent, options = {}) {
  const page = await openPage(browser, `${server.url}/agent#token=${token("agent", agent)}`, { size: { width: 360, height: 720 }, ...options });
  await page.locator(".link-live").waitFor();
  return page;
}

/** A line to the supervisors' feed that the test holds: it can speak on it, and cut it. Before the page is opened. */
export async function relayFeed(page) {
  const relay = {};
  await page.routeWebSocket(/feed\/supervisor/, (ours) => {
    const theirs = ours.connectToServer();
    ours.onMessage((message) => theirs.send(message));
    theirs.onMessage((message) => ours.send(message));
    relay.say = (message) => ours.send(JSON.stringify(message));
    relay.cut = async () => {
      await theirs.close();
      await ours.close();
    };
  });
  return relay;
}

/** Goes to something by Tab alone; the focus must be seen there. */
export async function tabTo(page, locator) {
  for (let n = 0; n < 120; n++) {
    await page.keyboard.press("Tab");
    if (!(await locator.evaluate((element) => element === document.activeElement, undefined, { timeout: PATIENCE_MS }))) continue;
    const seen = await locator.evaluate((element) => {
      const shows = (at) => at && getComputedStyle(at).outlineStyle !== "none";
      return shows(element) || shows(element.nextElementSibling);
    });
    assert.ok(seen, `no visible focus on ${locator}`);
    return;
  }
  assert.fail(`Tab does not reach ${locator}`);
}

/** A page is over: nothing went wrong in it. The calls end while the next test begins. */
export async function closePage(page, ...players) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
  for (const player of players) void player.stop().catch(() => undefined);
}

/** All rules of WCAG 2.2 A and AA that axe knows, and its own good practices; `only` the rules of these names. */
export async function violations(page, only) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axeSource);
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate(
    async ([type, values]) => (await window.axe.run({ runOnly: { type, values }, resultTypes: ["violations"], iframes: false })).violations,
    only ? ["rule", only] : ["tag", rules],
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)}\n      ${node.failureSummary?.replaceAll("\n", " ")}`).join("\n    ")}`);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `check` gives something. */
export async function eventually(check, what, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(25);
  }
}
