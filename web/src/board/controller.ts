/** What the board does: the feed, the calls it opens, commands, sounds and notifications. */

import { CommandError, Feed, type Link } from "../lib/feed";
import { alertName, type Words } from "../lib/i18n";
import type { Session } from "../lib/session";
import { Store, keep, kept } from "../lib/store";
import type { CallView, Event, OpenAlert, SupervisorCommand, SupervisorMessage } from "../wire";
import { type Call, Model, needsSomebody } from "./model";

/** Events of one page of a call's history, as the server serves them. */
const PAGE = 1_000;

/** Ended calls fetched at a time. */
const HISTORY_PAGE = 200;

/** Alerts remembered as told: more than a shift has. */
const TOLD_MAX = 1_000;

/** At most one announcement to screen readers in this time. */
const ANNOUNCE_MS = 4_000;

/** Within this time a browser that lets a page sound has let it. */
const SOUND_WAKES_MS = 700;

/** A tone later than this is about something else. */
const SOUND_LATE_MS = 2_000;

export type Command = SupervisorCommand["type"] | "take";

/** What changes a figure or a line in a list, and no place in it that somebody waits for. */
const MAY_WAIT = new Set<string>(["utterance", "assessment", "suggestion", "observation", "lagging", "speech_dropped", "gap", "call_facts", "load"]);

class HttpError extends Error {
  constructor(readonly status: number) {
    super(`${status}`);
  }
}

/** Where one writes beside a conversation. */
export type Box = "whisper" | "note";

export interface Toast {
  text: string;
  bad: boolean;
}

export class Controller {
  readonly store = new Store();
  readonly model: Model;
  link: Link = { state: "connecting" };
  toast: Toast | null = null;
  announcement = "";
  sound = kept("sound", ["on", "off"], "off") === "on";
  notify = kept("notify", ["on", "off"], "off") === "on";
  /** The sound is on, and the browser holds it back until somebody clicks or presses a key on this page. */
  soundWaits = false;
  /** What a notification asks for. */
  onShow: (call: string) => void = () => undefined;
  /** Where the focus goes when a call opens. */
  box: Box | null = null;
  /** What was written and not sent, by call and box. */
  readonly drafts = new Map<string, string>();
  history: CallView[] | null = null;
  historyFailed = false;
  /** Where the list goes on. */
  historyNext: number | null = null;
  private readonly feed: Feed<SupervisorCommand, SupervisorMessage>;
  private readonly told: Set<string>;
  private toAnnounce: { name: string; agent: string }[] = [];
  private announceTimer = 0;
  private toastTimer = 0;
  private audio: AudioContext | null = null;

  constructor(
    readonly session: Session,
    private words: () => Words,
  ) {
    this.model = new Model(session);
    // Kept over a reload, so that an alert does not ring twice.
    this.told = new Set(JSON.parse(sessionStorage.getItem("ruhepol.told") ?? "[]") as string[]);
    this.feed = new Feed({
      path: "/v1/feed/supervisor?text=opened",
      probe: "/v1/calls",
      session,
      onMessages: (messages) => this.hear(messages),
      onLink: (link) => this.linkChanged(link),
    });
    if (this.sound) this.wakeSound();
  }

  get stale(): boolean {
    return this.link.state !== "live";
  }

  close() {
    this.feed.close();
  }

  retryNow = () => this.feed.retryNow();

  /** Shows a call; a live one is opened on the feed, which tells its agent. `box`: where the focus goes. */
  async open(call: string, { ended = false, box = null }: { ended?: boolean; box?: Box | null } = {}) {
    const { model } = this;
    if (model.opened?.call === call && model.opened.ended === ended) return;
    this.closeCall();
    model.open(call, ended);
    this.box = box;
    this.store.changed();
    if (!ended) await this.openOnFeed(call);
    await this.fetchEvents(call, 0);
  }

  closeCall() {
    const { model } = this;
    const { opened } = model;
    if (!opened) return;
    model.opened = null;
    if (model.calls.get(opened.call)?.ended) model.calls.delete(opened.call);
    if (!opened.ended) void this.feed.send({ type: "close", call: opened.call }).catch(() => undefined);
    this.store.changed();
  }

  retryFetch() {
    const { opened } = this.model;
    if (!opened) return;
    opened.state = "loading";
    opened.rev++;
    this.store.changed();
    void this.fetchEvents(opened.call, 0);
  }

