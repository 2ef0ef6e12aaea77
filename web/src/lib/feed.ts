/** A feed's socket: connects, batches what comes to one delivery per frame, comes back after a loss. */

import type { Done, ErrorMessage } from "../wire";
import { renew } from "./oidc";
import type { Session } from "./session";

export type Link =
  | { state: "connecting" }
  | { state: "live" }
  /** `retryAt` and `since` are on the page's clock (`Date.now`). */
  | { state: "lost"; since: number; retryAt: number }
  | { state: "refused"; why: "expired" | "forbidden" | "invalid" };

/** A command the server did not carry out. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Settings<M> {
  path: string;
  /** A path that answers 401 or 403 to a bad token: browsers hide why a handshake failed. */
  probe: string;
  session: Session;
  onMessages(messages: M[]): void;
  onLink(link: Link): void;
}

/** Messages held while the page is hidden; beyond it, a fresh snapshot is cheaper than all of them. */
const HELD_MAX = 5_000;
const COMMAND_MS = 8_000;
const QUIET_MS = 15_000;
const HIDDEN_FLUSH_MS = 500;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];

/** Pause after a provider could not be reached. */
const RENEW_AGAIN_MS = 5_000;

/** Timers run wild beyond it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

type Waiting = { resolve(): void; reject(error: CommandError): void; timer: number };

export class Feed<C extends { type: string }, M extends { type: string }> {
  private socket: WebSocket | null = null;
  /** With a token that was renewed meanwhile; closed when its successor has a snapshot. */
  private former: WebSocket | null = null;
  private held: M[] = [];
  private scheduled = false;
  private flushedAt = 0;
  private waiting = new Map<number, Waiting>();
  private nextRef = 1;
  private attempt = 0;
  private lostAt = 0;
  private lastHeard = 0;
  private retryTimer = 0;
  private watchTimer = 0;
  private renewTimer = 0;
  private over = false;
  private refusal: string | null = null;

  constructor(private readonly settings: Settings<M>) {
    this.watchTimer = window.setInterval(() => void this.watch(), 5_000);
    addEventListener("online", this.retryNow);
    document.addEventListener("visibilitychange", this.flushSoon);
    this.renewInTime();
    this.connect();
  }

  /** Resolves when the server has carried it out. */
  send(command: C): Promise<void> {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new CommandError("offline", ""));
    }
    const ref = this.nextRef++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => this.settle(ref, new CommandError("no_answer", "")), COMMAND_MS);
      this.waiting.set(ref, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...command, ref }));
    });
  }

  retryNow = () => {
    if (this.retryTimer) this.connect();
  };

  close() {
    this.over = true;
    clearTimeout(this.retryTimer);
    clearInterval(this.watchTimer);
    clearTimeout(this.renewTimer);
    removeEventListener("online", this.retryNow);
    document.removeEventListener("visibilitychange", this.flushSoon);
    this.former?.close();
    this.socket?.close();
  }

  private connect() {
    clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    this.refusal = null;
    if (this.expired) return this.settings.session.renewal ? void this.renewNow() : this.refuse("expired");
    const { protocol, host } = location;
    const address = `${protocol === "https:" ? "wss:" : "ws:"}//${host}${this.settings.path}`;
    const socket = new WebSocket(address, ["bearer", this.settings.session.token]);
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.lastHeard = Date.now();
    };
    socket.onmessage = ({ data }) => {
      if (this.socket === socket && typeof data === "string") this.hear(data);
    };
    socket.onclose = () => {
      if (this.socket !== socket || this.over) return;
      this.socket = null;
      this.fail(new CommandError("offline", ""));
      this.flush();
      if (this.refusal === "unauthorized") void this.renewNow();
      else void this.lose(opened);
    };
  }

  private hear(data: string) {
    this.lastHeard = Date.now();
    let message: M | Done | ErrorMessage;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message.type === "done") return this.settle((message as Done).ref, null);
    if (message.type === "error") {
      const { code, message: text, ref } = message as ErrorMessage;
      if (ref === undefined) this.refusal = code;
      else this.settle(ref, new CommandError(code, text));
      return;
    }
    if (message.type === "snapshot") {
      this.attempt = 0;
      this.lostAt = 0;
      this.former?.close();
      this.former = null;
      this.settings.onLink({ state: "live" });
    }
    this.held.push(message as M);
    if (this.held.length > HELD_MAX) {
      // A hidden page that was never flushed; what a snapshot says is all it needs.
      this.held = [];
      this.socket?.close();
      return;
    }
    this.schedule();
  }

  private schedule() {
    // Frames stand still on hidden pages, and their timers run once a minute; an alert must ring there too.
    if (document.hidden && Date.now() - this.flushedAt > HIDDEN_FLUSH_MS) return this.flush();
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(this.flush);
    window.setTimeout(this.flush, HIDDEN_FLUSH_MS);
  }

  private flushSoon = () => {
    if (this.scheduled) this.flush();
  };

  private flush = () => {
    this.scheduled = false;
    this.flushedAt = Date.now();
    if (this.held.length === 0) return;
    const messages = this.held;
    this.held = [];
    this.settings.onMessages(messages);
  };

  private settle(ref: unknown, error: CommandError | null) {
    const waiting = this.waiting.get(ref as number);
    if (!waiting) return;
    this.waiting.delete(ref as number);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(error);
    else waiting.resolve();
  }

  private fail(error: CommandError) {
    for (const ref of [...this.waiting.keys()]) this.settle(ref, error);
  }

  private async lose(opened: boolean) {
    if (!opened) {
      const status = await this.probe();
      if (this.over) return;
      if (status === 401) return this.expired ? void this.renewNow() : this.refuse("invalid");
      if (status === 403) return this.refuse("forbidden");
    }
    const now = Date.now();
    this.lostAt ||= now;
    const pause = RETRY_MS[Math.min(this.attempt++, RETRY_MS.length - 1)] ?? 8_000;
    // Spread, so that a hundred boards do not come back in the same instant.
    const wait = pause * (0.75 + Math.random() / 2);
    this.settings.onLink({ state: "lost", since: this.lostAt, retryAt: now + wait });
    this.retryTimer = window.setTimeout(() => this.connect(), wait);
  }

  private get expired(): boolean {
    return this.settings.session.expiresAt <= Date.now();
  }

  private renewInTime() {
    clearTimeout(this.renewTimer);
    const { session } = this.settings;
    if (!session.renewal) return;
    this.renewTimer = window.setTimeout(() => void this.renewAhead(), Math.min(Math.max(0, session.renewAt - Date.now()), TIMER_MAX_MS));
  }

  /** While the old token still holds: nobody notices. */
  private async renewAhead() {
    const outcome = await renew(this.settings.session);
    if (this.over || outcome === "over") return;
    if (outcome === "later") {
      this.renewTimer = window.setTimeout(() => void this.renewAhead(), RENEW_AGAIN_MS);
      return;
    }
    this.renewInTime();
    this.changeSocket();
  }

  private changeSocket() {
    if (this.over || this.socket?.readyState !== WebSocket.OPEN) return;
    // An answer that is under way comes on the old socket.
    if (this.waiting.size > 0) return void window.setTimeout(() => this.changeSocket(), 200);
    this.former = this.socket;
    this.connect();
  }

  /** The token has run out: renewed if its provider does that, else the end. */
  private async renewNow() {
    const outcome = await renew(this.settings.session);
    if (this.over) return;
    if (outcome === "over") return this.refuse("expired");
    if (outcome === "later") return void this.lose(true);
    this.renewInTime();
    this.connect();
  }

  private refuse(why: "expired" | "forbidden" | "invalid") {
    this.close();
    this.settings.onLink({ state: "refused", why });
  }

  private async probe(): Promise<number> {
    try {
      const headers = { authorization: `Bearer ${this.settings.session.token}` };
      return (await fetch(this.settings.probe, { headers, signal: AbortSignal.timeout(5_000) })).status;
    } catch {
      return 0;
    }
  }

  /** A socket over a dead line stays open for minutes; ask whether the server is still there. */
  private async watch() {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN || Date.now() - this.lastHeard < QUIET_MS) return;
    try {
      await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
      this.lastHeard = Date.now();
    } catch {
      if (this.socket === socket) {
        this.socket = null;
        socket.close();
        this.fail(new CommandError("offline", ""));
        void this.lose(true);
      }
    }
  }
}
