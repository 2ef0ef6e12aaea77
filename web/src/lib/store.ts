/** State that changes in place and tells its readers once per frame. */

import { useEffect, useState } from "preact/hooks";

/** Longest wait for a frame. */
const HIDDEN_MS = 500;

export class Store {
  private readers = new Set<() => void>();
  private scheduled = false;

  changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    const tell = () => {
      if (!this.scheduled) return;
      this.scheduled = false;
      for (const reader of this.readers) reader();
    };
    requestAnimationFrame(tell);
    // A page that is hidden gets no frames, and its title still counts the alerts.
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
