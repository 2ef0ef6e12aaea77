/** Who is signed in: a token from the link's fragment or pasted, kept for this tab only. */

export interface Claims {
  sub: string;
  role: "ingest" | "agent" | "supervisor" | "auditor" | "admin";
  /** Seconds since 1970. */
  exp: number;
  teams?: string[];
  queues?: string[];
}

export interface Session {
  token: string;
  claims: Claims;
}

/** Session storage, not local: a token must not outlive the tab, nor be seen by the other page's tab. */
const keyOf = (page: string) => `ruhepol.${page}.token`;

/** The session of this tab, if any; takes the token out of the address so that it is in no history and no screenshot. */
export function currentSession(page: string): Session | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    return signIn(page, given);
  }
  const kept = sessionStorage.getItem(keyOf(page));
  return kept ? sessionOf(kept) : null;
}

/** Keeps a token that was pasted, bare or as the whole link; `null` if it is none. */
export function signIn(page: string, pasted: string): Session | null {
  const token = pasted.trim().replace(/^.*#token=/, "").replace(/^Bearer\s+/i, "");
  const session = sessionOf(token);
  if (session) sessionStorage.setItem(keyOf(page), token);
  return session;
}

export function signOut(page: string) {
  sessionStorage.removeItem(keyOf(page));
}

/** What the token says; only the server can tell whether it is true. */
function sessionOf(token: string): Session | null {
  const body = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (!body) return null;
  try {
    const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Claims;
    return typeof claims.sub === "string" && typeof claims.exp === "number" ? { token, claims } : null;
  } catch {
    return null;
  }
}
