/** One explanation at a time, beside what has the pointer or the focus. Escape hides it; it can be pointed at. */

import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Shown {
  anchor: HTMLElement;
  content: ComponentChildren;
}

interface Tips {
  show(shown: Shown): void;
  hide(): void;
}

const Layer = createContext<Tips>({ show: () => undefined, hide: () => undefined });

const HIDE_MS = 120;

export function TipLayer({ children }: { children: ComponentChildren }) {
  const [shown, set] = useState<Shown | null>(null);
  const timer = useRef(0);
  const box = useRef<HTMLDivElement>(null);
  const tips = useRef<Tips>({
    show(next) {
      clearTimeout(timer.current);
      set(next);
    },
    hide() {
      clearTimeout(timer.current);
      timer.current = window.setTimeout(() => set(null), HIDE_MS);
    },
  });
  useEffect(() => {
    if (!shown) return;
    const hide = () => set(null);
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      hide();
    };
    addEventListener("keydown", key, true);
    addEventListener("scroll", hide, true);
    return () => {
      removeEventListener("keydown", key, true);
      removeEventListener("scroll", hide, true);
    };
  }, [shown]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !shown) return;
    const at = shown.anchor.getBoundingClientRect();
    const { offsetWidth: w, offsetHeight: h } = element;
    const above = at.top - h - 8;
    element.style.left = `${Math.max(8, Math.min(at.left, innerWidth - w - 8))}px`;
    element.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  }, [shown]);
  return (
    <Layer.Provider value={tips.current}>
      {children}
      {shown && (
        <div ref={box} id="tip" role="tooltip" class="tip" onPointerEnter={() => tips.current.show(shown)} onPointerLeave={() => tips.current.hide()}>
          {shown.content}
        </div>
      )}
    </Layer.Provider>
  );
}

/** Handlers for an element that explains itself. */
export function useTip(content: ComponentChildren) {
  const tips = useContext(Layer);
  const show = (event: Event) => tips.show({ anchor: event.currentTarget as HTMLElement, content });
  return {
    onPointerEnter: show,
    onPointerLeave: () => tips.hide(),
    onFocus: show,
    onBlur: () => tips.hide(),
  };
}
