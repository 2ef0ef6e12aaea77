// An identity provider on a loopback port, small and strict: discovery, keys, authorization code with PKCE, refresh.

import { createHash, createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const KEY = "k1";

export async function startProvider({ modes = ["query", "fragment"] } = {}) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const codes = new Map();
  const refreshTokens = new Map();
  const provider = {
    /** Of the next tokens, in seconds. */
    lifeS: 3_600,
    person: { preferred_username: "berta", ruhepol_role: "supervisor" },
    /** What the next sign-in does wrong. */
    fault: null,
    /** What was asked, without the secrets. */
    asked: [],
  };

  const sign = (claims) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = `${part({ alg: "RS256", kid: KEY, typ: "JWT" })}.${part(claims)}`;
    return `${body}.${createSign("RSA-SHA256").update(body).sign(privateKey, "base64url")}`;
  };
  const tokens = (clientId, nonce) => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: provider.issuer, sub: randomBytes(8).toString("hex"), iat: now, exp: now + provider.lifeS, ...provider.person };
    const refresh = randomBytes(16).toString("hex");
    refreshTokens.set(refresh, clientId);
    const idNonce = provider.fault === "nonce" ? "another" : nonce;
    return {
      token_type: "Bearer",
      expires_in: provider.lifeS,
      access_token: sign({ ...claims, aud: "ruhepol" }),
      id_token: sign({ ...claims, aud: clientId, nonce: idNonce }),
      refresh_token: refresh,
    };
  };
  const authorize = (asked) => {
    const { redirect_uri: back, state, nonce, client_id: clientId, code_challenge: challenge, code_challenge_method: method } = asked;
    if (asked.response_type !== "code" || method !== "S256" || !challenge || !state || !nonce) return null;
    const answer = new URLSearchParams({ state: provider.fault === "state" ? "another" : state, iss: provider.issuer });
    if (provider.fault === "denied") {
      answer.set("error", "access_denied");
    } else {
      const code = randomBytes(16).toString("hex");
      codes.set(code, { back, nonce, clientId, challenge });
      answer.set("code", code);
    }
    return `${back}${asked.response_mode === "fragment" ? "#" : "?"}${answer}`;
  };
  const exchange = (asked) => {
    if (asked.grant_type === "refresh_token") {
      const clientId = refreshTokens.get(asked.refresh_token);
      refreshTokens.delete(asked.refresh_token);
      return clientId && provider.fault !== "refresh" ? tokens(clientId) : null;
    }
    const known = codes.get(asked.code);
    codes.delete(asked.code);
    const proof = createHash("sha256").update(asked.code_verifier ?? "").digest("base64url");
    const holds = known && known.challenge === proof && known.back === asked.redirect_uri && known.clientId === asked.client_id;
    return holds ? tokens(known.clientId, known.nonce) : null;
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, provider.issuer);
    const json = (status, value) => response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" }).end(JSON.stringify(value));
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return json(200, { issuer: provider.issuer, authorization_endpoint: `${provider.issuer}/authorize`, token_endpoint: `${provider.issuer}/token`, jwks_uri: `${provider.issuer}/keys`, response_modes_supported: modes });
      case "/keys":
        return json(200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: KEY, alg: "RS256", use: "sig" }] });
      case "/authorize": {
        const place = authorize(Object.fromEntries(searchParams));
        provider.asked.push("authorize");
        return place ? response.writeHead(302, { location: place }).end() : json(400, { error: "invalid_request" });
      }
      case "/token": {
        let body = "";
        for await (const part of request) body += part;
        const asked = Object.fromEntries(new URLSearchParams(body));
        provider.asked.push(asked.grant_type);
        const found = exchange(asked);
        return found ? json(200, found) : json(400, { error: "invalid_grant" });
      }
      default:
        return json(404, {});
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  provider.issuer = `http://127.0.0.1:${server.address().port}`;
  provider.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return provider;
}

/** The part of a server's configuration that takes this provider's tokens. */
export const settingsFor = (provider, { audience = "ruhepol" } = {}) => `
[auth.oidc]
issuer = "${provider.issuer}"
audience = "${audience}"
jwks_url = "${provider.issuer}/keys"
client_id = "pages"
sub_claim = "preferred_username"
`;
