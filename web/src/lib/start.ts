/** Begins a page once its shell, which is plain HTML and CSS, has been painted: the eye need not wait for the script. */

import type { ComponentChild } from "preact";
import { render } from "preact";

/** Longest wait for a frame: a page hidden meanwhile gets none, and an alert must ring there, too. */
const FRAME_MS = 500;

export function start(app: ComponentChild) {
  const late = setTimeout(begin, FRAME_MS);
  let begun = false;
  function begin() {
    if (begun) return;
    begun = true;
    clearTimeout(late);
    document.getElementById("shell")?.remove();
    render(app, document.getElementById("root")!);
  }
  if (document.hidden) begin();
  else requestAnimationFrame(() => setTimeout(begin));
}
