/** Who is signed in: a token from the link's fragment, pasted, or from the house's provider; kept for this tab only. */

import type { ProviderToken } from "../wire";

export type PageName = "board" | "panel";

/** What the pages need of a token; what it allows, the server alone decides. */
export interface Claims {
  sub: string;
  /** Seconds since 1970. */
  exp: number;
}

/** How a provider's token is renewed. */
export interface Renewal {
  endpoint: string;
  clientId: string;
  refresh: string;
  token: ProviderToken;
  subClaim: string;
}

/** What is kept over a reload. */
interface Kept {
  token: string;
  subClaim: string;
  /** Our clock. */
  expiresAt: number;
  /** `Infinity`, in storage `null`: never. */
  renewAt: number;
  renewal: Renewal | null;
}

export interface Session extends Kept {
  /** Stays with a session whose token is renewed. */
  readonly id: number;
  readonly page: PageName;
  claims: Claims;
}

let sessions = 0;

/** Session storage, not local: a token must not outlive the tab, nor be seen by the other page's tab. */
const keyOf = (page: PageName) => `ruhepol.${page}.session`;

/** The session of this tab, if any; takes a token out of the address so that it is in no history and no screenshot. */
export function currentSession(page: PageName): Session | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    return signIn(page, given);
  }
  try {
    return opened(page, JSON.parse(sessionStorage.getItem(keyOf(page)) ?? "null") as Kept | null);
  } catch {
    return null;
  }
}

/** Keeps a token that was pasted, bare or as the whole link; `null` if it is none. */
export function signIn(page: PageName, pasted: string): Session | null {
  const token = pasted.trim().replace(/^.*#token=/, "").replace(/^Bearer\s+/i, "");
  const claims = claimsOf(token);
  if (!claims) return null;
  return keep(page, { token, subClaim: "sub", expiresAt: claims.exp * 1_000, renewAt: Infinity, renewal: null });
}

/** Keeps a session for this tab; `null` if the token is none this page can read. */
export function keep(page: PageName, kept: Kept): Session | null {
  const session = opened(page, kept);
  if (session) store(session);
  return session;
}

/** The same session with a new token. */
export function renewed(session: Session, kept: Kept): boolean {
  const claims = claimsOf(kept.token, kept.subClaim);
  // Another person's token would be a fault of the provider, and must not take over what is on the screen.
  if (claims?.sub !== session.claims.sub) return false;
  Object.assign(session, kept, { claims });
  store(session);
  return true;
}

/** How long before its end the page says when that is. */
const ENDS_SOON_MS = 10 * 60_000;

/** When the sign-in ends, if that is soon and nothing renews it. */
export const endsSoon = ({ renewal, expiresAt }: Session) => (!renewal && expiresAt - Date.now() < ENDS_SOON_MS ? expiresAt : null);

export function signOut(page: PageName) {
  sessionStorage.removeItem(keyOf(page));
}

/** Three parts in base64url, of which the second is an object; whether it is true, only the server can tell. */
export function payloadOf(token: string): Record<string, unknown> | null {
  const body = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (!body) return null;
  try {
    const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function claimsOf(token: string, subClaim = "sub"): Claims | null {
  const payload = payloadOf(token);
  const sub = subClaim.split(".").reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], payload ?? undefined);
  return typeof sub === "string" && typeof payload?.exp === "number" ? { sub, exp: payload.exp } : null;
}

function opened(page: PageName, kept: Kept | null): Session | null {
  const claims = kept && claimsOf(kept.token, kept.subClaim);
  return kept && claims ? { ...kept, renewAt: kept.renewAt ?? Infinity, id: ++sessions, page, claims } : null;
}

function store({ page, token, subClaim, expiresAt, renewAt, renewal }: Session) {
  sessionStorage.setItem(keyOf(page), JSON.stringify({ token, subClaim, expiresAt, renewAt, renewal }));
}
