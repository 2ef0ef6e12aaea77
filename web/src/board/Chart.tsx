/** The level over the call, with its bands, alerts, whispers, holds and turning points. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { alertName, bandName, clock, useWords } from "../lib/i18n";
import { Alert, Turn, Whisper } from "../lib/icons";
import { memo } from "../lib/memo";
import type { AlertKind } from "../wire";
import { BANDS, BAND_FROM, turningPoints } from "./model";
import type { Marker, Story } from "./story";

/** In units of the root's type size, which grows on large screens; the height is the style sheet's. */
const PAD_REM = { top: 1.25, right: 4.9, bottom: 1.15, left: 1.8 };

/** A call begins with room for two minutes, so that the curve does not shrink at each word. */
const SPAN_MIN_MS = 120_000;

interface Props {
  /** Whether all there is has been fetched. */
  ready: boolean;
  story: Story;
  now: number;
  level: number;
  ended: boolean;
  me: string;
  onGo(line: string): void;
}

export const Chart = memo(function Chart({ ready, story, now, level, ended, me, onGo }: Props) {
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height, rem }, setSize] = useState({ width: 0, height: 0, rem: 16 });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize({ width: Math.round(width), height: Math.round(height), rem: parseFloat(getComputedStyle(document.documentElement).fontSize) });
    });
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const pad = { top: PAD_REM.top * rem, right: PAD_REM.right * rem, bottom: PAD_REM.bottom * rem, left: PAD_REM.left * rem };
  const { points } = story;
  const last = points.at(-1);
  const end = Math.max(ended ? 1_000 : SPAN_MIN_MS, now, last?.t_ms ?? 0);
  const inner = Math.max(0, width - pad.left - pad.right);
  const x = (tMs: number) => pad.left + (Math.min(tMs, end) / end) * inner;
  const y = (value: number) => pad.top + (1 - value / 100) * (height - pad.top - pad.bottom);
  const line = points.map(({ t_ms, level }) => `${x(t_ms).toFixed(1)},${y(level).toFixed(1)}`).join(" ");
  const turns = turningPoints(points);
  const signs: Marker[] = [...story.markers, ...turns.map(({ tMs }): Marker => ({ id: lineNear(story, tMs), tMs, kind: "turn", name: "" }))];
  const placed = spread(signs, x, 1.625 * rem, pad.left + inner);
  const peak = points.reduce((best, point) => (point.level > best.level ? point : best), { level: 0, t_ms: 0 });
  const step = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600].map((s) => s * 1_000).find((ms) => end / ms <= Math.max(2, inner / (5.6 * rem))) ?? 7_200_000;
  const ticks = Array.from({ length: Math.floor(end / step) }, (_, at) => (at + 1) * step);
  return (
    <figure class="chart" aria-label={words.course}>
      <div class="chart-box" ref={box}>
        {width > 0 && (
          <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
            {BANDS.map((band) => {
              const top = y(BAND_FROM[BANDS[BANDS.indexOf(band) + 1] ?? "calm"] || 100);
              return (
                <g key={band}>
                  <rect class={`chart-zone chart-zone-${band}`} x={pad.left} y={top} width={inner} height={y(BAND_FROM[band]) - top} />
                  <text class="chart-band" x={pad.left + inner + rem / 2} y={(top + y(BAND_FROM[band])) / 2} dominant-baseline="central">
                    {bandName(words, band)}
                  </text>
                  {band !== "calm" && (
                    <text class="chart-tick" x={pad.left - 6} y={y(BAND_FROM[band])} text-anchor="end" dominant-baseline="central">
                      {BAND_FROM[band]}
                    </text>
                  )}
                </g>
              );
            })}
            {story.holds.map(([from, to]) => (
              <rect key={from} class="chart-hold" x={x(from)} y={pad.top} width={Math.max(1, x(to ?? now) - x(from))} height={height - pad.top - pad.bottom} />
            ))}
            {ticks.map((tMs) => (
              <text key={tMs} class="chart-tick" x={x(tMs)} y={height - 5} text-anchor="middle">
                {clock(tMs)}
              </text>
            ))}
            <line class="chart-axis" x1={pad.left} x2={pad.left + inner} y1={y(0)} y2={y(0)} />
            {story.markers.map((marker) => (
              <line key={marker.id} class={`chart-stem chart-stem-${marker.kind}`} x1={x(marker.tMs)} x2={x(marker.tMs)} y1={pad.top} y2={y(0)} />
            ))}
            <polyline class="chart-line" points={line} />
            {last && !ended && now > last.t_ms && <line class="chart-since" x1={x(last.t_ms)} x2={x(now)} y1={y(last.level)} y2={y(last.level)} />}
            {last && <circle class="chart-now" cx={x(last.t_ms)} cy={y(last.level)} r={rem * 0.22} />}
            {turns.map(({ tMs, level }) => (
              <circle key={tMs} class="chart-turn" cx={x(tMs)} cy={y(level)} r={rem * 0.28} />
            ))}
          </svg>
        )}
        {width > 0 && (
          <>
            {placed.map(({ marker, left }) => {
              const at = clock(marker.tMs);
              const name = marker.kind === "alert" ? words.alertAt(alertName(words, marker.name as AlertKind), at) : marker.kind === "whisper" ? (marker.name === me ? words.whisperAt(at) : words.whisperByAt(marker.name, at)) : words.turningPointAt(at);
              return (
                <button key={`${marker.kind} ${marker.id}`} type="button" class={`chart-marker chart-marker-${marker.kind}`} style={{ left: `${left}px` }} title={name} aria-label={name} onClick={() => onGo(marker.id)}>
                  {marker.kind === "alert" ? <Alert /> : marker.kind === "whisper" ? <Whisper /> : <Turn />}
                </button>
              );
            })}
          </>
        )}
        {ready && points.length === 0 && <p class="chart-empty">{words.courseEmpty}</p>}
      </div>
      <figcaption class="hidden">{points.length > 0 ? words.courseSummary(level, peak.level, clock(peak.t_ms)) : words.courseEmpty}</figcaption>
    </figure>
  );
});

/** Signs beside each other, so that each can be hit: those too close go to the right, and where all is full only the
 *  first of a crowd stays. */
function spread(signs: Marker[], x: (tMs: number) => number, room: number, end: number): { marker: Marker; left: number }[] {
  const placed: { marker: Marker; left: number }[] = [];
  for (const marker of [...signs].sort((a, b) => a.tMs - b.tMs)) {
    const left = Math.max(x(marker.tMs), (placed.at(-1)?.left ?? -room) + room);
    if (left - x(marker.tMs) < 2 * room && left <= end + room) placed.push({ marker, left });
  }
  return placed;
}

function lineNear(story: Story, tMs: number): string {
  return story.lines.findLast((line) => line.kind === "utterance" && line.tMs <= tMs)?.id ?? "";
}
