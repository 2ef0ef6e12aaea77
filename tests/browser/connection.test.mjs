// Connections that break, servers that restart, readers that are slow, floors that are full.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close, closePage, eventually, openBoard, openPage, openPanel, Player, relayFeed, sleep, startBrowser, startServer, token } from "./kit.mjs";

let browser;

before(async () => {
  browser = await startBrowser();
});

after(() => close({ browser }));

const ANGER = "Das ist doch eine bodenlose Frechheit, dann hören Sie von meinem Anwalt!";

// Pages from web/dist come from a port of their own, which does not come back.
const restarts = { skip: process.env.WEB_DIST && "needs the program's own pages" };

test("the server is killed and comes back: stale is marked, nothing on the screen is lost, and the call goes on", restarts, async () => {
  const first = await startServer();
  const player = await Player.start(first, "r1", { agent: "a1" });
  player.say(ANGER);
  const page = await openBoard(browser, first);
  const panel = await openPanel(browser, first, "a1");
  await page.locator("[data-call=r1]").click();
  await page.locator(".line-customer").first().waitFor();
  await page.locator("#whisper").fill("half a sen");
  await first.stop({ keep: true, signal: "SIGKILL" });
  await page.locator(".lost").waitFor();
  await panel.locator(".panel-lost").waitFor();
  assert.equal(await page.locator(".app[data-stale]").count(), 1);
  await page.getByText(/as of \d\d:\d\d:\d\d/).waitFor();
  await page.getByText("bodenlose Frechheit").first().waitFor();
  const clock = page.locator(".detail-time time");
  const stood = await clock.innerText();
  await sleep(1_300);
  assert.equal(await clock.innerText(), stood, "clocks stand still");
  const second = await startServer({ port: first.port, dataDir: first.dir });
  await page.locator(".link-live").waitFor();
  await panel.locator(".link-live").waitFor();
  assert.equal(await page.locator(".lost, .detail-ended").count(), 0);
  assert.equal(await page.locator("#whisper").inputValue(), "half a sen");
  const resumed = await Player.start(second, "r1", { agent: "a1" });
  resumed.say("Sind Sie noch da?");
  await page.getByText("Sind Sie noch da?").waitFor();
  await page.getByText("bodenlose Frechheit").first().waitFor();
  await panel.locator(".prompt-slot").waitFor();
  // A stop in order ends the call; it stays readable.
  await second.stop();
  await page.locator(".detail-ended", { hasText: "server stopped" }).waitFor();
  await page.getByText("bodenlose Frechheit").first().waitFor();
  await closePage(page);
  await closePage(panel);
});

test("the line breaks: the opened conversation has no hole afterwards", async () => {
  const server = await startServer();
  const player = await Player.start(server, "h1", { agent: "a1" });
  player.say("Erster Satz vor der Lücke.");
  const page = await openPage(browser, "about:blank");
  const line = await relayFeed(page);
  await page.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
  await page.locator("[data-call=h1]").click();
  await page.getByText("Erster Satz vor der Lücke.").waitFor();
  await line.cut();
  await page.locator(".link-lost").waitFor();
  player.say("Zweiter Satz in der Lücke.");
  await page.locator(".link-live").waitFor();
  await page.getByText("Zweiter Satz in der Lücke.").waitFor();
  player.say("Dritter Satz nach der Lücke.");
  await page.getByText("Dritter Satz nach der Lücke.").waitFor();
  const lines = await page.locator(".line-customer .said-text").allInnerTexts();
  assert.equal(lines.length, 3);
  await page.context().close();
  player.lose();
  await server.stop();
});

test("a reader that falls behind gets a snapshot and shows the truth", async (t) => {
  const server = await startServer({ config: "[feeds]\nbehind_events = 2" });
  const players = await Promise.all(Array.from({ length: 20 }, (_, n) => Player.start(server, `s${n}`, { agent: `a${n}` })));
  const page = await openBoard(browser, server);
  await page.locator("[data-call=s19]").waitFor();
  for (let round = 0; round < 30; round++) for (const player of players) player.say("Ich warte seit Wochen auf meine Lieferung, das ist unmöglich.");
  players[7].say("Das ist eine Frechheit, ich nehme mir einen Anwalt!");
  const lagged = await eventually(async () => Number(/^ruhepol_feed_lagged\w* (\d+)/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]), "a reader behind");
  t.diagnostic(`snapshots because of lag: ${lagged}`);
  const truth = async () => {
    const answer = await fetch(`${server.url}/v1/calls`, { headers: { authorization: `Bearer ${token("supervisor", "x")}` } });
    return Object.fromEntries((await answer.json()).calls.map((view) => [view.call, view.level]));
  };
  await eventually(async () => {
    const levels = await truth();
    const shown = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll("[data-call]")].map((row) => [row.dataset.call, Number(row.querySelector(".band-level")?.lastChild.textContent ?? 0)])));
    return Object.keys(levels).every((call) => levels[call] === shown[call]) && Object.keys(levels).length === 20;
  }, "the board shows every call's level");
  assert.deepEqual(page.faults, []);
  await page.context().close();
  for (const player of players) player.lose();
  await server.stop();
});

