/** The keyboard. Single keys can be switched off (WCAG 2.1.4); everything they do has a button, too. */

import { useEffect, useRef } from "preact/hooks";
import type { View } from "./App";
import type { Controller } from "./controller";
import type { Asked } from "./Dialogs";
import { needsSomebody } from "./model";

interface Settings {
  controller: Controller;
  keysOn: boolean;
  view: View;
  show(view: View): void;
  asked: Asked | null;
  ask(asked: Asked | null): void;
}

const VIEWS: Record<string, View> = { 1: "live", 2: "load", 3: "ended" };

export function useKeys(settings: Settings) {
  const latest = useRef(settings);
  latest.current = settings;
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || latest.current.asked) return;
      const target = event.target as HTMLElement;
      const typing = target.closest("input, textarea, select");
      if (event.key === "Escape") return escape(latest.current, target, typing);
      if (typing || !latest.current.keysOn) return;
      if (press(latest.current, event.key)) event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
}

function escape({ controller }: Settings, target: HTMLElement, typing: Element | null) {
  if (typing) return target.blur();
  const call = controller.model.opened?.call;
  if (!call) return;
  controller.closeCall();
  // Back to where one came from, once the list is there again.
  requestAnimationFrame(() => requestAnimationFrame(() => focusCall(call)));
}

/** Whether the key meant something. */
function press({ controller, view, show, ask }: Settings, key: string): boolean {
  const { model } = controller;
  const next = VIEWS[key];
  if (next) {
    show(next);
    return true;
  }
  const chosen = focusedCall() ?? model.opened?.call;
  const call = chosen === undefined ? undefined : model.calls.get(chosen);
  const alert = call?.alert ?? undefined;
  switch (key) {
    case "j":
    case "ArrowDown":
      return move(1);
    case "k":
    case "ArrowUp":
      return move(-1);
    case "/":
      document.getElementById("search")?.focus();
      return true;
    case "?":
      ask({ what: "help" });
      return true;
    case "m":
      controller.setSound(!controller.sound);
      return true;
    case "g": {
      const first = () => document.querySelector<HTMLElement>("[data-call][data-section=needs]");
      if (view === "live") {
        first()?.focus();
        return Boolean(first());
      }
      show("live");
      // Once the list is there.
      requestAnimationFrame(() => requestAnimationFrame(() => first()?.focus()));
      return true;
    }
    case "w":
      return write(controller, view, "whisper");
    case "n":
      return write(controller, view, "note");
  }
  if (!call || !alert) return key === "t" && call ? (ask({ what: "take", call: call.call }), true) : false;
  switch (key) {
    case "a":
      if (needsSomebody(call, model.now())) void controller.ack(alert);
      return true;
    case "s":
      ask({ what: "snooze", call: call.call });
      return true;
    case "f":
      ask({ what: "dismiss", call: call.call });
      return true;
    case "t":
      ask({ what: "take", call: call.call });
      return true;
  }
  return false;
}

/** Into the box of the call that has the focus, which may be another than the opened one: nobody whispers to the wrong agent. */
function write(controller: Controller, view: View, id: "whisper" | "note"): boolean {
  const chosen = focusedCall();
  const { opened, calls } = controller.model;
  if (view === "live" && chosen && chosen !== opened?.call && calls.has(chosen)) {
    void controller.open(chosen, { box: id });
    return true;
  }
  const element = document.getElementById(id);
  element?.focus();
  return Boolean(element);
}

const rows = () => [...document.querySelectorAll<HTMLElement>(".pane-list [data-call]")];

export const focusedCall = () => (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-item]")?.dataset.item;

export function focusCall(call: string) {
  rows().find((row) => row.dataset.call === call)?.focus();
}

function move(step: 1 | -1): boolean {
  const all = rows();
  // The arrows scroll, as everywhere, unless a call has the focus.
  const chosen = focusedCall() ?? document.querySelector<HTMLElement>("[data-call][aria-current=true]")?.dataset.call;
  const at = all.findIndex((row) => row.dataset.call === chosen);
  const next = at < 0 ? all.at(step > 0 ? 0 : -1) : all[Math.max(0, Math.min(all.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}
