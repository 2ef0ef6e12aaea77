// Every state of both pages through axe: German and English, light and dark, and at 360 pixels nothing is cut off.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close, closePage as done, follow, open, openBoard, openPage, openPanel, Player, relayFeed, startServer, token, violations } from "./kit.mjs";
import { playScene, tireOut } from "./scene.mjs";

let browser;
let server;

before(async () => {
  ({ browser, server } = await open());
  await tireOut(server);
  await playScene(server);
});

after(() => close({ browser }));

/** All rules in the one theme; what the other changes is colours. */
function checking(page) {
  return async (state) => {
    const theme = (name) => page.evaluate((name) => (document.documentElement.dataset.theme = name), name);
    await theme("light");
    assert.deepEqual(await violations(page), [], `${state}, light`);
    await theme("dark");
    assert.deepEqual(await violations(page, ["color-contrast"]), [], `${state}, dark`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${state}: too wide`);
  };
}

for (const lang of ["en", "de"]) {
  test(`the board with calls: ${lang}`, async () => {
    const page = await openBoard(browser, server, { lang });
    const check = checking(page);
    await page.locator("[data-call=k-2041]").waitFor();
    await check("live");
    assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
    await page.locator("[data-call=k-2041]").click();
    await page.locator(".line-customer").first().waitFor();
    const other = await openBoard(browser, server, { sub: "anna" });
    await other.locator("[data-call=k-2041]").click();
    await other.locator("#whisper").fill("Ich bin da.");
    await other.keyboard.press("Enter");
    await page.locator(".line-whisper").first().waitFor();
    await page.locator(".flag-others").waitFor();
    await check("opened, with a colleague");
    await done(other);
    await page.locator(".cue").first().focus();
    await page.locator(".tip").waitFor();
    await check("explained");
    for (const key of ["s", "f", "t", "?"]) {
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press(key);
      await page.getByRole("dialog").waitFor();
      await check(`dialog of ${key}`);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.locator(".tools button").last().click();
    await check("settings");
    await page.keyboard.press("Escape");
    await page.keyboard.press("2");
    await page.locator(".table").waitFor();
    await check("load");
    await page.keyboard.press("3");
    await page.locator(".row-ended").first().click();
    await page.locator(".line-ended").waitFor();
    await check("ended");
    await page.keyboard.press("1");
    await page.locator("#search").fill("zeppelin");
    await check("no match");
    await done(page);
  });

  test(`the board when something is missing: ${lang}`, async () => {
    // A scope without calls is an empty floor.
    const empty = await openBoard(browser, server, { lang, scope: { teams: ["nobody"] } });
    await checking(empty)("no calls");
    await empty.keyboard.press("2");
    await checking(empty)("no load");
    await empty.keyboard.press("3");
    await empty.locator(".nobody").waitFor();
    await checking(empty)("no history");
    await done(empty);

    const mute = await openPage(browser, "about:blank", { lang });
    await mute.routeWebSocket(/feed/, () => undefined);
    await mute.route(/v1\/calls/, (route) => route.abort());
    await mute.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
    await mute.locator(".loading").waitFor();
    await checking(mute)("loading");
    await mute.keyboard.press("3");
    await mute.locator(".empty").waitFor();
    await checking(mute)("history failed");
    mute.faults.length = 0;
    await done(mute);

    const late = await Player.start(server, `late-${lang}`, { agent: "a1" });
    late.say("Einen Moment, bitte.");
    const page = await openPage(browser, "about:blank", { lang });
    await page.route(/events/, (route) => route.abort());
    const line = await relayFeed(page);
    await page.goto(`${server.url}/#token=${token("supervisor", "berta")}`);
    await page.locator(`[data-call=late-${lang}]`).click();
    await page.locator(".conversation-failed").waitFor();
    await checking(page)("conversation failed");
    late.send({ type: "hold" });
    await page.locator(".detail .flag-hold").waitFor();
    await checking(page)("on hold");
    late.send({ type: "resume" });
    late.send({ type: "consent", given: false });
    await page.locator(".line-consent").waitFor();
    await checking(page)("no consent");
    await page.route(/events/, (route) => route.fulfill({ status: 404, body: "{}" }));
    await page.keyboard.press("Escape");
    await page.locator("[data-call=k-2044]").click();
    await page.locator(".detail-gone").waitFor();
    await checking(page)("gone");
    await page.routeWebSocket(/feed\/supervisor/, (ours) => ours.close());
    await line.cut();
    await page.locator(".lost").waitFor();
    await checking(page)("lost");
    await done(page, late);
  });

  test(`the door of both pages: ${lang}`, async () => {
    for (const [path, bearer] of [
      ["/", ""],
      ["/", token("supervisor", "berta", { ttlS: -1 })],
      ["/", token("agent", "a1")],
      ["/", `${token("supervisor", "berta").slice(0, -6)}AAAAAA`],
      ["/agent", ""],
      ["/agent", token("supervisor", "berta")],
    ]) {
      const page = await openPage(browser, `${server.url}${path}${bearer && `#token=${bearer}`}`, { lang, size: { width: 360, height: 640 } });
      await page.locator(".door form").waitFor();
      await checking(page)(`door ${path} ${bearer.slice(0, 8)}`);
      await done(page);
    }
  });

  test(`the panel: ${lang}`, async () => {
    const agent = `axe-${lang}`;
    const page = await openPanel(browser, server, agent, { lang, size: { width: 360, height: 600 } });
    const check = checking(page);
    await check("waiting");
    const player = await Player.start(server, `p-${lang}`, { agent, queue: "versand", team: "nord", customer: { name: "Frau Keller" }, wait_s: 240 });
    player.script("late-delivery", { upTo: 11 });
    await page.locator(".prompt-text").waitFor();
    await check("hint");
    await page.locator(".prompt-actions .button").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator(".mute[open]").waitFor();
    await check("mute");
    await page.keyboard.press("Escape");
    const feed = await follow(server, "/v1/feed/supervisor", token("supervisor", "berta"));
    feed.send({ type: "whisper", call: player.call, text: "Ich bin da." });
    await page.locator(".whisper-text").waitFor();
    await check("whisper");
    feed.close();
    player.script("late-delivery", { from: 11 });
    await player.stop();
    await page.locator(".between").waitFor();
    await check("between");
    await page.locator("[data-shift]").click();
    await page.locator(".shift-lines").waitFor();
    await check("shift");
    await page.locator(".panel-top button").last().click();
    await page.getByRole("dialog").waitFor();
    await check("settings");
    await page.getByRole("dialog").getByRole("button").nth(1).click();
    await page.locator(".record").waitFor();
    await check("record");
    await page.locator(".dialog-actions button").click();
    await page.locator(".button-danger").waitFor();
    await check("erase");
    await done(page);
  });
}

test("lost and stale, on both pages", async () => {
  const other = await startServer();
  const player = await Player.start(other, "l1", { agent: "a1" });
  player.say("Ich habe eine Frage zur Rechnung.");
  const [board, panel] = [await openBoard(browser, other, { lang: "de" }), await openPanel(browser, other, "a1", { lang: "de" })];
  await board.locator("[data-call=l1]").click();
  await board.locator(".line-customer").waitFor();
  const place = () => panel.locator(".prompt-slot").evaluate((slot) => slot.getBoundingClientRect().top);
  const before = await place();
  await other.stop({ signal: "SIGKILL" });
  await board.locator(".lost").waitFor();
  await panel.locator(".panel-lost").waitFor();
  assert.equal(await place(), before, "nothing moves on the panel");
  await checking(board)("lost board");
  await checking(panel)("lost panel");
  await done(board);
  await done(panel);
});
