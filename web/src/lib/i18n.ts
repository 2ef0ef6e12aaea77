/** Both languages of the pages, and numbers and times as people there write them. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { AlertKind, Band, Channel, EndReason, FactKind, Lang } from "../wire";
import { keep, kept } from "./store";
import { de } from "./text.de";
import { en } from "./text.en";

export type Text = typeof en;

export interface Words extends Text {
  lang: Lang;
}

const dictionaries: Record<Lang, Words> = { en: { ...en, lang: "en" }, de: { ...de, lang: "de" } };

export const wordsOf = (lang: Lang): Words => dictionaries[lang];

export function chosenLang(): Lang {
  return kept<Lang>("lang", ["de", "en"], navigator.language.toLowerCase().startsWith("de") ? "de" : "en");
}

export function chooseLang(lang: Lang) {
  keep("lang", lang);
}

export const Dictionary = createContext<Words>(dictionaries.en);

export const useWords = () => useContext(Dictionary);

/** A name from the wire that a newer server may have invented. */
export function nameOf<K extends string>(names: Record<K, string>, key: K): string {
  return names[key] ?? key.replaceAll("_", " ");
}

export const bandName = (words: Words, band: Band) => nameOf(words.bands, band);
export const alertName = (words: Words, kind: AlertKind) => (kind === "rising_tension" ? words.risingTension : nameOf(words.cues, kind));
export const channelName = (words: Words, channel: Channel) => nameOf(words.channels, channel);
export const endName = (words: Words, reason: EndReason) => nameOf(words.endReasons, reason);
export const factName = (words: Words, kind: FactKind) => nameOf(words.facts, kind);

/** 3:07 or 1:02:09: a length on a clock. */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60) % 60;
  const hours = Math.floor(s / 3_600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** The same for screen readers and titles: "3 min 7 s". */
export function spokenLength(words: Words, ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(s / 60);
  if (minutes === 0) return `${s} s`;
  if (minutes < 60) return s % 60 === 0 ? `${minutes} min` : `${minutes} min ${s % 60} s`;
  return `${number(words, Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** For loads: 12:30 min. */
export function minutes(words: Words, ms: number): string {
  return words.minutesShort(clock(ms));
}

export function number(words: Words, value: number, digits = 0): string {
  return value.toLocaleString(words.lang, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

const times = new Map<string, Intl.DateTimeFormat>();

function format(words: Words, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${words.lang} ${name}`;
  let found = times.get(key);
  // en-GB: a 24 hour clock, as rosters and telephone systems have it.
  if (!found) times.set(key, (found = new Intl.DateTimeFormat(words.lang === "de" ? "de-DE" : "en-GB", options)));
  return found;
}

export const timeOfDay = (words: Words, time: number | string) =>
  format(words, "time", { hour: "2-digit", minute: "2-digit" }).format(new Date(time));

export const timeWithSeconds = (words: Words, time: number | string) =>
  format(words, "seconds", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(time));

/** The same, saying so when it is today. */
export function dayOf(words: Words, time: number | string): string {
  const day = dateOf(words, time);
  return day === dateOf(words, Date.now()) ? `${words.today}, ${day}` : day;
}

export const dateOf = (words: Words, time: number | string) =>
  format(words, "date", { weekday: "short", day: "numeric", month: "long" }).format(new Date(time));
