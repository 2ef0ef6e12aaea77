/** Begins a page once its shell, which is plain HTML and CSS, has been painted: the eye need not wait for the script. */

import type { ComponentChild } from "preact";
import { render } from "preact";

export function start(app: ComponentChild) {
  const begin = () => {
    document.getElementById("shell")?.remove();
    render(app, document.getElementById("root")!);
  };
  // A hidden page paints nothing; an alert must ring there too.
  if (document.hidden) begin();
  else requestAnimationFrame(() => setTimeout(begin));
}
