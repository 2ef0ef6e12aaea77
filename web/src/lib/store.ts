/** State that changes in place and tells its readers once per frame, or less often. */

import { useEffect, useState } from "preact/hooks";

/** Longest wait for a frame. */
const HIDDEN_MS = 500;

/** How long a change may wait that nobody needs at once: four times a second is as often as one reads a number. */
const SOON_MS = 250;

export class Store {
  private readers = new Set<() => void>();
  private scheduled = false;
  private waiting = 0;
  private toldAt = 0;

  /** For changes of which many become one rendering. */
  soon() {
    if (this.scheduled || this.waiting) return;
    this.waiting = window.setTimeout(() => this.changed(), SOON_MS);
  }

  /** With the next frame. */
  changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    clearTimeout(this.waiting);
    this.waiting = 0;
    const tell = () => {
      if (!this.scheduled) return;
      this.scheduled = false;
      this.toldAt = Date.now();
      for (const reader of this.readers) reader();
    };
    // A page that is hidden gets no frames and slow timers; its title still counts the alerts, and its small window on top
    // is looked at.
    if (document.hidden && Date.now() - this.toldAt > HIDDEN_MS) return tell();
    requestAnimationFrame(tell);
    window.setTimeout(tell, HIDDEN_MS);
  }

  /** Renders the component again whenever something changed. */
  use() {
    const [, set] = useState(0);
    useEffect(() => {
      const reader = () => set((n) => n + 1);
      this.readers.add(reader);
      return () => void this.readers.delete(reader);
    }, []);
  }
}

/** A setting of this browser, kept in local storage. */
export function kept<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
  const value = localStorage.getItem(`ruhepol.${name}`) as T | null;
  return value && allowed.includes(value) ? value : fallback;
}

export function keep(name: string, value: string) {
  localStorage.setItem(`ruhepol.${name}`, value);
}
