// Signing in at an identity provider: authorization code with PKCE.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { close, closePage as done, eventually, open, openPage, Player, startServer, violations } from "./kit.mjs";
import { settingsFor, startProvider } from "./provider.mjs";

let browser;
let server;
let provider;

before(async () => {
  provider = await startProvider();
  ({ browser, server } = await open({ config: settingsFor(provider) }));
});

after(async () => {
  await close({ browser });
  provider?.stop();
});

const host = () => new URL(provider.issuer).host;
const button = (page, from = host()) => page.getByRole("button", { name: `Sign in with ${from}` });

/** The provider as it is for one test. */
function set(changes) {
  Object.assign(provider, { lifeS: 3_600, person: { preferred_username: "berta", ruhepol_role: "supervisor" }, fault: null, asked: [] }, changes);
}

async function signIn(page) {
  await button(page).click();
  await page.locator(".link-live").waitFor();
}

test("to the provider and back, without a token in any address or lasting storage", async () => {
  set({});
  const page = await openPage(browser, `${server.url}/`);
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("framenavigated", (frame) => addresses.push(frame.url()));
  await button(page).waitFor();
  assert.deepEqual(await violations(page), []);
  await signIn(page);
  assert.deepEqual(await page.evaluate(() => [location.search, location.hash]), ["", ""]);
  const kept = await page.evaluate(() => ({ tab: JSON.stringify(sessionStorage), lasting: JSON.stringify(localStorage), cookies: document.cookie }));
  const tokens = kept.tab.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [];
  assert.equal(tokens.length, 1);
  assert.ok(!kept.tab.includes("verifier"), "nothing of the sign-in is left");
  assert.ok(!/eyJ/.test(kept.lasting + kept.cookies + addresses.join("\n")), "a token got out");
  assert.deepEqual(provider.asked, ["authorize", "authorization_code"]);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText(/^berta · /).waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await page.locator(".link-live").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await button(page).waitFor();
  assert.ok(!/eyJ/.test(await page.evaluate(() => JSON.stringify(sessionStorage))));
  await done(page);
});

test("the policy lets the page speak to the issuer, and to nobody else", async () => {
  for (const path of ["/", "/agent"]) {
    const policy = (await fetch(`http://${server.address}${path}`)).headers.get("content-security-policy");
    assert.match(policy, new RegExp(`connect-src 'self' ${provider.issuer};`));
    assert.match(policy, /script-src 'self';/);
  }
});

test("the panel, by keyboard alone, in German", async () => {
  set({ person: { preferred_username: "a7", ruhepol_role: "agent" } });
  const page = await openPage(browser, `${server.url}/agent`, { lang: "de", theme: "dark", size: { width: 360, height: 640 } });
  const go = page.getByRole("button", { name: `Anmelden über ${host()}` });
  await go.waitFor();
  assert.deepEqual(await violations(page), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  if (!(await go.evaluate((element) => element === document.activeElement))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".link-live").waitFor();
  await page.locator(".panel-agent", { hasText: "a7" }).waitFor();
  await done(page);
});

test("a token is renewed before it ends, and nobody notices", async () => {
  set({ lifeS: 8 });
  const player = await Player.start(server, "renew", { agent: "a1" });
  player.say("Ich habe eine Frage zur Rechnung.");
  const page = await openPage(browser, `${server.url}/`);
  await signIn(page);
  await page.evaluate(() => {
    window.lost = 0;
    new MutationObserver(() => (window.lost += document.querySelectorAll(".lost, .link-lost").length)).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await page.locator("[data-call=renew]").click();
  await page.getByText("Ich habe eine Frage zur Rechnung.").waitFor();
  await page.locator("#whisper").fill("half a sen");
  await eventually(() => provider.asked.includes("refresh_token"), "a renewal");
  await page.waitForTimeout(2_500);
  player.say("Sind Sie noch da?");
  await page.getByText("Sind Sie noch da?").waitFor();
  assert.equal(await page.locator("#whisper").inputValue(), "half a sen");
  assert.equal(await page.evaluate(() => window.lost), 0);
  await done(page, player);
});

test("when the provider renews no more, the page says so and lets one in again", async () => {
  set({ lifeS: 4 });
  const page = await openPage(browser, `${server.url}/`);
  await signIn(page);
  provider.fault = "refresh";
  await page.getByRole("heading", { name: "Your sign-in has run out" }).waitFor();
  assert.deepEqual(await violations(page), []);
  set({});
  await signIn(page);
  await done(page);
});

test("what does not fit is refused: denied, another state, another nonce, a link from elsewhere, no role", async () => {
  for (const [fault, title] of [
    ["denied", "The sign-in was refused"],
    ["state", "This sign-in does not belong to this tab"],
    ["nonce", "This sign-in does not belong to this tab"],
  ]) {
    set({ fault });
    const page = await openPage(browser, `${server.url}/`);
    await button(page).click();
    await page.getByRole("heading", { name: title }).waitFor();
    assert.deepEqual(await page.evaluate(() => [location.search, location.hash, sessionStorage.length]), ["", "", 0], fault);
    set({});
    await signIn(page);
    await done(page);
  }
  set({});
  const lured = await openPage(browser, `${server.url}/?code=stolen&state=guessed`);
  await lured.getByRole("heading", { name: "This sign-in does not belong to this tab" }).waitFor();
  assert.deepEqual(provider.asked, [], "a code from elsewhere is not redeemed");
  await done(lured);
  set({ person: { preferred_username: "carl" } });
  const nobody = await openPage(browser, `${server.url}/`);
  await button(nobody).click();
  await nobody.getByRole("heading", { name: "This page is not open to you" }).waitFor();
  await done(nobody);
});

test("an ID token serves where the audience is the client; a provider without fragments, too; and one that is away is said to be", async () => {
  const other = await startProvider({ modes: undefined });
  const second = await startServer({ config: settingsFor(other, { audience: "pages" }) });
  const page = await openPage(browser, `${second.url}/`);
  await button(page, new URL(other.issuer).host).click();
  await page.locator(".link-live").waitFor();
  assert.equal(await page.evaluate(() => location.search), "");
  await page.evaluate(() => sessionStorage.clear());
  other.stop();
  await page.reload();
  await button(page, new URL(other.issuer).host).click();
  await page.getByRole("heading", { name: "The sign-in cannot be reached" }).waitFor();
  // A token of the server's own opens the page all the same.
  await page.getByText("Use a token instead").click();
  await page.getByLabel("Token or link").waitFor();
  await done(page);
  await second.stop();
});
