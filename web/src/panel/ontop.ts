/** The panel in a small window of its own that stays above all others, where the browser can do that. The page it came from
 *  says where it is, and gets it back when the small window is closed. */

import { chosenLang, wordsOf } from "../lib/i18n";

interface OnTopWindows {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

/** A call with all it may show, in the style sheet's low layout. */
const SIZE = { width: 360, height: 540 };

const windows = () => (window as unknown as { documentPictureInPicture?: OnTopWindows }).documentPictureInPicture;

let small: Window | null = null;

/** Whether it can go there, and is not there already. */
export const canStayOnTop = () => Boolean(windows()) && !small;

/** `onChange`: it has gone there, or come back. */
export async function stayOnTop(onChange: () => void) {
  const root = document.getElementById("root");
  const opened = root && (await windows()?.requestWindow(SIZE));
  if (!root || !opened) return;
  small = opened;
  const { head, body, documentElement: there } = opened.document;
  for (const sheet of document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')) head.append(sheet.cloneNode());
  opened.document.title = document.title;
  const here = document.documentElement;
  const left = sign(() => opened.close());
  const follow = () => {
    there.lang = here.lang;
    Object.assign(there.dataset, here.dataset);
    left.speak();
  };
  const observer = new MutationObserver(follow);
  observer.observe(here, { attributeFilter: ["lang", "data-theme"] });
  follow();
  body.append(root);
  document.body.append(left.element);
  opened.addEventListener("pagehide", () => {
    observer.disconnect();
    small = null;
    left.element.replaceWith(root);
    onChange();
  });
  onChange();
}

/** What stands on the page meanwhile. */
function sign(onBack: () => void) {
  const element = document.createElement("main");
  element.className = "panel-away";
  const title = document.createElement("h1");
  const text = document.createElement("p");
  const back = document.createElement("button");
  text.className = "muted";
  back.className = "button";
  back.type = "button";
  back.onclick = onBack;
  element.append(title, text, back);
  const speak = () => {
    const words = wordsOf(chosenLang());
    title.textContent = words.onTopTitle;
    text.textContent = words.onTopText;
    back.textContent = words.onTopBack;
  };
  return { element, speak };
}
