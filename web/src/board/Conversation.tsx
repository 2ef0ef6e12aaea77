/** What was said, line by line, with the cues marked in place. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useTip } from "../lib/Tip";
import { alertName, clock, nameOf, number, spokenLength, timeOfDay, useWords, type Words } from "../lib/i18n";
import { Alert, Check, Clock, Cross, Cut, Dropped, Ear, Lag, Note, Pause, Whisper } from "../lib/icons";
import { memo, same } from "../lib/memo";
import { moreReason, reasonIn } from "../lib/reason";
import { Button } from "../lib/ui";
import type { AgentChannel, AlertKind, Cue, Lang } from "../wire";
import type { Controller } from "./controller";
import type { Opened } from "./model";
import { Loading } from "./LiveView";
import { type Line, pieces, type Story } from "./story";

interface Props {
  controller: Controller;
  opened: Opened;
  /** Of what is opened: what tells that there is more to show. */
  rev: number;
  agent: string | null;
  /** In which the customer speaks. */
  lang: Lang | undefined;
  story: Story;
  scroller: { current: HTMLDivElement | null };
  /** Set here: shows a line that may be too old to be on the screen. */
  goTo: { current: (line: string) => void };
  agentChannel: AgentChannel;
}

/** Within so many pixels of its end, the list follows the talk. */
const FOLLOW_PX = 60;

/** Lines on the screen, and how many more one asks for at a time: a call of hours must not slow the page down. */
const PAGE_LINES = 200;

/** Lines shown before the one that was asked for. */
const LEAD_LINES = 20;

export const Conversation = memo(function Conversation({ controller, opened, story, scroller, goTo, agent: named, lang, agentChannel }: Props) {
  const words = useWords();
  const { lines } = story;
  const follows = useRef(true);
  const [seen, setSeen] = useState(0);
  // The first line shown. It goes along with the talk, and stays where it is while somebody reads further up.
  const first = useRef(0);
  const [asked, ask] = useState<{ line: string; focus: boolean } | null>(null);
  if (follows.current) first.current = Math.max(0, lines.length - PAGE_LINES);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || !follows.current) return;
    element.scrollTop = element.scrollHeight;
    setSeen(lines.length);
  }, [lines.length, opened.state]);
  useLayoutEffect(() => {
    const element = asked && scroller.current?.querySelector<HTMLElement>(`[data-line="${CSS.escape(asked.line)}"]`);
    element?.scrollIntoView({ block: asked?.focus ? "center" : "start" });
    if (asked?.focus) element?.focus({ preventScroll: true });
  }, [asked]);
  goTo.current = (line) => {
    const at = lines.findIndex(({ id }) => id === line);
    if (at < 0) return;
    first.current = Math.min(first.current, Math.max(0, at - LEAD_LINES));
    follows.current = false;
    ask({ line, focus: true });
  };
  const earlier = () => {
    const top = lines[first.current];
    first.current = Math.max(0, first.current - PAGE_LINES);
    follows.current = false;
    if (top) ask({ line: top.id, focus: false });
  };
  const unseen = lines.length - seen;
  const agent = named ?? words.agent;
  const me = controller.session.claims.sub;
  return (
    <div class="conversation">
      <h2 class="hidden">{words.conversation}</h2>
      <div
        class="lines"
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={words.conversation}
        tabIndex={0}
        data-scrolls
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
          if (follows.current) setSeen(lines.length);
        }}
      >
        {opened.state === "loading" && lines.length === 0 && <Loading text={words.conversationLoading} />}
        {opened.state === "failed" && (
          <div class="conversation-failed" role="alert">
            <p>{words.conversationFailed}</p>
            <Button onClick={() => controller.retryFetch()}>{words.tryAgain}</Button>
          </div>
        )}
        {opened.state === "ready" && lines.length === 0 && <p class="conversation-empty muted">{words.conversationEmpty}</p>}
        {story.forgotten && <p class="conversation-empty muted">{words.conversationForgotten}</p>}
        {first.current > 0 && (
          <Button class="earlier" onClick={earlier}>
            {words.more}
          </Button>
        )}
        {lines.slice(first.current).map((line) => (
          <LineView key={line.id} line={line} lang={lang} agent={agent} me={me} words={words} />
        ))}
      </div>
      {!follows.current && unseen > 0 && (
        <button
          type="button"
          class="button new-below"
          onClick={() => {
            follows.current = true;
            if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
          }}
        >
          {words.newBelow(unseen)}
        </button>
      )}
      <p class="conversation-note">{words.agentChannelNote[agentChannel]}</p>
    </div>
  );
});

interface LineProps {
  line: Line;
  lang: Lang | undefined;
  agent: string;
  me: string;
  words: Words;
}

const LineView = memo(function LineView({ line, lang, words, agent, me }: LineProps) {
  if (line.kind === "utterance") return <Utterance line={line} lang={lang} words={words} />;
  const [icon, title, text] = systemLine(line, words, agent, me);
  return (
    <div class={`line line-system line-${line.kind}${line.kind === "alert" ? ` line-alert-${line.state}` : ""}`} data-line={line.id} tabIndex={-1}>
      <time>{clock(line.tMs)}</time>
      <p>
        {icon}
        <span>
          <strong>{title}</strong>
          {text && <> {text}</>}
        </span>
      </p>
    </div>
  );
}, sameLine);

