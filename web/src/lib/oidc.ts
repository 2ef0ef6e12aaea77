/** Sign-in at the house's identity provider: authorization code with PKCE (RFC 7636), state and nonce checked. The page
 *  is a public client; tokens are in no address, no log and no lasting storage. */

import type { SignIn, SignInProvider } from "../wire";
import { type PageName, type Session, keep, payloadOf, renewed } from "./session";

/** Why a sign-in came to nothing. */
export type Trouble = "unreachable" | "refused" | "foreign" | "unusable";

export class SignInTrouble extends Error {
  constructor(readonly why: Trouble) {
    super(why);
  }
}

/** What a provider sends back with the browser. */
export interface Answer {
  state: string;
  code: string | null;
  error: string | null;
  iss: string | null;
}

/** What is remembered while the browser is at the provider. */
interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  endpoint: string;
  provider: SignInProvider;
}

interface Tokens {
  access_token?: string;
  id_token?: string;
  refresh_token?: string;
  expires_in?: number;
}

const PATIENCE_MS = 8_000;

/** A token is renewed this long before its end, or when three quarters of its life are over if that is later. */
const RENEW_AHEAD_MS = 60_000;

const keyOf = (page: PageName) => `ruhepol.${page}.pending`;

/** The provider people sign in at; `null` where only tokens open the pages. */
export async function askProvider(): Promise<SignInProvider | null> {
  try {
    const answer = await fetch("/v1/sign-in", { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? (((await answer.json()) as SignIn).provider ?? null) : null;
  } catch {
    return null;
  }
}

/** Leaves for the provider. */
export async function begin(page: PageName, provider: SignInProvider) {
  const { issuer } = provider;
  const described = await getJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const { authorization_endpoint: authorize, token_endpoint: endpoint } = described as Record<string, string>;
  // Whoever answers for another issuer could hand out codes for it.
  if (described.issuer !== issuer || !isAt(issuer, authorize) || !isAt(issuer, endpoint) || !crypto.subtle) throw new SignInTrouble("unusable");
  const pending: Pending = { state: random(), nonce: random(), verifier: random(), endpoint, provider };
  sessionStorage.setItem(keyOf(page), JSON.stringify(pending));
  const address = new URL(authorize);
  const modes = described.response_modes_supported;
  const asked: Record<string, string> = {
    response_type: "code",
    client_id: provider.client_id,
    redirect_uri: redirectUri(),
    scope: provider.scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier)))),
    code_challenge_method: "S256",
  };
  // In the fragment, the code never reaches a server of ours, nor its logs.
  if (Array.isArray(modes) && modes.includes("fragment")) asked.response_mode = "fragment";
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
  location.assign(address);
}

/** The provider's answer in the address, if there is one; takes it out, so that it is in no history. */
export function takeAnswer(): Answer | null {
  for (const part of [location.search.slice(1), location.hash.slice(1)]) {
    const found = new URLSearchParams(part);
    const state = found.get("state");
    if (state === null || !(found.has("code") || found.has("error"))) continue;
    history.replaceState(null, "", location.pathname);
    return { state, code: found.get("code"), error: found.get("error"), iss: found.get("iss") };
  }
  return null;
}

/** Turns the provider's answer into a session. */
export async function finish(page: PageName, answer: Answer): Promise<Session> {
  const pending = takePending(page);
  if (pending?.state !== answer.state) throw new SignInTrouble("foreign");
  const { provider, endpoint, nonce, verifier } = pending;
  if (answer.iss !== null && answer.iss !== provider.issuer) throw new SignInTrouble("foreign");
  if (!answer.code) throw new SignInTrouble("refused");
  const tokens = await ask(endpoint, { grant_type: "authorization_code", code: answer.code, redirect_uri: redirectUri(), client_id: provider.client_id, code_verifier: verifier });
  const identity = payloadOf(tokens.id_token ?? "");
  const audience = [identity?.aud].flat();
  if (identity?.nonce !== nonce) throw new SignInTrouble("foreign");
  if (identity.iss !== provider.issuer || !audience.includes(provider.client_id)) throw new SignInTrouble("foreign");
  const session = keep(page, keptOf(tokens, endpoint, provider, null));
  if (!session) throw new SignInTrouble("unusable");
  return session;
}

/** Asks for a new token: `over` when the provider will not give one any more. */
export async function renew(session: Session): Promise<"renewed" | "later" | "over"> {
  const { renewal } = session;
  if (!renewal) return "over";
  try {
    const tokens = await ask(renewal.endpoint, { grant_type: "refresh_token", refresh_token: renewal.refresh, client_id: renewal.clientId });
    const provider = { client_id: renewal.clientId, token: renewal.token, sub_claim: renewal.subClaim };
    return renewed(session, keptOf(tokens, renewal.endpoint, provider, renewal.refresh)) ? "renewed" : "over";
  } catch (error) {
    return error instanceof SignInTrouble && error.why === "unreachable" ? "later" : "over";
  }
}

function keptOf(tokens: Tokens, endpoint: string, provider: Pick<SignInProvider, "client_id" | "token" | "sub_claim">, before: string | null) {
  const { client_id: clientId, token: kind, sub_claim: subClaim } = provider;
  const token = (kind === "id" ? tokens.id_token : tokens.access_token) ?? "";
  const payload = payloadOf(token);
  // Lengths, not times: our clock may be wrong.
  const [exp, iat] = [Number(payload?.exp), Number(payload?.iat)];
  const lifeMs = (kind === "access" && tokens.expires_in ? tokens.expires_in : iat ? exp - iat : exp - Date.now() / 1_000) * 1_000;
  const expiresAt = Date.now() + lifeMs;
  const refresh = tokens.refresh_token ?? before;
  const renewal = refresh ? { endpoint, clientId, refresh, token: kind, subClaim } : null;
  return { token, subClaim, expiresAt, renewAt: expiresAt - Math.min(RENEW_AHEAD_MS, lifeMs / 4), renewal };
}

function takePending(page: PageName): Pending | null {
  const text = sessionStorage.getItem(keyOf(page));
  sessionStorage.removeItem(keyOf(page));
  return text ? (JSON.parse(text) as Pending) : null;
}

async function getJson(address: string): Promise<Record<string, unknown>> {
  return readJson(await reach(address, {}));
}

async function ask(endpoint: string, fields: Record<string, string>): Promise<Tokens> {
  const answer = await reach(endpoint, { method: "POST", body: new URLSearchParams(fields) });
  // 4xx: this code, or this refresh token, will never be taken.
  if (!answer.ok) throw new SignInTrouble(answer.status >= 500 ? "unreachable" : "refused");
  return readJson(answer);
}

async function reach(address: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { ...options, credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new SignInTrouble("unreachable");
  }
}

async function readJson<T extends object>(answer: Response): Promise<T> {
  try {
    if (answer.ok) return (await answer.json()) as T;
  } catch {
    // Not JSON: said below.
  }
  throw new SignInTrouble(answer.status >= 500 ? "unreachable" : "unusable");
}

/** The policy of our pages lets them speak to the issuer's own origin only. */
function isAt(issuer: string, address: string | undefined): address is string {
  try {
    return new URL(address ?? "").origin === new URL(issuer).origin;
  } catch {
    return false;
  }
}

/** Each page has its own, without anything behind it: providers compare it letter by letter. */
const redirectUri = () => location.origin + location.pathname;

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

const base64url = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
