// Serves dist/ during design, built anew for each load, and hands everything else to a running server.
//
//   node tools/dev.mjs PORT PORT_OF_RUHEPOL

import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { buildPages } from "./build.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

/** The pages of dist/ in front of the server on `upstream`; `before` is waited for ahead of each page. */
export function pagesBefore(upstream, before = async () => undefined) {
  const server = createServer(async (incoming, outgoing) => {
    const path = new URL(incoming.url, "http://x").pathname;
    const file = path === "/" ? "/index.html" : path === "/agent" ? "/agent.html" : path;
    if (file.endsWith(".html")) await before();
    if (file.endsWith(".html") || file.startsWith("/assets/")) {
      const policy = file.endsWith(".html") ? await policyOf(upstream, path) : {};
      outgoing.writeHead(200, { "content-type": types[file.split(".").at(-1)], ...policy });
      outgoing.end(readFileSync(dist + file));
      return;
    }
    const options = { host: "127.0.0.1", port: upstream, path: incoming.url, method: incoming.method, headers: incoming.headers };
    const forward = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.writeHead(502).end());
    incoming.pipe(forward);
  });
  server.on("upgrade", (incoming, socket, head) => {
    const other = connect(upstream, "127.0.0.1", () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let i = 0; i < incoming.rawHeaders.length; i += 2) lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
      other.write(`${lines.join("\r\n")}\r\n\r\n`);
      other.write(head);
      socket.pipe(other).pipe(socket);
    });
    for (const end of [socket, other]) end.on("error", () => (socket.destroy(), other.destroy()));
  });
  return server;
}

/** The program's own policy holds during design, too. */
async function policyOf(upstream, path) {
  const name = "content-security-policy";
  const policy = await fetch(`http://127.0.0.1:${upstream}${path}`).then((answer) => answer.headers.get(name), () => null);
  return policy ? { [name]: policy } : {};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, upstream] = process.argv.slice(2).map(Number);
  pagesBefore(upstream, () => buildPages({ minify: false })).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
}
