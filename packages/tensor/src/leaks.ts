import { formatShape } from './errors.ts';
import type { SharedStorage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** What is held and where it was made, kept only while tracking is on. */
let births: Map<SharedStorage, string> | undefined;

/**
 * Turns leak tracking on or off. While it is on, {@link liveTensors} names where each live tensor was made, and a tensor that is collected without having
 * been disposed is reported on the console. It costs a stack trace for every tensor.
 */
export function trackLeaks(on: boolean): void {
  births = on ? new Map() : undefined;
}

/**
 * One line for each tensor storage made since tracking began and still held: type, shape and where it was made, the caller of this package first. Empty
 * while tracking is off.
 */
export function liveTensors(): string[] {
  return [...(births?.values() ?? [])];
}

/** Notes where a storage was made, and for which tensor. */
export function recordBirth(storage: SharedStorage, { dtype, shape }: Tensor): void {
  births?.set(storage, `${dtype} ${formatShape(shape)}, made ${callSite()}`);
}

/** Forgets a storage that was freed. */
export function recordDeath(storage: SharedStorage): void {
  births?.delete(storage);
}

/** Tells of a tensor that was collected without having been disposed. */
export function reportLeak(storage: SharedStorage): void {
  const birth = births?.get(storage);
  if (birth) console.warn(`A tensor was collected without having been disposed: ${birth}`);
}

/** The innermost frames outside this package. */
function callSite(): string {
  // V8 keeps ten frames unless told otherwise, and an op may lie deeper than that.
  const v8 = Error as { stackTraceLimit?: number | undefined };
  const limit = v8.stackTraceLimit;
  v8.stackTraceLimit = Infinity;
  const frames = (new Error().stack ?? '').split('\n').filter((line) => /:\d+:\d+\)?$/.test(line));
  v8.stackTraceLimit = limit;
  const own = /[(@](.*[\\/])/.exec(frames[0] ?? '')?.[1];
  const others = own === undefined ? [] : frames.filter((frame) => !frame.includes(own));
  // In a bundle all code lies in one folder, and nothing tells ours from the caller's.
  return (others.length > 0 ? others : frames)
    .slice(0, 4)
    .map((frame) => frame.trim())
    .join(' < ');
}
