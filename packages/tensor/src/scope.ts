import { synchronous } from './current.ts';
import { formatShape } from './errors.ts';
import type { SharedStorage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** Handles made since the innermost scope began; undefined outside every scope. */
let members: Tensor[] | undefined;

/** Where live tensors were made, kept only while tracking is on. */
let births: Map<SharedStorage, { count: number; description: string }> | undefined;

/** Frees the storage of a handle that was collected without having been disposed. */
const safetyNet = new FinalizationRegistry<SharedStorage>((storage) => {
  const birth = births?.get(storage);
  if (birth) console.warn(`A tensor was collected without having been disposed: ${birth.description}`);
  forget(storage);
  storage.release();
});

/** Called for each new handle: the innermost scope owns it, or else the safety net watches it. */
export function adopt(tensor: Tensor, storage: SharedStorage): void {
  if (births) {
    const birth = births.get(storage);
    if (birth) birth.count++;
    else
      births.set(storage, { count: 1, description: `${tensor.dtype} ${formatShape(tensor.shape)} made ${callSite()}` });
  }
  if (members) members.push(tensor);
  else safetyNet.register(tensor, storage, tensor);
}

/** Called when a handle is disposed. */
export function abandon(tensor: Tensor, storage: SharedStorage): void {
  safetyNet.unregister(tensor);
  forget(storage);
}

function forget(storage: SharedStorage): void {
  const birth = births?.get(storage);
  if (birth && --birth.count === 0) births?.delete(storage);
}

function callSite(): string {
  // The first frames are this file, the constructor and the dispatch; the caller who made the tensor is the first frame outside this package.
  const frames = new Error().stack?.split('\n').slice(4) ?? [];
  return frames
    .slice(0, 8)
    .map((frame) => frame.trim())
    .join(' < ');
}

/**
 * Runs `f` and disposes every tensor made in it, except those it returns (a tensor, or tensors in arrays, maps and plain objects), which pass to the
 * scope around it. If `f` throws, everything it made is disposed.
 * @throws BackendError if `f` returns a promise.
 */
export function scope<T>(f: () => T): T {
  return run([], f);
}

/** Runs `f` outside every scope: the tensors it makes live until they are disposed. */
export function outsideScopes<T>(f: () => T): T {
  return run(undefined, f);
}

function run<T>(own: Tensor[] | undefined, f: () => T): T {
  const outer = members;
  members = own;
  let kept: Set<Tensor> | undefined;
  try {
    const result = synchronous('scope', f());
    if (own) kept = tensorsIn(result);
    return result;
  } finally {
    members = outer;
    for (const tensor of own ?? []) {
      if (!kept?.has(tensor)) tensor.dispose();
      else if (outer) outer.push(tensor);
      else tensor.watch(safetyNet);
    }
  }
}

function tensorsIn(
  value: unknown,
  found: Set<Tensor> = new Set<Tensor>(),
  seen: Set<object> = new Set<object>(),
): Set<Tensor> {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return found;
  seen.add(value);
  if (value instanceof Tensor) found.add(value);
  else if (value instanceof Map) for (const item of value.values()) tensorsIn(item, found, seen);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) tensorsIn(item, found, seen);
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) tensorsIn(item, found, seen);
  return found;
}

/**
 * Turns leak tracking on or off. While it is on, {@link liveTensors} names where each live tensor was made, and a tensor that is collected without having
 * been disposed is reported on the console. It costs a stack trace for every tensor.
 */
export function trackLeaks(on: boolean): void {
  births = on ? new Map() : undefined;
}

/** One line for each tensor storage made since tracking began and still held: type, shape and where it was made. Empty while tracking is off. */
export function liveTensors(): string[] {
  return [...(births?.values() ?? [])].map((birth) => birth.description);
}