test("sixty calls with five events a second each, for ten seconds", async (t) => {
  const server = await startServer();
  const LINES = ["Ich warte seit drei Wochen auf mein Paket.", "Das ist doch nicht zu fassen.", "Vielen Dank, das ist nett.", "Ich habe schon zweimal angerufen.", "Na gut, dann warte ich eben.", "Wann kommt denn nun der Techniker?"];
  const players = await Promise.all(Array.from({ length: 60 }, (_, n) => Player.start(server, `c${n}`, { agent: `a${n}`, queue: `q${n % 5}`, team: `t${n % 3}` })));
  const page = await openBoard(browser, server, { reducedMotion: "no-preference" });
  await page.locator("[data-call=c59]").waitFor();
  await page.locator("[data-call=c30]").click();
  await page.locator(".detail").waitFor();
  const seconds = Number(process.env.LOAD_SECONDS ?? 10);
  const client = await page.context().newCDPSession(page);
  const heap = async () => {
    await client.send("HeapProfiler.collectGarbage");
    return (await client.send("Runtime.getHeapUsage")).usedSize / 1e6;
  };
  // Processor time of the page's main thread: a figure that other work on the machine does not change much.
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => Object.fromEntries((await client.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  const heapBefore = await heap();
  await page.evaluate(() => {
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => {
      window.frames_.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    window.long = 0;
    new PerformanceObserver((list) => (window.long += list.getEntries().length)).observe({ entryTypes: ["longtask"] });
  });
  const spentBefore = await spent();
  let said = 0;
  const began = Date.now();
  const end = began + seconds * 1_000;
  // Of a tenth of the time each: what grows, is seen.
  const heaps = [];
  // An utterance of the customer makes an event for itself and one for what it means.
  while (Date.now() < end) {
    const from = Date.now();
    for (const [n, player] of players.entries()) player.say(LINES[(said + n) % LINES.length], { lengthMs: 300, startMs: player.tMs + 100 });
    said++;
    if (Date.now() - began > (seconds * 1_000 * (heaps.length + 1)) / 10) heaps.push((await heap()).toFixed(1));
    await sleep(Math.max(0, 400 - (Date.now() - from)));
  }
  const spentAfter = await spent();
  const share = (name) => `${(((spentAfter[name] - spentBefore[name]) / (spentAfter.Timestamp - spentBefore.Timestamp)) * 100).toFixed(0)} %`;
  const frames = (await page.evaluate(() => window.frames_)).sort((a, b) => a - b);
  const perFrame = (name) => `${(((spentAfter[name] - spentBefore[name]) * 1_000) / frames.length).toFixed(2)} ms`;
  t.diagnostic(`processor time of the main thread for each frame: ${perFrame("TaskDuration")}, of it script ${perFrame("ScriptDuration")}, style ${perFrame("RecalcStyleDuration")}, layout ${perFrame("LayoutDuration")}`);
  t.diagnostic(`main thread: ${share("TaskDuration")} busy, script ${share("ScriptDuration")}, layout ${share("LayoutDuration")}, style ${share("RecalcStyleDuration")}`);
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))].toFixed(1);
  const heapAfter = await heap();
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  t.diagnostic(`frames: ${(frames.length / seconds).toFixed(1)} a second, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, worst ${at(1)} ms; long tasks ${await page.evaluate(() => window.long)}; heap ${heapBefore.toFixed(1)} to ${heapAfter.toFixed(1)} MB (${heaps.join(", ")}); ${nodes} elements; ${said * 60} utterances`);
  const views = async () => (await (await fetch(`${server.url}/v1/calls`, { headers: { authorization: `Bearer ${token("supervisor", "x")}` } })).json()).calls;
  // A busy machine's server is behind with scoring itself; the page is asked once it is through.
  await eventually(async () => {
    const before = JSON.stringify(await views());
    await sleep(5_000);
    return JSON.stringify(await views()) === before;
  }, "the server is through", 300_000);
  // What is counted, not timed: the page kept up to the last event.
  await eventually(async () => {
    const levels = Object.fromEntries((await views()).map((view) => [view.call, view.level]));
    const shown = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".pane-list [data-call] .band-level")].map((level) => [level.closest("[data-call]").dataset.call, Number(level.lastChild.textContent)])));
    return Object.keys(shown).every((call) => shown[call] === levels[call]);
  }, "the board shows what the server knows");
  assert.ok(nodes < 8_000, `${nodes} elements`);
  assert.deepEqual(page.faults, []);
  await page.context().close();
  for (const player of players) player.lose();
  await server.stop();
});

test("the page is there before its script", async () => {
  const server = await startServer();
  for (const path of ["/", "/agent"]) {
    const page = await openPage(browser, "about:blank");
    await page.route(/\.js$/, (route) => route.abort());
    await page.goto(server.url + path);
    await page.getByText("Ruhepol").waitFor();
    assert.equal(await page.locator("#root > *").count(), 0);
    await page.context().close();
    const whole = await openPage(browser, server.url + path);
    await whole.locator(".door").waitFor();
    assert.equal(await whole.locator("#shell").count(), 0);
    await closePage(whole);
  }
  await server.stop();
});

test("first paint", async (t) => {
  const server = await startServer();
  for (const path of ["/", "/agent"]) {
    const page = await openPage(browser, `${server.url}${path}`);
    await page.locator(".door").waitFor();
    const paint = await eventually(() => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime), "first paint");
    const script = await page.evaluate(() => performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith(".js")).map((entry) => entry.encodedBodySize));
    t.diagnostic(`${path}: first paint after ${paint.toFixed(0)} ms, script ${script} bytes on the wire`);
    assert.ok(script.every((bytes) => bytes < 150_000));
    await page.context().close();
  }
  await server.stop();
});
