/** Calls that have ended, as far as retention allows. */

import { useEffect } from "preact/hooks";
import { clock, dayOf, timeOfDay, useWords } from "../lib/i18n";
import { BandBadge, Button } from "../lib/ui";
import type { CallView } from "../wire";
import { type Controller, endOf } from "./controller";
import { Loading, Who } from "./LiveView";
import { type Filters, matches } from "./model";

export function EndedView({ controller, filters }: { controller: Controller; filters: Filters }) {
  const words = useWords();
  const { model, history, historyFailed } = controller;
  useEffect(() => void controller.fetchHistory(), [model.endedRev]);
  if (!history) {
    if (!historyFailed) return <Loading page text={words.loadingCalls} />;
    return (
      <div class="empty" role="alert">
        <h1>{words.endedFailed}</h1>
        <Button onClick={() => void controller.fetchHistory()}>{words.tryAgain}</Button>
      </div>
    );
  }
  const peaked = (view: CallView) => ({ ...view, band: view.summary?.peak_band ?? view.band });
  const shown = history.filter((view) => matches(peaked(view), filters, words));
  const days = new Map<string, CallView[]>();
  for (const view of shown) {
    const day = dayOf(words, endOf(view));
    days.set(day, [...(days.get(day) ?? []), view]);
  }
  return (
    <div class="page page-ended">
      <h1>{words.endedTitle}</h1>
      <p class="muted">{words.endedText}</p>
      {history.length === 0 && <p class="nobody">{words.endedEmpty}</p>}
      {history.length > 0 && shown.length === 0 && <p class="nobody">{words.noMatch}</p>}
      {[...days].map(([day, views]) => (
        <section key={day}>
          <h2 class="section-title">{day}</h2>
          <ul class="rows">
            {views.map((view) => (
              <li key={view.call} data-item={view.call}>
                <EndedRow view={view} controller={controller} />
              </li>
            ))}
          </ul>
        </section>
      ))}
      {controller.historyNext !== null && <Button onClick={() => void controller.fetchHistory(true)}>{words.more}</Button>}
    </div>
  );
}

function EndedRow({ view, controller }: { view: CallView; controller: Controller }) {
  const words = useWords();
  const { summary } = view;
  return (
    <button type="button" class="row row-ended" data-call={view.call} aria-current={controller.model.opened?.call === view.call} onClick={() => void controller.open(view.call, { ended: true })}>
      <time class="row-clock">{timeOfDay(words, endOf(view))}</time>
      <Who call={view} />
      <span class="row-peak">
        {summary && (
          <>
            <span class="muted">{words.peak}</span> <BandBadge band={summary.peak_band} level={summary.peak_level} />
          </>
        )}
      </span>
      <span class="row-final">
        {summary && (
          <>
            <span class="muted">{words.endedAs}</span> <BandBadge band={summary.final_band} level={summary.final_level} />
          </>
        )}
      </span>
      <span class="row-alerts muted">{summary && summary.alerts > 0 && words.alertsCount(summary.alerts)}</span>
      <time class="row-time">{clock(view.t_ms)}</time>
    </button>
  );
}
