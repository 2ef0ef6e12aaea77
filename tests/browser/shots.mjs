// `make screenshots`: a picture of every state, at three sizes, light and dark, German and English, into out/.
//
//   node shots.mjs [PART_OF_NAME]

import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { follow, openBoard, openPage, openPanel, Player, relayFeed, SIZES, sleep, startBrowser, startServer, token } from "./kit.mjs";
import { settingsFor, startProvider } from "./provider.mjs";
import { crowdScene, playScene, tireOut } from "./scene.mjs";

const out = fileURLToPath(new URL("out/", import.meta.url));
const only = process.argv[2] ?? "";
if (!only) rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const LOOKS = [
  ["de-light", { lang: "de", theme: "light" }],
  ["en-dark", { lang: "en", theme: "dark" }],
  ["en-light", { lang: "en", theme: "light" }],
  ["de-dark", { lang: "de", theme: "dark" }],
];

const browser = await startBrowser();

async function shoot(page, name) {
  await sleep(250);
  await page.screenshot({ path: `${out}${name}.png` });
  console.log(name);
}

const wanted = (name) => name.includes(only) || only.startsWith(name);

/** `make` opens a page and brings it into the state. */
async function state(name, sizes, looks, make) {
  for (const [sizeName, size] of sizes) {
    for (const [lookName, look] of looks) {
      const full = `${name}-${sizeName}-${lookName}`;
      if (!wanted(full)) continue;
      try {
        const page = await make({ ...look, size });
        await shoot(page, full);
        await page.context().close();
      } catch (error) {
        console.error(`${full}: ${error.message}`);
        process.exitCode = 1;
      }
    }
  }
}

const ALL_SIZES = Object.entries(SIZES);
const SMALL = [["small", SIZES.small]];
const PANEL = [["panel", { width: 360, height: 720 }]];
/** As the small window that stays on top may be. */
const LOW = [["low", { width: 360, height: 480 }]];
/** A call in the page's own language that gets hints, and a kind word at its end. */
const scriptIn = (lang) => (lang === "de" ? "late-delivery" : "english-recovered");
const TWO = LOOKS.slice(0, 2);

/** A scene that lasts: after this time without a word its alerts would be over. */
const SCENE_MS = 100_000;

let server = await startServer();
let players = {};
let playedAt = 0;

/** The scene, played anew on a fresh server when it is too old. */
async function fresh() {
  if (playedAt && Date.now() - playedAt < SCENE_MS) return;
  if (playedAt) {
    for (const player of Object.values(players)) player.socket.terminate();
    await server.stop();
    server = await startServer();
  }
  await tireOut(server);
  players = await playScene(server);
  playedAt = Date.now();
  await sleep(400);
}

