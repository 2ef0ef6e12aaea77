/** What each agent had to bear: a figure of calls, never of a person. */

import { minutes, number, useWords } from "../lib/i18n";
import { Cup } from "../lib/icons";
import { BandBadge, Button } from "../lib/ui";
import type { Load } from "../wire";
import type { Controller } from "./controller";
import { Loading } from "./LiveView";

interface Props {
  controller: Controller;
  /** Part of an agent's name. */
  search: string;
  onOpen(call: string): void;
  onClear(): void;
}

export function LoadView({ controller, search, onOpen, onClear }: Props) {
  const words = useWords();
  const { model } = controller;
  if (!model.ready) return <Loading page text={words.loadingCalls} />;
  const live = new Map([...model.calls.values()].filter((call) => call.agent && !call.ended).map((call) => [call.agent as string, call]));
  const agents = new Set([...model.loads.keys(), ...live.keys()]);
  const wanted = search.trim().toLowerCase();
  const loads = [...agents].filter((agent) => agent.toLowerCase().includes(wanted)).map((agent): Load => model.loads.get(agent) ?? { type: "load", agent, heated_calls: 0, heated_ms: 0, break_suggested: false });
  loads.sort((a, b) => Number(b.break_suggested) - Number(a.break_suggested) || b.heated_ms - a.heated_ms || b.heated_calls - a.heated_calls || a.agent.localeCompare(b.agent, words.lang, { numeric: true }));
  const most = Math.max(1, ...loads.map((load) => load.heated_ms));
  return (
    <div class="page">
      <h1>{words.loadTitle}</h1>
      <p class="muted">{words.loadText}</p>
      {agents.size > 0 && loads.length === 0 ? (
        <p class="nobody">
          {words.noAgentMatches}
          <Button kind="quiet" onClick={onClear}>
            {words.clearFilters}
          </Button>
        </p>
      ) : loads.length === 0 ? (
        <p class="nobody">{words.loadEmpty}</p>
      ) : (
        <table class="table table-load">
          <thead>
            <tr>
              <th scope="col">{words.agent}</th>
              <th scope="col" class="num">{words.heatedCalls}</th>
              <th scope="col" class="num">{words.heatedTime}</th>
              <th scope="col">
                <span class="hidden">{words.breakSuggested}</span>
              </th>
              <th scope="col">{words.now}</th>
            </tr>
          </thead>
          <tbody>
            {loads.map((load) => {
              const call = live.get(load.agent);
              return (
                <tr key={load.agent} class={load.break_suggested ? "table-strong" : undefined}>
                  <th scope="row">{load.agent}</th>
                  <td class={load.heated_calls > 0 ? "num" : "num muted"}>{load.heated_calls > 0 ? number(words, load.heated_calls) : "–"}</td>
                  <td class="num">
                    {load.heated_ms > 0 && (
                      <span class="bar" aria-hidden="true">
                        <span style={{ width: `${(load.heated_ms / most) * 100}%` }} />
                      </span>
                    )}
                    <span class={load.heated_ms > 0 ? undefined : "muted"}>{load.heated_ms > 0 ? minutes(words, load.heated_ms) : "–"}</span>
                  </td>
                  <td>
                    {load.break_suggested && (
                      <span class="flag flag-break">
                        <Cup />
                        {words.breakSuggested}
                      </span>
                    )}
                  </td>
                  <td>
                    {call ? (
                      <button type="button" class="button button-quiet table-open" title={words.openCall} onClick={() => onOpen(call.call)}>
                        <BandBadge band={call.band} level={call.level} />
                        <span class="hidden">
                          , {load.agent}, {words.openCall}
                        </span>
                      </button>
                    ) : (
                      <span class="muted">–</span>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </div>
  );
}