  ack = (alert: OpenAlert) => this.command({ type: "ack", alert: alert.id }, "ack");

  snooze = (alert: OpenAlert, minutes: number) => this.command({ type: "snooze", alert: alert.id, minutes }, "snooze");

  async dismiss(call: string, alert: OpenAlert, reason: string, note: string) {
    const done = await this.command({ type: "dismiss", alert: alert.id, reason }, "dismiss");
    if (done && note) await this.command({ type: "note", call, text: note }, "note");
    return done;
  }

  note = (call: string, text: string) => this.command({ type: "note", call, text }, "note");

  whisper = (call: string, text: string) => this.command({ type: "whisper", call, text }, "whisper");

  /** Acknowledges the alert, if there is one, and writes down who is on it. */
  async takeOver(call: string, text: string) {
    const alert = this.model.calls.get(call)?.alert;
    if (alert && needsSomebody({ ...this.model.calls.get(call)! }, this.model.now())) {
      const acknowledged = await this.command({ type: "ack", alert: alert.id }, "ack");
      if (!acknowledged) return false;
    }
    return this.command({ type: "note", call, text }, "take");
  }

  /** What somebody was about to do is no longer there to do. */
  tooLate(code: string) {
    const words = this.words();
    this.say(words.failed(words.errors[code] ?? code), true);
  }

  setSound(on: boolean) {
    this.sound = on;
    keep("sound", on ? "on" : "off");
    if (on) this.ring();
    else this.soundWaits = false;
    this.store.changed();
  }

  async setNotify(on: boolean) {
    this.notify = on && "Notification" in window && (await Notification.requestPermission()) === "granted";
    keep("notify", this.notify ? "on" : "off");
    this.store.changed();
  }

  /** The newest ended calls, or with `more` those before. */
  async fetchHistory(more = false) {
    try {
      const before = more && this.historyNext ? `&before=${this.historyNext}` : "";
      const { calls, next } = (await this.get(`/v1/calls?state=ended&limit=${HISTORY_PAGE}${before}`)) as { calls: CallView[]; next?: number | null };
      const known = new Map((more ? (this.history ?? []) : []).map((view) => [view.call, view]));
      for (const view of calls) if (view.ended) known.set(view.call, view);
      this.history = [...known.values()].sort((a, b) => endOf(b) - endOf(a));
      this.historyNext = next ?? null;
      this.historyFailed = false;
    } catch {
      this.historyFailed = true;
    }
    this.store.changed();
  }

  private async command(command: SupervisorCommand, name: Command): Promise<boolean> {
    const words = this.words();
    try {
      await this.feed.send(command);
      this.say(words.done[name as keyof typeof words.done], false);
      return true;
    } catch (error) {
      const code = error instanceof CommandError ? error.code : "";
      this.say(words.failed(words.errors[code] ?? (error as Error).message), true);
      return false;
    }
  }

  private say(text: string, bad: boolean) {
    this.toast = { text, bad };
    clearTimeout(this.toastTimer);
    this.toastTimer = window.setTimeout(() => {
      this.toast = null;
      this.store.changed();
    }, bad ? 8_000 : 3_000);
    this.store.changed();
  }

  private linkChanged(link: Link) {
    const before = this.link.state;
    this.link = link;
    if (link.state === "lost" && before === "live") this.announcement = this.words().announceLost;
    if (link.state === "live" && before === "lost") this.announcement = this.words().announceLive;
    this.store.changed();
  }

  private hear(messages: SupervisorMessage[]) {
    for (const message of messages) if (message.type === "call_ended" || message.type === "erased") this.forgetDrafts((message as Event).call);
    const fresh = this.model.apply(messages).filter(({ alert }) => !this.told.has(alert.id));
    for (const { call, alert } of fresh) {
      if (this.told.has(alert.id)) continue;
      this.told.add(alert.id);
      this.alertFor(call, alert);
    }
    if (fresh.length > 0) this.remember();
    if (messages.some((message) => message.type === "snapshot")) this.reopen();
    if (messages.every((message) => this.mayWait(message))) this.store.soon();
    else this.store.changed();
  }

  private forgetDrafts(call: string) {
    for (const box of ["whisper", "note"]) this.drafts.delete(`${box} ${call}`);
  }

