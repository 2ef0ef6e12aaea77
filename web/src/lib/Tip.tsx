/** One explanation at a time, beside what has the pointer or the focus (WCAG 1.4.13): it stays as long as either does and
 *  goes along when its place scrolls, it can be pointed at, and Escape hides it, and nothing else. */

import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

interface Shown {
  anchor: HTMLElement;
  content: ComponentChildren;
}

/** Time for the way from a word to its explanation. */
const HIDE_MS = 120;

/** What is explained because it is pointed at, and because it has the focus; the pointer goes first. */
class Tips {
  private pointed: Shown | null = null;
  private focused: Shown | null = null;
  private timer = 0;

  constructor(private readonly onChange: (shown: Shown | null) => void) {}

  get shown(): Shown | null {
    return this.pointed ?? this.focused;
  }

  point(next: Shown) {
    clearTimeout(this.timer);
    if (this.pointed?.anchor === next.anchor) return;
    this.pointed = next;
    this.onChange(this.shown);
  }

  leave() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.pointed = null;
      this.onChange(this.shown);
    }, HIDE_MS);
  }

  focus(next: Shown | null) {
    this.focused = next;
    this.onChange(this.shown);
  }

  /** Until it is asked for anew. */
  hide() {
    clearTimeout(this.timer);
    this.pointed = this.focused = null;
    this.onChange(null);
  }
}

const Layer = createContext<Tips | null>(null);

export function TipLayer({ children }: { children: ComponentChildren }) {
  const [shown, set] = useState<Shown | null>(null);
  const tips = useMemo(() => new Tips(set), []);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      // One that is not seen, its word being scrolled away, keeps no key from others.
      if (event.key !== "Escape" || !tips.shown || !isInSight(tips.shown.anchor)) return;
      event.stopPropagation();
      tips.hide();
    };
    addEventListener("keydown", key, true);
    return () => removeEventListener("keydown", key, true);
  }, []);
  useLayoutEffect(() => {
    if (!shown) return;
    let frame = 0;
    const follow = () => {
      if (!shown.anchor.isConnected) return tips.hide();
      if (box.current) place(box.current, shown.anchor);
      frame = requestAnimationFrame(follow);
    };
    follow();
    return () => cancelAnimationFrame(frame);
  }, [shown]);
  return (
    <Layer.Provider value={tips}>
      {children}
      {shown && (
        <div ref={box} id="tip" role="tooltip" class="tip" onPointerEnter={() => tips.point(shown)} onPointerLeave={() => tips.leave()}>
          {shown.content}
        </div>
      )}
    </Layer.Provider>
  );
}

/** Handlers for an element that explains itself. */
export function useTip(content: ComponentChildren) {
  const tips = useContext(Layer);
  const of = (event: Event): Shown => ({ anchor: event.currentTarget as HTMLElement, content });
  return {
    // Not when it enters: a text that moves on under a pointer at rest explains nothing unasked.
    onPointerMove: (event: Event) => tips?.point(of(event)),
    onPointerLeave: () => tips?.leave(),
    onFocus: (event: Event) => tips?.focus(of(event)),
    onBlur: () => tips?.focus(null),
    // After Escape, and on a touch screen.
    onClick: (event: Event) => tips?.focus(of(event)),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tips?.focus(of(event));
    },
  };
}

/** Whether nothing that scrolls has cut it off. */
function isInSight(anchor: HTMLElement): boolean {
  const { top, bottom } = anchor.getBoundingClientRect();
  const port = anchor.closest("[data-scrolls]")?.getBoundingClientRect();
  return bottom > (port?.top ?? 0) && top < (port?.bottom ?? innerHeight);
}

function place(box: HTMLElement, anchor: HTMLElement) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: w, offsetHeight: h } = box;
  const above = at.top - h - 8;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - w - 8))}px`;
  box.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  box.style.visibility = isInSight(anchor) ? "visible" : "hidden";
}
