// The panel beside the agent's own software.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close, closePage as done, eventually, follow, open, openBoard, openPage, openPanel, Player, tabTo, token } from "./kit.mjs";

let browser;
let server;
let calls = 0;

before(async () => {
  ({ browser, server } = await open());
});

after(() => close({ browser }));

const facts = (agent) => ({ agent, queue: "versand", team: "nord", customer: { name: "Frau Keller" }, wait_s: 240 });
const call = (agent) => Player.start(server, `p-${++calls}`, facts(agent));

test("waiting, a call begins, one hint, used", async () => {
  const page = await openPanel(browser, server, "p1");
  await page.getByRole("heading", { name: "Waiting for the next call" }).waitFor();
  const player = await call("p1");
  await page.locator(".prompt-slot").waitFor();
  player.script("late-delivery", { upTo: 11 });
  await page.locator(".prompt-text").waitFor();
  const feed = await follow(server, "/v1/feed/agent/p1", token("agent", "p1"));
  await page.getByRole("button", { name: "Used" }).click();
  await feed.until((message) => message.type === "prompt" && message.state === "used", "answer");
  await page.getByText("Well done").waitFor();
  feed.close();
  await done(page, player);
});

test("not now, mute, and no hints for a while", async () => {
  const page = await openPanel(browser, server, "p2");
  const player = await call("p2");
  player.script("late-delivery", { upTo: 11 });
  const feed = await follow(server, "/v1/feed/agent/p2", token("agent", "p2"));
  await page.getByRole("button", { name: "Not now" }).click();
  await feed.until((message) => message.type === "prompt" && message.state === "not_now", "answer");
  await page.locator(".prompt-text").waitFor({ state: "detached" });
  await player.stop();
  const next = await call("p2");
  next.script("insults", { upTo: 9 });
  await page.locator(".mute summary").click();
  await page.getByRole("button", { name: "No hints for 15 minutes" }).click();
  await page.getByText(/Hints are off until \d\d:\d\d/).waitFor();
  await page.reload();
  await page.getByText(/Hints are off until \d\d:\d\d/).waitFor();
  await page.getByRole("button", { name: "Turn on again" }).click();
  await page.getByText("I am listening").waitFor();
  feed.close();
  await done(page, next);
});

test("a whisper reaches the panel, survives a reload, and is marked as read; who is looking is said", async () => {
  const player = await call("p3");
  const page = await openPanel(browser, server, "p3");
  const board = await openBoard(browser, server, { sub: "berta" });
  await page.getByText("Nobody is reading along.").waitFor();
  await board.locator(`[data-call="${player.call}"]`).click();
  await page.getByText("Reading along: berta").waitFor();
  await board.locator("#whisper").fill("Bieten Sie die Lieferung <b>morgen</b> an.");
  await board.keyboard.press("Enter");
  await page.locator(".whisper-text", { hasText: "Bieten Sie die Lieferung <b>morgen</b> an." }).waitFor();
  await page.reload();
  await page.locator(".whisper-text").waitFor();
  await page.getByRole("button", { name: "Read" }).click();
  await page.locator(".whisper-text").waitFor({ state: "detached" });
  await board.context().close();
  await page.getByText("Nobody is reading along.").waitFor();
  await done(page, player);
});

test("nothing moves when a hint, a whisper or a reader comes", async () => {
  const page = await openPanel(browser, server, "p4");
  const player = await call("p4");
  await page.locator(".prompt-slot").waitFor();
  const places = () => page.evaluate(() => [".prompt-slot", ".prompt-actions", ".whisper-slot", ".course", ".watch", ".moment", ".panel-foot"].map((name) => {
    const { top, height } = document.querySelector(name).getBoundingClientRect();
    return `${name} ${Math.round(top)} ${Math.round(height)}`;
  }));
  const before = await places();
  const feed = await follow(server, "/v1/feed/supervisor", token("supervisor", "berta"));
  player.script("late-delivery", { upTo: 11 });
  await page.locator(".prompt-text").waitFor();
  feed.send({ type: "open", call: player.call });
  feed.send({ type: "whisper", call: player.call, text: "Ein langer Satz, der über mehrere Zeilen geht, damit man sieht, ob etwas rutscht. ".repeat(4) });
  await page.locator(".whisper-text").waitFor();
  await page.getByText("Reading along: berta").waitFor();
  player.script("late-delivery", { from: 11, upTo: 20 });
  await page.locator(".moment", { hasText: /\w/ }).waitFor();
  assert.deepEqual(await places(), before);
  const shift = await page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value))).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(sum), 200);
  }));
  assert.ok(shift < 0.01, `layout shift ${shift}`);
  feed.close();
  await done(page, player);
});

test("the course is said in words, never as a number", async () => {
  const page = await openPanel(browser, server, "p5");
  const player = await call("p5");
  player.script("insults", { upTo: 11 });
  await page.getByText(/You are not alone|Pauses help/).waitFor();
  assert.doesNotMatch(await page.locator(".panel-main").innerText(), /\b\d{2,3}\b/);
  await done(page, player);
});