const provider = await startProvider();
let house;
/** A server whose people sign in at a provider. */
const housed = async () => (house ??= await startServer({ config: settingsFor(provider) }));
try {
  if (wanted("board-empty")) await state("board-empty", SMALL, TWO, (options) => openBoard(browser, server, options));
  const board = async (options) => {
    await fresh();
    return openBoard(browser, server, options);
  };
  await fresh();
  const opened = async (options) => {
    const page = await board(options);
    await page.locator("[data-call=k-2041]").click();
    await page.locator(".line-ended, .line-customer").first().waitFor();
    return page;
  };
  await state("board-live", ALL_SIZES, LOOKS, board);
  await state("board-open", ALL_SIZES, LOOKS, opened);
  await state("board-cue", SMALL, TWO, async (options) => {
    const page = await opened(options);
    await page.locator(".cue").last().hover();
    return page;
  });
  await state("board-load", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.keyboard.press("2");
    return page;
  });
  await state("board-ended", ALL_SIZES, TWO, async (options) => {
    const page = await board(options);
    await page.keyboard.press("3");
    await page.locator(".row-ended").first().waitFor();
    return page;
  });
  await state("board-ended-open", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.keyboard.press("3");
    await page.locator("[data-call=k-2023]").click();
    await page.locator(".line-ended").waitFor();
    return page;
  });
  for (const [what, key] of [["help", "?"], ["dismiss", "f"], ["snooze", "s"], ["take", "t"]]) {
    await state(`board-${what}`, SMALL, TWO, async (options) => {
      const page = await opened(options);
      await page.keyboard.press(key);
      await page.locator("dialog").waitFor();
      return page;
    });
  }
  await state("board-settings", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.locator(".tools button").last().click();
    return page;
  });
  await state("board-filtered", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.locator("#search").fill("zeppelin");
    return page;
  });
  await state("board-beyond", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.locator(".filter select").nth(1).selectOption("west");
    await page.locator(".beyond-text").waitFor();
    return page;
  });
  await state("board-load-search", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.keyboard.press("2");
    await page.locator("#search").fill("a1");
    return page;
  });
  // What the keyboard alone comes by: where the focus is.
  await state("board-focus", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.keyboard.press("g");
    await page.keyboard.press("j");
    await shoot(page, `board-focus-card-${options.lang}-${options.theme}`);
    await page.keyboard.press("Enter");
    await page.locator(".line-customer").first().waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    return page;
  });
  await state("board-phone", [["phone", { width: 390, height: 844 }]], TWO, opened);
  await state("door", SMALL, TWO, (options) => openPage(browser, `${server.url}/`, options));
  await state("door-expired", SMALL, TWO, async (options) => {
    const page = await openPage(browser, `${server.url}/#token=${token("supervisor", "berta", { ttlS: -5 })}`, options);
    await page.locator(".door").waitFor();
    return page;
  });
  await state("door-forbidden", SMALL, TWO, async (options) => {
    const page = await openPage(browser, `${server.url}/#token=${token("agent", "a7")}`, options);
    await page.locator(".door").waitFor();
    return page;
  });
  for (const [what, title] of [["provider", null], ["refused", "denied"]]) {
    await state(`door-${what}`, SMALL, TWO, async (options) => {
      const page = await openPage(browser, `${(await housed()).url}/`, options);
      await page.locator(".door .button-main").waitFor();
      provider.fault = title;
      if (title) {
        await page.locator(".door .button-main").click();
        await page.locator("[role=alert]").waitFor();
        await page.locator(".door .button-main").waitFor();
      }
      return page;
    });
  }
  await state("board-colleague", SMALL, TWO, async (options) => {
    await fresh();
    const anna = await openBoard(browser, server, { sub: "anna" });
    await anna.locator("[data-call=k-2044]").click();
    await anna.locator("#whisper").fill(options.lang === "de" ? "Ich höre mit, Sie machen das gut." : "I am listening, you are doing well.");
    await anna.keyboard.press("Enter");
    await anna.locator(".line-whisper").first().waitFor();
    const page = await board(options);
    await page.locator("[data-call=k-2044]").click();
    await page.locator(".line-whisper").first().waitFor();
    await sleep(200);
    setTimeout(() => void anna.context().close(), 5_000);
    return page;
  });
  await state("board-no-history", SMALL, TWO, async (options) => {
    const page = await board({ ...options, scope: { teams: ["nobody"] } });
    await page.keyboard.press("3");
    await page.locator(".nobody").waitFor();
    return page;
  });
  await state("board-no-load", SMALL, TWO, async (options) => {
    const page = await board({ ...options, scope: { teams: ["nobody"] } });
    await page.keyboard.press("2");
    await page.locator(".nobody").waitFor();
    return page;
  });
  await state("board-failed", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.route(/v1\/calls\//, (route) => route.abort());
    await page.locator("[data-call=k-2044]").click();
    await page.locator(".conversation-failed").waitFor();
    return page;
  });
  await state("board-gone", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.route(/v1\/calls\//, (route) => route.fulfill({ status: 404, body: "{}" }));
    await page.locator("[data-call=k-2044]").click();
    await page.locator(".detail-gone").waitFor();
    return page;
  });
  await state("board-hold-consent", SMALL, TWO, async (options) => {
    await fresh();
    const player = await Player.start(server, `h-${options.lang}`, { agent: "a31", queue: "strom", team: "nord" });
    player.script("late-delivery", { upTo: 7 });
    player.send({ type: "hold" });
    const page = await board(options);
    await page.locator(`[data-call=${player.call}]`).click();
    await page.locator(".detail .flag-hold").waitFor();
    await shoot(page, `board-hold-${options.lang}-${options.theme}`);
    player.send({ type: "resume" });
    player.send({ type: "consent", given: false });
    await page.locator(".line-consent").waitFor();
    setTimeout(() => player.lose(), 1_000);
    return page;
  });
  await state("board-loading", SMALL, TWO, async (options) => {
    const page = await openPage(browser, "about:blank", options);
    await page.routeWebSocket(/.*/, () => undefined);
    await page.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
    await page.locator(".loading").waitFor();
    return page;
  });

  await state("board-sound", SMALL, TWO, async (options) => {
    await fresh();
    const page = await openPage(browser, "about:blank", options);
    const line = await relayFeed(page);
    await page.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
    await page.locator("[data-call=k-2047]").click();
    await page.locator(".line-customer").first().waitFor();
    const text = options.lang === "de" ? "spricht lauter als zu Beginn" : "speaks louder than at the beginning";
    line.say({ call: "k-2047", log: "call", seq: 900, at: new Date().toISOString(), t_ms: 75_000, type: "observation", sound: "louder", on: true, change: 6, text });
    await page.locator(".flag-sound").waitFor();
    return page;
  });
  // What was not heard, and a call that nobody has to take.
  await state("board-lag", [["small", SIZES.small], ["tablet", SIZES.tablet]], TWO, async (options) => {
    await fresh();
    const page = await openPage(browser, "about:blank", options);
    const line = await relayFeed(page);
    await page.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
    await page.locator("[data-call=k-2046]").click();
    await page.locator(".line-customer").first().waitFor();
    const event = (seq, fields) => line.say({ call: "k-2046", log: "call", seq: 900 + seq, at: new Date().toISOString(), t_ms: 24_000 + seq * 4_000, ...fields });
    event(1, { type: "gap", duration_ms: 1_800 });
    event(2, { type: "lagging", lag_ms: 4_200 });
    event(3, { type: "speech_dropped", channel: "customer", start_ms: 31_000, end_ms: 33_500, reason: "deadline" });
    await page.locator(".detail .flag-dropped").waitFor();
    await page.locator(".box-button").scrollIntoViewIfNeeded();
    return page;
  });
  await state("board-late", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.locator(".card-late").nth(1).waitFor({ timeout: 60_000 });
    await page.locator(".card-main").first().click();
    await page.locator(".line-customer").first().waitFor();
    return page;
  });
  await state("board-ends", SMALL, TWO, (options) => board({ ...options, scope: { ttlS: 400 } }));
  await state("board-sound-waits", SMALL, TWO, async (options) => {
    const page = await board(options);
    await page.evaluate(() => localStorage.setItem("ruhepol.sound", "on"));
    await page.reload();
    await page.locator(".toast").waitFor();
    return page;
  });
  await state("board-done", SMALL, TWO, async (options) => {
    const page = await opened(options);
    await page.keyboard.press("w");
    await page.keyboard.type(options.lang === "de" ? "Ich bin da." : "I am here.");
    await page.keyboard.press("Enter");
    await page.locator(".toast").waitFor();
    return page;
  });
  if (wanted("board-many")) {
    const floor = await startServer();
    const crowd = await crowdScene(floor);
    await sleep(1_500);
    await state("board-many", [["small", SIZES.small], ["wall", SIZES.wall]], TWO, (options) => openBoard(browser, floor, options));
    for (const player of crowd) player.lose();
    await floor.stop();
  }

  const panel = (agent) => (options) => openPanel(browser, server, agent, options);
  await state("panel-waiting", PANEL, LOOKS, panel("a99"));
  await state("panel-prompt", PANEL, LOOKS, async (options) => {
    const page = await panel("a21")(options);
    const player = await Player.start(server, `p-${Math.random().toString(36).slice(2, 7)}`, { agent: "a21", queue: "versand", team: "nord", language: options.lang, customer: { name: options.lang === "de" ? "Frau Keller" : "Ms Keller" }, wait_s: 240 });
    player.script(scriptIn(options.lang), { upTo: 11 });
    await page.locator(".prompt-text").waitFor();
    const boardPage = await openBoard(browser, server, { lang: options.lang });
    await boardPage.locator(`[data-call=${player.call}]`).click();
    await boardPage.locator("#whisper").fill(options.lang === "de" ? "Bieten Sie ihr die Lieferung morgen früh an." : "Offer her delivery tomorrow morning.");
    await boardPage.keyboard.press("Enter");
    await page.locator(".whisper-text").waitFor();
    await shoot(page, `panel-whisper-${options.lang}-${options.theme}`);
    await boardPage.context().close();
    player.lose();
    return page;
  });
  await state("panel-low", LOW, TWO, async (options) => {
    const page = await panel("a21")(options);
    const player = await Player.start(server, `l-${Math.random().toString(36).slice(2, 7)}`, { agent: "a21", queue: "versand", team: "nord", language: options.lang, customer: { name: options.lang === "de" ? "Frau Keller" : "Ms Keller" }, wait_s: 240 });
    player.script(scriptIn(options.lang), { upTo: 11 });
    await page.locator(".prompt-text").waitFor();
    const feed = await follow(server, "/v1/feed/supervisor", token("supervisor", "berta"));
    feed.send({ type: "open", call: player.call });
    feed.send({ type: "whisper", call: player.call, text: options.lang === "de" ? "Bieten Sie ihr die Lieferung morgen früh an." : "Offer her delivery tomorrow morning." });
    await page.locator(".whisper-text").waitFor();
    player.script(scriptIn(options.lang), { from: 11, upTo: 20 });
    await page.locator(".moment", { hasText: /\w/ }).waitFor();
    await shoot(page, `panel-low-full-${options.lang}-${options.theme}`);
    feed.close();
    player.lose();
    return page;
  });
  await state("panel-muted", [...PANEL, ...LOW], TWO, async (options) => {
    const page = await panel("a23")(options);
    const player = await Player.start(server, `m-${Math.random().toString(36).slice(2, 7)}`, { agent: "a23", queue: "versand" });
    await page.locator(".mute-all").waitFor();
    await shoot(page, `panel-quiet-${options.lang}-${options.theme}`);
    await page.locator(".mute-all").click();
    await page.locator(".slot-none .icon").first().waitFor();
    player.lose();
    return page;
  });
  await state("panel-ends", PANEL, TWO, async (options) => {
    const page = await openPage(browser, `${server.url}/agent#token=${token("agent", "a24", { ttlS: 400 })}`, { ...options });
    await page.locator(".panel-ends").waitFor();
    return page;
  });
  await state("panel-mute", [...PANEL, ...LOW], TWO, async (options) => {
    const page = await panel("a21")(options);
    const player = await Player.start(server, `u-${Math.random().toString(36).slice(2, 7)}`, { agent: "a21", queue: "versand", team: "nord", language: options.lang, customer: { name: options.lang === "de" ? "Frau Keller" : "Ms Keller" }, wait_s: 240 });
    player.script(scriptIn(options.lang), { upTo: 11 });
    await page.locator(".mute summary").click();
    player.lose();
    return page;
  });
  await state("panel-away", SMALL, TWO, async (options) => {
    const page = await panel("a24")(options);
    await page.locator(".panel-top button").first().click();
    await page.locator(".panel-away").waitFor();
    return page;
  });
  await state("panel-between", PANEL, LOOKS, async (options) => {
    const page = await panel("a22")(options);
    const player = await Player.start(server, `b-${Math.random().toString(36).slice(2, 7)}`, { agent: "a22", queue: "versand", team: "nord", language: options.lang, customer: { name: options.lang === "de" ? "Frau Keller" : "Ms Keller" } });
    player.script(scriptIn(options.lang));
    await sleep(300);
    await player.stop();
    await page.locator(".between").waitFor();
    return page;
  });
  await state("panel-between", LOW, TWO, async (options) => {
    const page = await panel("a25")(options);
    const player = await Player.start(server, `c-${Math.random().toString(36).slice(2, 7)}`, { agent: "a25", queue: "versand", team: "nord", language: options.lang, customer: { name: options.lang === "de" ? "Frau Keller" : "Ms Keller" } });
    player.script(scriptIn(options.lang));
    await sleep(300);
    await player.stop();
    await page.locator(".between").waitFor();
    return page;
  });
  await state("panel-shift", PANEL, LOOKS, async (options) => {
    const page = await panel("a22")(options);
    await page.locator("[data-shift]").click();
    await page.locator(".shift-lines").waitFor();
    return page;
  });
  await state("panel-menu", PANEL, TWO, async (options) => {
    const page = await panel("a7")(options);
    await page.locator(".panel-top button").last().click();
    return page;
  });
  await state("panel-erase", PANEL, TWO, async (options) => {
    const page = await panel("a22")(options);
    await page.locator(".panel-top button").last().click();
    await page.getByRole("dialog").getByRole("button").nth(1).click();
    await page.locator(".record dd", { hasText: /\d/ }).first().waitFor();
    await shoot(page, `panel-record-${options.lang}-${options.theme}`);
    await page.locator(".dialog-actions button").click();
    await page.locator(".button-danger").waitFor();
    return page;
  });
  await state("panel-door", PANEL, TWO, (options) => openPage(browser, `${server.url}/agent`, options));
  for (const player of Object.values(players)) player.socket.terminate();

  if (wanted("lost")) {
    const other = await startServer();
    await playScene(other);
    const pages = [];
    for (const [lookName, look] of TWO) pages.push([`board-lost-small-${lookName}`, await openBoard(browser, other, { ...look, size: SIZES.small })], [`panel-lost-${lookName}`, await openPanel(browser, other, "a7", look)]);
    for (const [name, page] of pages) if (name.startsWith("board")) await page.locator("[data-call=k-2044]").click();
    await sleep(500);
    await other.stop({ signal: "SIGKILL" });
    for (const [name, page] of pages) {
      await page.locator(".link-lost").waitFor();
      await shoot(page, name);
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await house?.stop();
  await server.stop();
  provider.stop();
}
