/** The card of the last call, kept for this tab only, so that a reload does not lose it before the next call begins. */

import type { Past } from "./model";

const KEY = "ruhepol.panel.past";

/** A card older than this belongs to another day or another break. */
const KEPT_MS = 30 * 60_000;

interface Kept {
  agent: string;
  /** Our clock. */
  at: number;
  past: Past;
}

let last: Past | null = null;

/** Writes only what is new: the same card is handed in with each message. */
export function keepPast(agent: string, past: Past | null) {
  if (past === last) return;
  last = past;
  if (past) sessionStorage.setItem(KEY, JSON.stringify({ agent, at: Date.now(), past } satisfies Kept));
  else forgetPast();
}

/** The card of this agent's last call, if it is still fresh. */
export function keptPast(agent: string): Past | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
    last = kept && kept.agent === agent && Date.now() - kept.at < KEPT_MS ? kept.past : null;
  } catch {
    last = null;
  }
  if (!last) forgetPast();
  return last;
}

export function forgetPast() {
  last = null;
  sessionStorage.removeItem(KEY);
}