test("after the call the care card, at the end of the shift its own", async () => {
  const page = await openPanel(browser, server, "p6", { lang: "de" });
  const player = await call("p6");
  player.script("late-delivery");
  await page.locator(".moment .button").click();
  await page.getByText("Geteilt").waitFor();
  const moment = await page.locator(".moment span").first().innerText();
  await page.reload();
  await page.locator(".moment", { hasText: moment }).getByText("Geteilt").waitFor();
  await player.stop();
  await page.getByRole("heading", { name: "Gespräch geschafft" }).waitFor();
  await page.getByText("Was geholfen hat").waitFor();
  const card = await page.locator(".between").innerText();
  await page.reload();
  await page.locator(".link-live").waitFor();
  assert.equal(await page.locator(".between").innerText(), card, "a reload does not lose the card");
  await page.getByRole("button", { name: "Meine Schicht" }).click();
  await page.locator(".shift-lines li").first().waitFor();
  await page.getByText("Das sehen nur Sie.").waitFor();
  await page.getByRole("button", { name: "Schließen" }).click();
  const next = await call("p6");
  await page.locator(".prompt-slot").waitFor();
  await page.reload();
  await page.locator(".prompt-slot").waitFor();
  await done(page, next);
});

test("in a small window that stays on top, and back", async () => {
  const page = await openPanel(browser, server, "p7", { lang: "de", theme: "dark" });
  if (!(await page.evaluate(() => "documentPictureInPicture" in window))) return done(page);
  const player = await call("p7");
  player.script("late-delivery", { upTo: 11 });
  await page.locator(".prompt-text").waitFor();
  await page.getByRole("button", { name: "Im Vordergrund halten" }).click();
  await page.getByRole("heading", { name: "Die Hinweise sind im kleinen Fenster" }).waitFor();
  const inside = (what) => page.evaluate(what);
  await eventually(() => inside(() => documentPictureInPicture.window?.document.querySelector(".prompt-text")?.textContent), "the hint in the small window");
  assert.deepEqual(await inside(() => { const { lang, dataset } = documentPictureInPicture.window.document.documentElement; return [lang, dataset.theme]; }), ["de", "dark"]);
  await inside(() => documentPictureInPicture.window.document.querySelector(".prompt-actions .button").click());
  await eventually(() => inside(() => documentPictureInPicture.window.document.body.innerText.includes("Gut gemacht")), "its answer");
  await page.getByRole("button", { name: "Zurückholen" }).click();
  await page.locator(".prompt-slot").waitFor();
  await page.getByRole("button", { name: "Im Vordergrund halten" }).waitFor();
  await done(page, player);
});

test("an agent's token opens that agent's calls only; others are told so", async () => {
  const page = await openPage(browser, `${server.url}/agent#token=${token("supervisor", "berta")}`, { size: { width: 360, height: 640 } });
  await page.getByRole("heading", { name: "This page is not open to you" }).waitFor();
  await done(page);
  const player = await call("someone");
  player.script("late-delivery", { upTo: 11 });
  const other = await openPanel(browser, server, "somebody-else");
  await other.waitForTimeout(300);
  await other.getByRole("heading", { name: "Waiting for the next call" }).waitFor();
  await done(other, player);
});

test("by keyboard alone: answer, mute, read, share, look back, settings, erase", async () => {
  const page = await openPanel(browser, server, "p9");
  const button = (name) => page.getByRole("button", { name });
  const press = async (locator, key = "Enter") => {
    await tabTo(page, locator);
    await page.keyboard.press(key);
  };
  const player = await call("p9");
  player.script("late-delivery", { upTo: 11 });
  await page.locator(".prompt-text").waitFor();
  await press(page.locator(".mute summary"));
  await tabTo(page, button("No hints for 15 minutes"));
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".mute[open]").count(), 0);
  await press(button("Used"));
  await page.getByText("Well done").waitFor();
  const feed = await follow(server, "/v1/feed/supervisor", token("supervisor", "berta"));
  feed.send({ type: "whisper", call: player.call, text: "Ich bin da." });
  await page.locator(".whisper-text").waitFor();
  await press(button("Read"));
  await page.locator(".whisper-text").waitFor({ state: "detached" });
  player.script("late-delivery", { from: 11 });
  await press(page.locator(".moment .button"));
  await page.getByText("Shared").waitFor();
  await player.stop();
  await page.locator(".between").waitFor();
  await press(button("My shift"));
  await page.locator(".shift-lines li").first().waitFor();
  await press(button("Close"));
  await press(button("Settings"));
  await page.getByRole("dialog").waitFor();
  await tabTo(page, page.getByRole("radio", { name: "English" }));
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  await press(button("Was über mich gespeichert ist"), "Space");
  await press(button("Löschen"));
  await page.getByText("Wirklich löschen?").waitFor();
  await eventually(() => page.evaluate(() => document.activeElement?.textContent === "Abbrechen"), "focus on what does no harm");
  await press(button("Endgültig löschen"));
  await page.getByText("Gelöscht.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  feed.close();
  await done(page);
});

test("what is kept can be read and erased", async () => {
  const page = await openPanel(browser, server, "p6");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "What is kept about me" }).click();
  const count = page.locator(".record dd").first();
  await eventually(async () => Number(await count.innerText()) > 0, "a call in the record");
  await page.getByRole("button", { name: "Erase" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.notEqual(await count.innerText(), "0", "asked first");
  await page.getByRole("button", { name: "Erase" }).click();
  await page.getByRole("button", { name: "Erase for good" }).click();
  await page.getByText("Erased.").waitFor();
  await eventually(async () => (await count.innerText()) === "0", "an empty record");
  await done(page);
});
