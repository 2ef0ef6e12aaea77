/** Beside the conversation: whisper, facts, notes, and the figures of an ended call. */

import { useRef, useState } from "preact/hooks";
import { clock, factName, nameOf, spokenLength, timeOfDay, useWords } from "../lib/i18n";
import { Send } from "../lib/icons";
import { BandBadge, Button, Pairs } from "../lib/ui";
import type { CallSummary } from "../wire";
import type { Box, Controller } from "./controller";
import type { Call, Opened } from "./model";
import type { Story, Suggestion } from "./story";

/** What a whisper may hold, as on the server. */
const TEXT_MAX = 2_000;

/** What is written stays with its call until it is sent or the call ends, whatever else is opened meanwhile. */
function useDraft(controller: Controller, box: Box, call: string): [string, (text: string) => void] {
  const key = `${box} ${call}`;
  const [text, set] = useState(controller.drafts.get(key) ?? "");
  return [
    text,
    (next) => {
      if (next) controller.drafts.set(key, next);
      else controller.drafts.delete(key);
      set(next);
    },
  ];
}

export function WhisperBox({ controller, call, suggestions }: { controller: Controller; call: Call; suggestions: Suggestion[] }) {
  const words = useWords();
  const [text, setText] = useDraft(controller, "whisper", call.call);
  const box = useRef<HTMLTextAreaElement>(null);
  const { agent } = call;
  if (!agent) {
    return (
      <section class="box">
        <h2>{words.whisper}</h2>
        <p class="muted">{words.whisperNobody}</p>
      </section>
    );
  }
  const send = async (what: string) => {
    if (!what.trim()) return;
    const done = await controller.whisper(call.call, what.trim());
    if (done && what === text) setText("");
  };
  return (
    <section class="box" aria-labelledby="whisper-title">
      <h2 id="whisper-title">{words.whisperTo(agent)}</h2>
      <form
        class="whisper"
        onSubmit={(event) => {
          event.preventDefault();
          void send(text);
        }}
      >
        <textarea
          id="whisper"
          ref={box}
          rows={2}
          maxLength={TEXT_MAX}
          value={text}
          aria-labelledby="whisper-title"
          aria-describedby="whisper-hint"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void send(text);
          }}
        />
        <Button kind="main" icon={<Send />} aria-label={words.whisper} {...{ type: "submit" }} disabled={!text.trim()} />
      </form>
      <p id="whisper-hint" class="hint">
        {words.whisperHint}
      </p>
      <h3 class="box-label">{words.suggested}</h3>
      {suggestions.length === 0 ? (
        <p class="hint">{words.noSuggestions}</p>
      ) : (
        <ul class="suggestions">
          {suggestions.map((suggestion) => (
            <li key={suggestion.id}>
              <button
                type="button"
                class="suggestion"
                title={words.useText}
                lang={call.language ?? undefined}
                onClick={() => {
                  setText(suggestion.text);
                  box.current?.focus();
                }}
              >
                {suggestion.text}
              </button>
              <button type="button" class="button button-icon" aria-label={`${words.sendNow}: ${suggestion.text}`} title={words.sendNow} onClick={() => void send(suggestion.text)}>
                <Send />
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function FactsBox({ call, opened, story }: { call: Call; opened: Opened; story: Story }) {
  const words = useWords();
  const { facts } = opened;
  const said = facts?.said ?? [];
  const rows: [string, string][] = [];
  const row = (name: string, value: string | null | undefined) => value && rows.push([name, value]);
  row(words.customer, facts?.customer);
  row(words.waitedInQueue, facts?.wait_s != null ? spokenLength(words, facts.wait_s * 1_000) : null);
  row(words.queue, call.queue);
  row(words.team, call.team);
  row(words.callLang, call.language ? nameOf(words.langs, call.language) : null);
  row(words.startedAt, call.started_at ? timeOfDay(words, call.started_at) : null);
  for (const [name, value] of Object.entries(facts?.metadata ?? {})) row(name, value);
  const own: [string, string[]][] = [];
  const seen = new Set<string>();
  for (const { kind, text } of said) {
    // The same words may answer two questions; once is enough.
    if (seen.has(text)) continue;
    seen.add(text);
    const name = factName(words, kind);
    const known = own.find(([other]) => other === name);
    if (known) known[1].push(text);
    else own.push([name, [text]]);
  }
  if (story.repeats.length > 0) own.push([words.cues.repeat_contact, story.repeats]);
  if (story.waits.length > 0) own.push([words.cues.long_wait, story.waits]);
  return (
    <section class="box" aria-labelledby="facts-title">
      <h2 id="facts-title">{words.factsTitle}</h2>
      <Pairs class="facts" rows={rows} />
      {own.length > 0 && (
        <>
          <h3 class="box-label">{words.ownWords}</h3>
          <Pairs class="facts" rows={own.map(([name, values]) => [name, values.slice(-4).map((value) => <q key={value} lang={call.language ?? undefined}>{value}</q>)])} />
        </>
      )}
    </section>
  );
}

/** `onTake`: nobody has to take an alert, and one may step in all the same. */
export function NoteBox({ controller, call, onTake }: { controller: Controller; call: string; onTake: (() => void) | null }) {
  const words = useWords();
  const [text, setText] = useDraft(controller, "note", call);
  return (
    <section class="box" aria-labelledby="note-title">
      <h2 id="note-title">{words.note}</h2>
      <form
        class="whisper"
        onSubmit={async (event) => {
          event.preventDefault();
          if (text.trim() && (await controller.note(call, text.trim()))) setText("");
        }}
      >
        <textarea id="note" rows={1} maxLength={TEXT_MAX} value={text} aria-labelledby="note-title" aria-describedby="note-hint" onInput={(event) => setText(event.currentTarget.value)} />
        <Button {...{ type: "submit" }} disabled={!text.trim()}>
          {words.save}
        </Button>
      </form>
      <p id="note-hint" class="hint">
        {words.noteHint}
      </p>
      {onTake && (
        <Button class="box-button" keys="T" onClick={onTake}>
          {words.takeOver}
        </Button>
      )}
    </section>
  );
}

export function SummaryBox({ summary }: { summary: CallSummary }) {
  const words = useWords();
  const rows: [string, preact.ComponentChildren][] = [
    [words.duration, spokenLength(words, summary.duration_ms)],
    [words.peak, <><BandBadge band={summary.peak_band} level={summary.peak_level} /> <span class="muted">{clock(summary.peak_t_ms)}</span></>],
    [words.endedAs, <BandBadge band={summary.final_band} level={summary.final_level} />],
    [words.alerts, summary.alerts],
    [words.utterances, `${words.channels.customer} ${summary.customer_utterances} · ${words.channels.agent} ${summary.agent_utterances}`],
  ];
  if (summary.turning_point_ms != null) rows.push([words.turningPoint, clock(summary.turning_point_ms)]);
  if (summary.held_ms > 0) rows.push([words.held, spokenLength(words, summary.held_ms)]);
  if (summary.speech_dropped > 0) rows.push([words.notTranscribed, summary.speech_dropped]);
  return (
    <section class="box">
      <h2>{words.course}</h2>
      <Pairs class="facts" rows={rows} />
    </section>
  );
}
