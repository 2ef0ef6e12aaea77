/** The top line: where one is, whether it is live, how many wait, and what is filtered. */

import { bandName, nameOf, number, timeOfDay, timeWithSeconds, useWords } from "../lib/i18n";
import { Gear, Help, Mark, Search, Speaker } from "../lib/icons";
import { endsSoon } from "../lib/session";
import type { Lang } from "../wire";
import type { View } from "./App";
import type { Controller } from "./controller";
import { BANDS, choices, type Filters, NO_FILTERS } from "./model";

interface Props {
  controller: Controller;
  view: View;
  waiting: number;
  filters: Filters;
  onView(view: View): void;
  onFilters(filters: Filters): void;
  onSettings(): void;
  onHelp(): void;
}

const VIEWS: View[] = ["live", "load", "ended"];

export function Header({ controller, view, waiting, filters, onView, onFilters, onSettings, onHelp }: Props) {
  const words = useWords();
  const { model, link } = controller;
  const breaks = [...model.loads.values()].filter((load) => load.break_suggested).length;
  const live = [...model.calls.values()].filter((call) => !call.ended).length;
  const counts: Record<View, number> = { live: waiting, load: breaks, ended: 0 };
  // Load is of agents: of the filters, only the search means anything there.
  const agents = view === "load";
  const filtered = agents ? filters.search !== "" : JSON.stringify(filters) !== JSON.stringify(NO_FILTERS);
  const known = view === "ended" ? (controller.history ?? []) : [...model.calls.values()];
  const named = (field: "queue" | "team") => choices(known, field, filters[field]).map((name): [string, string] => [name, name]);
  const ends = endsSoon(controller.session);
  return (
    <header class="top">
      <p class="wordmark">
        <Mark />
        {words.appName}
      </p>
      <nav class="tabs" aria-label={words.boardTitle}>
        {VIEWS.map((name) => (
          <button key={name} type="button" class="tab" aria-current={view === name ? "page" : undefined} onClick={() => onView(name)}>
            {words.views[name]}
            {counts[name] > 0 && (
              <span class={name === "live" ? "count count-alert" : "count"}>
                {number(words, counts[name])}
                <span class="hidden"> {name === "live" ? words.needsYou : words.breakSuggested}</span>
              </span>
            )}
          </button>
        ))}
      </nav>
      <div class="filters" role="search">
        <label class="search">
          <Search />
          <span class="hidden">{words.search}</span>
          <input
            id="search"
            type="search"
            placeholder={agents ? words.agent : words.searchHint}
            value={filters.search}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => onFilters({ ...filters, search: event.currentTarget.value })}
          />
        </label>
        {!agents && (
          <>
            <Filter label={words.queue} value={filters.queue} all={words.all} options={named("queue")} onChange={(queue) => onFilters({ ...filters, queue })} />
            <Filter label={words.team} value={filters.team} all={words.all} options={named("team")} onChange={(team) => onFilters({ ...filters, team })} />
            <Filter label={words.language} value={filters.lang} all={words.all} options={(["de", "en"] as Lang[]).map((name) => [name, nameOf(words.langs, name)])} onChange={(lang) => onFilters({ ...filters, lang })} />
            <Filter label={words.band} value={filters.band} all={words.all} options={BANDS.slice(1).map((name) => [name, name === "critical" ? bandName(words, name) : `${bandName(words, name)} +`])} onChange={(band) => onFilters({ ...filters, band })} />
          </>
        )}
        {filtered && (
          <button type="button" class="button button-quiet" aria-label={words.clearFilters} title={words.clearFilters} onClick={() => onFilters(agents ? { ...filters, search: "" } : NO_FILTERS)}>
            {words.clear}
          </button>
        )}
      </div>
      <p class={`link link-${link.state}`}>
        <span class="link-dot" aria-hidden="true" />
        {link.state === "live" ? words.live : link.state === "connecting" ? words.connecting : words.offline}
        {ends ? <span class="link-ends">{words.signInEnds(timeOfDay(words, ends))}</span> : model.ready && <span class="link-count">{words.callsCount(live)}</span>}
      </p>
      <div class="tools">
        <button type="button" class="button button-quiet button-icon" aria-pressed={controller.sound} aria-label={words.sound} title={controller.soundWaits ? words.soundWaits : words.soundOn} onClick={() => controller.setSound(!controller.sound)}>
          <Speaker on={controller.sound} />
        </button>
        <button type="button" class="button button-quiet button-icon" aria-label={words.keysTitle} title={`${words.keysTitle} (?)`} onClick={onHelp}>
          <Help />
        </button>
        <button type="button" class="button button-quiet button-icon" aria-label={words.settings} title={words.settings} onClick={onSettings}>
          <Gear />
        </button>
      </div>
    </header>
  );
}

function Filter({ label, value, all, options, onChange }: { label: string; value: string; all: string; options: [string, string][]; onChange(value: string): void }) {
  return (
    <label class={value ? "filter filter-on" : "filter"}>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{all}</option>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function LostBar({ controller }: { controller: Controller }) {
  const words = useWords();
  const { link, model } = controller;
  if (link.state !== "lost") return null;
  const seconds = Math.ceil((link.retryAt - Date.now()) / 1_000);
  return (
    <section class="lost" aria-label={words.lostTitle}>
      <strong>{words.lostTitle}</strong>
      {model.ready && <span>{words.lostText(timeWithSeconds(words, model.heardAt))}</span>}
      <span class="lost-retry">{words.retryIn(seconds)}</span>
      <button type="button" class="button" onClick={controller.retryNow}>
        {words.retryNow}
      </button>
    </section>
  );
}
