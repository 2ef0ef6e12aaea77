/** What the panel does: the feed and the agent's answers. */

import { CommandError, Feed, type Link } from "../lib/feed";
import type { Words } from "../lib/i18n";
import type { Session } from "../lib/session";
import { Store } from "../lib/store";
import type { AgentCommand, AgentMessage } from "../wire";
import { Model, type Moment } from "./model";
import { stayOnTop } from "./ontop";
import { forgetPast, keepPast, keptPast } from "./past";

const PAUSE_MINUTES = 15;

/** How long "well done" stands where the hint was. */
const PRAISE_MS = 2_500;

/** How long one can read what did not work. */
const PROBLEM_MS = 6_000;

/** Where a pause is kept over a reload, for this tab. */
const MUTED = "ruhepol.panel.muted";

export interface AgentRecord {
  habits: unknown;
  shift: { calls?: number; hard_calls?: number };
}

export class Controller {
  readonly store = new Store();
  readonly model = new Model();
  link: Link = { state: "connecting" };
  problem: string | null = null;
  /** Our clock; no hints until then. */
  mutedUntil = 0;
  private readonly feed: Feed<AgentCommand, AgentMessage>;
  private readonly record: string;

  constructor(
    readonly session: Session,
    private words: () => Words,
  ) {
    const agent = encodeURIComponent(session.claims.sub);
    this.record = `/v1/agents/${agent}/record`;
    this.model.past = keptPast(session.claims.sub);
    const [who, until] = (sessionStorage.getItem(MUTED) ?? "").split("\n");
    if (who === session.claims.sub) this.mutedUntil = Number(until) || 0;
    this.feed = new Feed({
      path: `/v1/feed/agent/${agent}`,
      probe: this.record,
      session,
      onMessages: (messages) => {
        this.model.apply(messages);
        // What was put aside with the pause does not come back with a new connection.
        const { current } = this.model;
        if (current && this.mutedUntil > Date.now() && messages.some(({ type }) => type === "snapshot")) current.prompt = null;
        keepPast(session.claims.sub, this.model.past);
        this.praise();
        this.store.changed();
      },
      onLink: (link) => {
        this.link = link;
        // The pause belongs to the connection; a new one must be told.
        const left = Math.ceil((this.mutedUntil - Date.now()) / 60_000);
        if (link.state === "live" && left > 0) void this.command({ type: "mute", minutes: left });
        this.store.changed();
      },
    });
  }

  async stayOnTop() {
    try {
      await stayOnTop(() => this.store.changed());
    } catch {
      this.complain(this.words().onTopFailed);
    }
  }

  close() {
    this.feed.close();
  }

  retryNow = () => this.feed.retryNow();

  used(prompt: string) {
    return this.answer({ type: "used", prompt }, prompt);
  }

  notNow(prompt: string) {
    return this.answer({ type: "not_now", prompt }, prompt);
  }

  mute(prompt: string, forGood: boolean) {
    return this.answer({ type: "mute", prompt, for_good: forGood }, prompt);
  }

  async pause(on: boolean) {
    const minutes = on ? PAUSE_MINUTES : 0;
    if (!(await this.command({ type: "mute", minutes }))) return;
    this.mutedUntil = on ? Date.now() + minutes * 60_000 : 0;
    sessionStorage.setItem(MUTED, `${this.session.claims.sub}\n${this.mutedUntil}`);
    const { current } = this.model;
    if (on && current) current.prompt = null;
    this.store.changed();
  }

  async share(moment: Moment) {
    moment.shared = await this.command({ type: "share", call: moment.call, seq: moment.seq });
    this.store.changed();
  }

  async askForCard() {
    this.model.card = null;
    await this.command({ type: "card", lang: this.words().lang });
  }

  closeCard() {
    this.model.card = null;
    this.store.changed();
  }

  markRead() {
    this.model.markRead();
    this.store.changed();
  }

  async readRecord(): Promise<AgentRecord | null> {
    const answer = await this.http("GET");
    return answer?.ok ? answer.json() : null;
  }

  async eraseRecord(): Promise<boolean> {
    const done = Boolean((await this.http("DELETE"))?.ok);
    if (done) {
      forgetPast();
      this.model.past = null;
      this.store.changed();
    }
    return done;
  }

  private async http(method: string): Promise<Response | null> {
    const headers = { authorization: `Bearer ${this.session.token}` };
    return fetch(this.record, { method, headers, signal: AbortSignal.timeout(10_000) }).catch(() => null);
  }

  private async answer(command: AgentCommand, prompt: string) {
    const { current } = this.model;
    // Gone at once: the hand is already on its way back to the work.
    if (current?.prompt?.id === prompt) current.prompt = null;
    if (command.type === "used") {
      this.model.praised = prompt;
      this.praise();
    }
    this.store.changed();
    await this.command(command);
  }

  private praise() {
    const { praised } = this.model;
    if (!praised) return;
    window.setTimeout(() => {
      if (this.model.praised !== praised) return;
      this.model.praised = null;
      this.store.changed();
    }, PRAISE_MS);
  }

  private async command(command: AgentCommand): Promise<boolean> {
    try {
      await this.feed.send(command);
      this.problem = null;
      return true;
    } catch (error) {
      const { code, message } = error as CommandError;
      // A hint that is gone needs no answer any more.
      if (code !== "unknown_prompt" && code !== "call_ended") {
        const words = this.words();
        this.complain(words.failed(words.errors[code] ?? message));
      }
      this.store.changed();
      return false;
    }
  }

  private complain(text: string) {
    this.problem = text;
    window.setTimeout(() => {
      if (this.problem !== text) return;
      this.problem = null;
      this.store.changed();
    }, PROBLEM_MS);
    this.store.changed();
  }
}
