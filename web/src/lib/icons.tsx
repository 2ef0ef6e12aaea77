/** Our own few signs, drawn on 16 by 16. Each stands beside a word or has one for screen readers. */

import type { ComponentChildren } from "preact";
import type { Band } from "../wire";

/** `size` in pixels of an ordinary screen; grows with the type on large ones. */
function Icon({ children, fill = false, size = 16 }: { children: ComponentChildren; fill?: boolean; size?: number }) {
  const length = `${size / 16}rem`;
  return (
    <svg class="icon" viewBox="0 0 16 16" width={length} height={length} aria-hidden="true" focusable="false" fill={fill ? "currentColor" : "none"} stroke={fill ? "none" : "currentColor"} stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      {children}
    </svg>
  );
}

/** A shape of its own for each band: ring, half disc, triangle, diamond. */
export function BandIcon({ band, size = 14 }: { band: Band; size?: number }) {
  switch (band) {
    case "calm":
      return <Icon size={size}><circle cx="8" cy="8" r="5.200" stroke-width="2" /></Icon>;
    case "tense":
      return (
        <Icon size={size}>
          <circle cx="8" cy="8" r="5.600" stroke-width="2" />
          <path d="M8 2.400a5.600 5.600 0 0 1 0 11.200z" fill="currentColor" stroke="none" />
        </Icon>
      );
    case "heated":
      return <Icon size={size} fill><path d="M8 1.800 15 14H1z" /></Icon>;
    case "critical":
      return (
        <Icon size={size} fill>
          <path fill-rule="evenodd" d="M8 .400 15.600 8 8 15.600.400 8zM7 4v5h2V4zm0 6.200v1.900h2v-1.900z" />
        </Icon>
      );
  }
}

export const Rising = () => <Icon><path d="M3 12 12 4M7 3.500h5.500V9" /></Icon>;
export const Falling = () => <Icon><path d="M3 4l9 8M7 12.500h5.500V7" /></Icon>;
export const Steady = () => <Icon><path d="M2.500 8h11M10 4.500 13.500 8 10 11.500" /></Icon>;
export const Check = () => <Icon><path d="M3 8.500 6.500 12 13 4.500" /></Icon>;
export const Clock = () => <Icon><circle cx="8" cy="8" r="6" /><path d="M8 4.500V8l2.500 1.500" /></Icon>;
export const Cross = () => <Icon><path d="M4 4l8 8M12 4l-8 8" /></Icon>;
export const Whisper = () => <Icon><path d="M2.500 3.500h11v7H8l-3 2.700v-2.700H2.500z" /></Icon>;
export const Note = () => <Icon><path d="M3.500 2.500h9v8l-3 3h-6zM9.500 13.200v-2.700h2.800M6 6h4M6 8.500h2.500" /></Icon>;
export const Pause = () => <Icon><path d="M5.500 3.500v9M10.500 3.500v9" stroke-width="2.200" /></Icon>;
export const Lag = () => <Icon><path d="M4 2.500h8M4 13.500h8M5 2.500c0 4 6 3 6 5.500s-6 1.500-6 5.500M11 2.500c0 4-6 3-6 5.500s6 1.500 6 5.500" stroke-width="1.300" /></Icon>;
export const Dropped = () => <Icon><path d="M2.500 8h3M10.500 8h3M7 5l2 6" /></Icon>;
export const Search = () => <Icon><circle cx="7" cy="7" r="4.300" /><path d="m10.300 10.300 3.200 3.200" /></Icon>;
export const Help = () => <Icon><path d="M5.500 5.800a2.500 2.500 0 1 1 3.600 2.200c-.8.400-1.100.9-1.100 1.700M8 12.300v.2" stroke-width="1.800" /></Icon>;
export const Bell = () => <Icon><path d="M4 11V7a4 4 0 0 1 8 0v4l1.200 1.300H2.800zM6.800 14.200h2.400" /></Icon>;
export const Speaker = ({ on }: { on: boolean }) => (
  <Icon><path d="M2.500 6v4H5l3.500 3V3L5 6z" />{on ? <path d="M11 5.500a3.500 3.500 0 0 1 0 5M12.800 3.700a6 6 0 0 1 0 8.600" /> : <path d="m11 6.200 3.500 3.600M14.500 6.200 11 9.800" />}</Icon>
);
export const Cup = () => <Icon><path d="M2.500 5.500h8V9a3.500 3.500 0 0 1-3.500 3.500H6A3.500 3.500 0 0 1 2.500 9zM10.500 6.500h1.200a1.800 1.800 0 0 1 0 3.600h-1.400M5 1.800v1.500M8 1.800v1.500" /></Icon>;
export const Eye = () => <Icon><path d="M1.500 8S4 3.800 8 3.800 14.500 8 14.500 8 12 12.200 8 12.200 1.500 8 1.500 8z" /><circle cx="8" cy="8" r="1.900" /></Icon>;
export const Ear = () => <Icon><path d="M3 6.500v3h2.500L9 12.500v-9L5.500 6.500zM11.500 5.500q1.800 2.500 0 5" /></Icon>;
export const Back = () => <Icon><path d="M9.500 3.500 5 8l4.500 4.500" /></Icon>;
export const Gear = () => <Icon><path d="M2.500 4.500h6M11.500 4.500h2M2.500 11.500h2M7.500 11.500h6" /><circle cx="10" cy="4.500" r="1.500" /><circle cx="6" cy="11.500" r="1.500" /></Icon>;
export const Turn = () => <Icon><path d="M2.500 11.500 6 5.500q2-3 4 0l3.500 6" /><path d="m10.600 10.800 2.900.7.700-2.900" /></Icon>;
export const Send = () => <Icon><path d="M2.500 8h10M8.500 4l4 4-4 4" /></Icon>;
export const Alert = () => <Icon><path d="M8 2.500 14.200 13H1.800zM8 6.500v3M8 11.200v.1" /></Icon>;
export const Person = () => <Icon><circle cx="8" cy="5.500" r="2.800" /><path d="M2.800 13.500c.6-3 2.600-4 5.200-4s4.600 1 5.200 4" /></Icon>;
export const Pin = () => <Icon><path d="M2.500 3h11v8.500h-11zM8 7h5.500v4.500H8z" /></Icon>;
export const Star = () => <Icon><path d="m8 2.300 1.700 3.600 3.900.5-2.900 2.700.8 3.900L8 11.100 4.500 13l.8-3.900-2.900-2.700 3.900-.5z" /></Icon>;
export const Cut = () => <Icon><path d="M6.500 4.500 5 3 2.500 5.500 4 7M9.500 11.500 11 13l2.500-2.500L12 9M6 8h4" /></Icon>;
export const Muted = () => <Icon><path d="M4 11V7a4 4 0 0 1 6.500-3.100M12 7v4l1.200 1.300H5M2.500 2.500l11 11" /></Icon>;

/** The wave that comes to rest. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 20" width="26" height="16" aria-hidden="true" focusable="false" fill="none">
    <path d="M2 10c3.400-10.500 6.800-10.500 10.200 0s6.600 10 8.800 1.600" stroke="currentColor" stroke-width="2.600" stroke-linecap="round" />
    <circle cx="27" cy="10" r="3.200" fill="currentColor" />
  </svg>
);
