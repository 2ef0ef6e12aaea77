/** Calls that have ended, as far as retention allows. */

import { useEffect } from "preact/hooks";
import { clock, dateOf, number, timeOfDay, useWords } from "../lib/i18n";
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
  const shown = history.filter((view) => matches(peaked(view), filters));
  let day = "";
  return (
    <div class="page page-ended">
      <h1>{words.endedTitle}</h1>
      <p class="muted">{words.endedText}</p>
      {history.length === 0 && <p class="nobody">{words.endedEmpty}</p>}
      {history.length > 0 && shown.length === 0 && <p class="nobody">{words.noMatch}</p>}
      <ul class="rows">
        {shown.map((view) => {
          const date = dateOf(words, endOf(view));
          const isNew = date !== day;
          day = date;
          return (
            <li key={view.call} data-item={view.call}>
              {isNew && <h2 class="section-title">{date}</h2>}
              <button type="button" class="row row-ended" data-call={view.call} aria-current={model.opened?.call === view.call} onClick={() => void controller.open(view.call, true)}>
                <time class="row-clock">{timeOfDay(words, endOf(view))}</time>
                <Who call={view} />
                <span class="row-peak">
                  {view.summary && (
                    <>
                      <span class="muted">{words.peak}</span> <BandBadge band={view.summary.peak_band} level={view.summary.peak_level} />
                      {view.summary.alerts > 0 && <span class="muted"> {words.alertsCount(Number(number(words, view.summary.alerts)))}</span>}
                    </>
                  )}
                </span>
                <time class="row-time">{clock(view.t_ms)}</time>
              </button>
            </li>
          );
        })}
      </ul>
      {controller.historyNext !== null && <Button onClick={() => void controller.fetchHistory(true)}>{words.more}</Button>}
    </div>
  );
}
