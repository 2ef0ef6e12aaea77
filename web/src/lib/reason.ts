/** Why an alert is there, in the page's language. The server tells it in that of the call (`src/call/escalation/wording.rs`),
 *  in few fixed sentences; one that is not known here stays as it came. */

import type { Lang } from "../wire";
import type { Words } from "./i18n";

/** German and English of the same. */
const SENTENCES: [string, string][] = [
  ["Droht mit dem Anwalt", "Threatens with a lawyer"],
  ["Droht mit der Verbraucherzentrale", "Threatens with the consumer association"],
  ["Droht mit dem Gericht", "Threatens to go to court"],
  ["Droht mit einer Anzeige", "Threatens to report it to the police"],
  ["Droht mit der Aufsicht", "Threatens with the regulator"],
  ["Droht mit rechtlichen Schritten", "Threatens legal action"],
  ["Droht mit der Presse", "Threatens to go to the media"],
  ["Droht mit schlechten Bewertungen", "Threatens bad reviews"],
  ["Droht mit der Öffentlichkeit", "Threatens to go public"],
  ["Verlangt eine vorgesetzte Person", "Demands a superior"],
  ["Beleidigt Mitarbeitende", "Insults staff"],
  ["Droht mit Kündigung oder Wechsel", "Threatens to cancel or leave"],
  ["Droht mit Gewalt", "Threatens violence"],
  ["Deutet an, sich etwas anzutun", "Hints at self-harm"],
  ["Ist sehr aufgebracht", "Is very upset"],
  ["Wird laut", "Is shouting"],
  ["Flucht heftig", "Swears heavily"],
  ["Beschwert sich scharf", "Complains sharply"],
  ["Deutliche Beschwerde", "Clear complaint"],
  ["Klingt seit mehreren Äußerungen verärgert", "Has sounded annoyed for several utterances"],
  ["Lage jetzt kritisch", "Now critical"],
  ["Lage spitzt sich zu", "Getting worse"],
  ["Seit einer Weile keine Anspannung mehr", "No tension for a while"],
  ["Hat die Entschuldigung angenommen", "Accepted the apology"],
  ["Ist erleichtert", "Is relieved"],
  ["Hat sich beruhigt und zeigt sich freundlich", "Calmed down and is friendly again"],
  ["Ärger", "anger"],
  ["Unzufriedenheit", "dissatisfaction"],
  ["Beleidigung", "insult"],
  ["Fluchen", "swearing"],
  ["Spott", "sarcasm"],
  ["Fassungslosigkeit", "disbelief"],
  ["wiederholter Kontakt", "repeated contact"],
  ["lange Wartezeit", "long wait"],
  ["Zeitdruck", "time pressure"],
  ["Lautwerden", "shouting"],
  ["Beschwerde", "complaint"],
];

const COUNTED: [RegExp, Record<Lang, (n: string) => string>][] = [
  [/^(\d+) (?:Beschwerden in kurzer Zeit|complaints in a short time)$/, { de: (n) => `${n} Beschwerden in kurzer Zeit`, en: (n) => `${n} complaints in a short time` }],
];

/** From either language to the page's. Where two say the same, the first is meant. */
const TABLES = {
  de: new Map([...SENTENCES].reverse().flatMap(([german, english]): [string, string][] => [[english, german], [german, german]])),
  en: new Map(SENTENCES.flatMap(([german, english]): [string, string][] => [[german, english], [english, english]])),
};

/** For how long nobody has taken it, the page says itself. */
const NOT_TAKEN = /^(?:Seit \d+ s nicht angenommen|Not taken for \d+ s)$/;

/** `Lage spitzt sich zu: 2 Beschwerden in kurzer Zeit: Ärger, Zeitdruck`, part by part. */
export function reasonIn(words: Words, reason: string): string {
  const part = (text: string) => known(words, text) ?? text.split(", ").map((name) => known(words, name) ?? name).join(", ");
  return reason.split(": ").filter((text) => !NOT_TAKEN.test(text)).map(part).join(": ");
}

/** The reason where it adds anything to the name of the kind, which already says what was threatened or demanded. */
export function moreReason(words: Words, kind: string, reason: string): string {
  const text = reasonIn(words, reason);
  return kind === "rising_tension" || text.includes(":") || text.length > 48 ? text : "";
}

function known({ lang }: Words, text: string): string | undefined {
  for (const [pattern, tell] of COUNTED) {
    const found = pattern.exec(text);
    if (found) return tell[lang](found[1]!);
  }
  return TABLES[lang].get(text);
}