  /** Words and figures of calls that nobody reads at the moment; all else is shown with the next frame. */
  private mayWait(message: SupervisorMessage): boolean {
    return MAY_WAIT.has(message.type) && (message as Event).call !== this.model.opened?.call;
  }

  private remember() {
    const ids = [...this.told];
    for (const id of ids.slice(0, -TOLD_MAX)) this.told.delete(id);
    sessionStorage.setItem("ruhepol.told", JSON.stringify(ids.slice(-TOLD_MAX)));
  }

  /** After a loss, or a snapshot because we were too slow: the opened call goes on where it was. */
  private reopen() {
    const { opened } = this.model;
    if (!opened || opened.ended) return;
    const last = Math.max(0, ...opened.events.keys());
    void this.openOnFeed(opened.call).then(() => this.fetchEvents(opened.call, opened.state === "ready" ? last : 0));
  }

  private async openOnFeed(call: string) {
    try {
      await this.feed.send({ type: "open", call });
    } catch {
      // It ended this moment, or the line is down: what was said can be read all the same.
    }
  }

  private async fetchEvents(call: string, after: number) {
    try {
      for (let from = after; ; ) {
        const path = `/v1/calls/${encodeURIComponent(call)}/events?after=${from}`;
        const { events } = (await this.get(path)) as { events: Event[] };
        const complete = events.length < PAGE;
        this.model.fetched(call, events, complete);
        this.store.changed();
        if (complete) return;
        from = events.at(-1)?.seq ?? from;
      }
    } catch (error) {
      if (error instanceof HttpError && error.status === 404) this.model.gone(call);
      else this.model.fetchFailed(call);
      this.store.changed();
    }
  }

  private async get(path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.session.token}` };
    const answer = await fetch(path, { headers, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new HttpError(answer.status);
    return answer.json();
  }

  private alertFor(call: Call, alert: OpenAlert) {
    const name = alertName(this.words(), alert.kind);
    const agent = call.agent ?? call.call;
    if (this.sound) this.ring();
    if (this.notify && Notification.permission === "granted") {
      // A lock screen is not the place for a caller's words.
      const body = [call.agent, call.queue].filter(Boolean).join(" · ");
      const notification = new Notification(name, { body, tag: alert.id });
      notification.onclick = () => {
        window.focus();
        this.onShow(call.call);
      };
    }
    this.toAnnounce.push({ name, agent });
    if (!this.announceTimer) {
      this.announce();
      this.announceTimer = window.setInterval(() => this.announce(), ANNOUNCE_MS);
    }
  }

  private announce() {
    const [first, ...more] = this.toAnnounce;
    this.toAnnounce = [];
    if (!first) {
      clearInterval(this.announceTimer);
      this.announceTimer = 0;
      return;
    }
    const words = this.words();
    this.announcement = more.length > 0 ? words.announceAlerts(more.length + 1) : words.announceAlert(first.name, first.agent);
    this.store.changed();
  }

  /** After a reload no browser plays a sound before somebody has clicked or pressed a key: asked for, and said. */
  private wakeSound() {
    const audio = (this.audio ??= new AudioContext());
    const wake = () => void audio.resume();
    const look = () => {
      const waits = this.sound && audio.state === "suspended";
      if (waits === this.soundWaits) return;
      this.soundWaits = waits;
      this.store.changed();
    };
    audio.onstatechange = () => {
      if (audio.state !== "running") return;
      look();
      for (const name of ["pointerdown", "keydown"]) removeEventListener(name, wake, true);
    };
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, wake, true);
    window.setTimeout(look, SOUND_WAKES_MS);
  }

  private ring() {
    const audio = (this.audio ??= new AudioContext());
    if (audio.state === "running") return this.play(audio);
    const asked = Date.now();
    // Tones that were held back for long do not come all at once.
    void audio.resume().then(() => Date.now() - asked < SOUND_LATE_MS && this.play(audio));
  }

  /** Two soft tones, the second higher. */
  private play(audio: AudioContext) {
    for (const [at, pitch] of [
      [0, 523.25],
      [0.16, 659.25],
    ] as const) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const from = audio.currentTime + at;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.14, from + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.4);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.45);
    }
  }
}

export const endOf = (view: CallView) => Date.parse(view.started_at) + view.t_ms;