/** A story is told anew with each event; most of its lines are what they were. */
function sameLine(a: LineProps, b: LineProps): boolean {
  return same(a.line, b.line) && a.lang === b.lang && a.words === b.words && a.agent === b.agent && a.me === b.me;
}

function Utterance({ line, lang, words }: { line: Extract<Line, { kind: "utterance" }>; lang: Lang | undefined; words: Words }) {
  if (line.text === null) {
    return (
      <div class={`line line-${line.channel} line-wordless`} data-line={line.id} tabIndex={-1}>
        <time>{clock(line.tMs)}</time>
        <p>{line.channel === "agent" ? words.agentSpoke(spokenLength(words, line.lengthMs)) : "…"}</p>
      </div>
    );
  }
  const cues = line.assessed?.cues ?? [];
  const kinds = [...new Map(cues.map((cue) => [cue.kind, cue])).values()];
  return (
    <div class={`line line-${line.channel}`} data-line={line.id} tabIndex={-1}>
      <time>{clock(line.tMs)}</time>
      <div class="said">
        <p class="said-text">
          <span class="hidden">{words.channels[line.channel]}: </span>
          <span lang={lang}>{pieces(line.text, cues).map((piece, at) => (piece.cues.length > 0 ? <CueMark key={at} text={piece.text} cues={piece.cues} /> : piece.text))}</span>
        </p>
        {kinds.length > 0 && (
          <p class="said-cues" aria-hidden="true">
            {kinds.map((cue) => (
              <span key={cue.kind} class={cue.weight < 0 ? "cue-name cue-name-calms" : "cue-name"}>
                {cue.weight < 0 ? "↓" : "↑"} {nameOf(words.cues, cue.kind)}
              </span>
            ))}
          </p>
        )}
      </div>
    </div>
  );
}

function CueMark({ text, cues }: { text: string; cues: Cue[] }) {
  const words = useWords();
  const unique = [...new Map(cues.map((cue) => [cue.kind, cue])).values()];
  const effect = (cue: Cue) => (cue.weight < 0 ? words.calms : words.raises)(number(words, Math.abs(cue.weight), 0));
  const tip = useTip(
    <>
      {unique.map((cue) => (
        <p key={cue.kind}>
          <strong>{nameOf(words.cues, cue.kind)}</strong>
          {Math.round(Math.abs(cue.weight)) > 0 && <span class="tip-effect"> {effect(cue)}</span>}
          <br />
          {words.cueWhy[cue.kind]}
        </p>
      ))}
    </>,
  );
  const calms = cues.every((cue) => cue.weight < 0);
  return (
    <span role="button" tabIndex={0} class={calms ? "cue cue-calms" : "cue"} {...tip}>
      {text}
      <span class="hidden" lang={words.lang}> ({unique.map((cue) => `${nameOf(words.cues, cue.kind)}: ${words.cueWhy[cue.kind] ?? ""}`).join(" ")})</span>
    </span>
  );
}

type SystemLine = [preact.JSX.Element, string, string];

function systemLine(line: Exclude<Line, { kind: "utterance" }>, words: Words, agent: string, me: string): SystemLine {
  const { system } = words;
  switch (line.kind) {
    case "alert":
      return alertLine(line, words);
    case "note":
      return [<Note />, `${system.noted(line.by)}:`, line.text];
    case "whisper":
      return [<Whisper />, `${line.from === me ? words.whispered(agent) : words.whisperedBy(line.from, agent)}:`, line.text];
    case "sound":
      return [<Ear />, words.customer, line.text];
    case "hold":
      return [<Pause />, system.hold, ""];
    case "resumed":
      return [<Pause />, system.resumed, ""];
    case "gap":
      return [<Cut />, system.gap(spokenLength(words, line.lengthMs)), ""];
    case "lagging":
      return line.lengthMs > 0 ? [<Lag />, system.lagging(spokenLength(words, line.lengthMs)), ""] : [<Check />, system.caughtUp, ""];
    case "dropped":
      return [<Dropped />, system.dropped(spokenLength(words, line.lengthMs), nameOf(words.dropReasons, line.reason)), ""];
    case "consent":
      return [<Cross />, system.consent, ""];
    case "ended":
      return [<Check />, words.callEnded, ""];
  }
}

function alertLine(line: Extract<Line, { kind: "alert" }>, words: Words): SystemLine {
  const { system } = words;
  const name = alertName(words, line.alertKind as AlertKind);
  const who = line.by ?? "?";
  const reason = moreReason(words, line.alertKind, line.reason);
  if (line.untakenMs) return [<Clock />, `${words.untaken(spokenLength(words, line.untakenMs))}.`, ""];
  switch (line.state) {
    case "raised":
      return [<Alert />, `${system.raised}: ${name}.`, reason];
    case "raised_higher":
      return [<Alert />, `${system.higher}: ${name}.`, reason];
    case "cleared":
      return [<Check />, `${system.cleared}.`, reasonIn(words, line.reason)];
    case "acknowledged":
      return [<Check />, `${system.acknowledged(who)}.`, ""];
    case "snoozed":
      return [<Clock />, `${system.snoozed(who, line.until ? timeOfDay(words, line.until) : "?")}.`, ""];
    case "dismissed":
      return [<Cross />, `${system.dismissed(who)}.`, line.dismissal ? nameOf(words.dismissReasons, line.dismissal) : ""];
  }
}
