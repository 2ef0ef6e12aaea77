// A busy quarter of an hour on a floor: enough calls for every state of the board, always the same.

import { follow, Player, token } from "./kit.mjs";

const QUIET_DE = [
  ["a11", "versand", "nord", "Guten Tag, ich wollte nur fragen, wann mein Paket kommt."],
  ["a12", "technik", "süd", "Ich möchte meine Adresse ändern."],
  ["a13", "rechnung", "nord", "Könnten Sie mir die Rechnung noch einmal schicken?"],
  ["a14", "vertrag", "süd", "Ich hätte gern Unterlagen zum neuen Tarif."],
  ["a15", "versand", "nord", "Vielen Dank, das war sehr freundlich."],
  ["a16", "technik", "süd", "Wie stelle ich den Router neu ein?"],
  ["a17", "strom", "nord", "Ich möchte meinen Zählerstand durchgeben."],
  ["a18", "billing", "west", "Could you send me the invoice again, please?"],
  ["a19", "shipping", "west", "I would like to change my delivery address."],
];

/** Plays the scene; the players go on holding their calls. */
export async function playScene(server) {
  const players = {};
  const start = async (call, facts) => (players[call] = await Player.start(server, call, facts));

  (await start("k-2041", { agent: "a4", queue: "vertrag", team: "süd", customer: { name: "Herr Brandt" }, wait_s: 420, metadata: { Produkt: "DSL 100", Vertrag: "seit 2019" } })).script("cancellation", { upTo: 14 });
  (await start("k-2044", { agent: "a7", queue: "versand", team: "nord", customer: { name: "Frau Keller" }, wait_s: 240, metadata: { Produkt: "Waschmaschine" } })).script("insults", { upTo: 9 });
  (await start("k-2038", { agent: "a9", queue: "billing", team: "west", language: "en", wait_s: 95 })).script("english-angry", { upTo: 9 });
  (await start("k-2040", { agent: "a2", queue: "reklamation", team: "süd", wait_s: 130 })).script("wrong-department", { upTo: 9 });
  (await start("k-2046", { agent: "a1", queue: "technik", team: "süd" })).script("third-call", { upTo: 6 });
  (await start("k-2047", { agent: "a5", queue: "versand", team: "nord" })).script("late-delivery", { upTo: 9 });
  (await start("k-2049", { agent: "a6", queue: "rechnung", team: "nord" })).script("late-delivery", { upTo: 19 });
  (await start("k-2048", { agent: "a3", queue: "technik", team: "süd" })).script("third-call", { upTo: 12 });
  for (const [agent, queue, team, text] of QUIET_DE) {
    const language = team === "west" ? "en" : "de";
    const player = await start(`k-20${50 + Number(agent.slice(1))}`, { agent, queue, team, language });
    player.agent(language === "de" ? "Guten Tag, was kann ich für Sie tun?" : "Good afternoon, how can I help?").say(text);
  }
  players["k-2061"].send({ type: "hold" });
  // Anna takes one and puts one off.
  const anna = await follow(server, "/v1/feed/supervisor", token("supervisor", "anna"));
  const { calls } = await anna.until((message) => message.type === "snapshot", "snapshot");
  const alertOf = async (call) => {
    const known = calls.find((view) => view.call === call)?.alert;
    return known ?? (await anna.until((message) => message.type === "alert" && message.call === call, `alert of ${call}`));
  };
  anna.send({ type: "ack", alert: (await alertOf("k-2040")).id, ref: 1 });
  anna.send({ type: "snooze", alert: (await alertOf("k-2038")).id, minutes: 15, ref: 2 });
  await anna.until((message) => message.type === "done" && message.ref === 2, "answer");
  anna.close();
  return players;
}

/** Three heated calls of one agent that end: a break is suggested. */
export async function tireOut(server, agent = "a7") {
  for (const n of [1, 2, 3]) {
    const player = await Player.start(server, `k-20${20 + n}`, { agent, queue: "versand", team: "nord", customer: { name: "Frau Keller" } });
    player.script(n === 3 ? "late-delivery" : n === 2 ? "insults" : "cancellation");
    await player.stop();
  }
}

/** Sixty calls at once, some of them heated. */
export async function crowdScene(server) {
  const scripts = ["cancellation", "insults", "third-call", "late-delivery", "wrong-department"];
  return Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const [, queue, team, text] = QUIET_DE[n % 7];
      const player = await Player.start(server, `k-3${100 + n}`, { agent: `a${n + 1}`, queue, team });
      if (n % 6 === 0) return player.script(scripts[(n / 6) % scripts.length], { upTo: 9 + (n % 4) });
      return player.agent("Guten Tag, was kann ich für Sie tun?").say(text);
    }),
  );
}
