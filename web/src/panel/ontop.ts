/** The panel in a small window of its own that stays above all others, where the browser can do that. */

interface OnTopWindows {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
  window: Window | null;
}

const windows = () => (window as unknown as { documentPictureInPicture?: OnTopWindows }).documentPictureInPicture;

export const canStayOnTop = () => Boolean(windows()) && !windows()?.window;

export async function stayOnTop() {
  const root = document.getElementById("root");
  const small = await windows()?.requestWindow({ width: 360, height: 560 });
  if (!small || !root) return;
  for (const sheet of document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')) small.document.head.append(sheet.cloneNode());
  const { dataset, lang } = document.documentElement;
  Object.assign(small.document.documentElement.dataset, dataset);
  small.document.documentElement.lang = lang;
  small.document.title = document.title;
  small.document.body.append(root);
  small.addEventListener("pagehide", () => document.body.append(root));
}
