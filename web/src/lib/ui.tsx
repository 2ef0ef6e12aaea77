/** Parts both pages are made of. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Band, Lang, LevelPoint } from "../wire";
import { Dictionary, bandName, chooseLang, useWords, type Words } from "./i18n";
import { BandIcon, Cross } from "./icons";
import { keep, kept } from "./store";

export type Theme = "auto" | "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");

export function applyTheme(theme: Theme, root: HTMLElement = document.documentElement) {
  root.dataset.theme = theme === "auto" ? (system.matches ? "dark" : "light") : theme;
}

/** The chosen appearance, following the system if so chosen. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState<Theme>(() => kept<Theme>("theme", ["auto", "light", "dark"], "auto"));
  useEffect(() => {
    const apply = () => applyTheme(theme);
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [theme]);
  return [
    theme,
    (chosen) => {
      keep("theme", chosen);
      set(chosen);
    },
  ];
}

/** Renders again each second while `on`. */
export function useSeconds(on: boolean) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => tick((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, [on]);
}

export function BandBadge({ band, level }: { band: Band; level?: number }) {
  const words = useWords();
  return (
    <span class={`band band-${band}`}>
      <BandIcon band={band} />
      <span class="band-name">{bandName(words, band)}</span>
      {level !== undefined && (
        <span class="band-level" title={words.levelOf(level)}>
          <span class="hidden">, {words.level} </span>
          {level}
        </span>
      )}
    </span>
  );
}

/** The last levels as a small line. What it says is also there in words. */
export function Spark({ points, band }: { points: LevelPoint[]; band: Band }) {
  if (points.length < 2) return <span class="spark" />;
  const [w, h] = [56, 16];
  const from = points[0]!.t_ms;
  const span = Math.max(1, points.at(-1)!.t_ms - from);
  const path = points.map(({ t_ms, level }) => `${(((t_ms - from) / span) * (w - 4) + 2).toFixed(1)},${(h - 2 - (level / 100) * (h - 4)).toFixed(1)}`);
  const [x, y] = path.at(-1)!.split(",");
  return (
    <svg class={`spark spark-${band}`} viewBox={`0 0 ${w} ${h}`} width={w} height={h} aria-hidden="true" focusable="false">
      <polyline points={path.join(" ")} />
      <circle cx={x} cy={y} r="2" />
    </svg>
  );
}

type ButtonProps = JSX.HTMLAttributes<HTMLButtonElement> & {
  kind?: "plain" | "main" | "quiet" | "danger";
  icon?: ComponentChildren;
  keys?: string;
  disabled?: boolean;
};

export function Button({ kind = "plain", icon, keys, children, class: name, ...rest }: ButtonProps) {
  return (
    <button type="button" class={`button button-${kind} ${name ?? ""}`} {...rest}>
      {icon}
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}

/** Names and what they stand for. */
export function Pairs({ rows, class: name }: { rows: [string, ComponentChildren][]; class: string }) {
  return (
    <dl class={name}>
      {rows.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A dialog of the browser's own: it holds the focus, and Escape closes it. */
export function Dialog({ title, onClose, children, wide = false }: { title: string; onClose(): void; children: ComponentChildren; wide?: boolean }) {
  const words = useWords();
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    // Its own document's: the panel may be in a small window.
    const before = dialog?.ownerDocument.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="button button-quiet button-icon" aria-label={words.close} onClick={onClose}>
            <Cross />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Choice<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: [T, string][]; onChange(value: T): void }) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="choice-row">
        {options.map(([option, name]) => (
          <label key={option} class="choice-option">
            <input type="radio" name={label} value={option} checked={option === value} onChange={() => onChange(option)} />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Switch({ label, hint, on, onChange, disabled = false }: { label: string; hint?: string; on: boolean; onChange(on: boolean): void; disabled?: boolean }) {
  return (
    <label class="switch">
      <input type="checkbox" role="switch" checked={on} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span class="switch-track" aria-hidden="true" />
      <span class="switch-text">
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

export function LangChoice({ onChange }: { onChange(lang: Lang): void }) {
  const words = useWords();
  return (
    <Choice<Lang>
      label={words.language}
      value={words.lang}
      options={[
        ["de", "Deutsch"],
        ["en", "English"],
      ]}
      onChange={(lang) => {
        chooseLang(lang);
        onChange(lang);
      }}
    />
  );
}

export function ThemeChoice({ theme, onChange }: { theme: Theme; onChange(theme: Theme): void }) {
  const words = useWords();
  return (
    <Choice<Theme>
      label={words.theme}
      value={theme}
      options={[
        ["auto", words.themes.auto],
        ["light", words.themes.light],
        ["dark", words.themes.dark],
      ]}
      onChange={onChange}
    />
  );
}

/** Tells the page's language to the browser: how it reads aloud and divides words. */
export function Speaking({ words, children }: { words: Words; children: ComponentChildren }) {
  useEffect(() => {
    document.documentElement.lang = words.lang;
  }, [words]);
  return <Dictionary.Provider value={words}>{children}</Dictionary.Provider>;
}
