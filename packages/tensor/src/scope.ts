import { synchronous } from './current.ts';
import { recordBirth, reportLeak } from './leaks.ts';
import type { SharedStorage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** Handles made since the innermost scope began; undefined outside every scope. */
let members: Tensor[] | undefined;

/** Frees the storage of a handle that was collected without having been disposed. */
const safetyNet = new FinalizationRegistry<SharedStorage>(free);

/** Frees what was collected without having been disposed. */
export function free(storage: SharedStorage): void {
  reportLeak(storage);
  storage.release();
}

/** Called for each new handle: the innermost scope owns it, or else the safety net watches it. */
export function adopt(tensor: Tensor, storage: SharedStorage): void {
  // The first handle on a storage names it; those made later share it.
  if (storage.exclusive) recordBirth(storage, tensor);
  if (members) members.push(tensor);
  else tensor.watch(safetyNet);
}

/**
 * Runs `f` and disposes every tensor made in it, except those it returns (a tensor, or tensors in arrays, maps, sets and plain objects), which pass to the
 * scope around it. If `f` throws, everything it made is disposed.
 * @throws BackendError if `f` returns a promise.
 */
export function scope<T>(f: () => T): T {
  const own: Tensor[] = [];
  let kept: ReadonlySet<Tensor> | Tensor | undefined;
  try {
    const result = within('scope', own, f);
    // Most scopes return a tensor.
    kept = result instanceof Tensor ? result : tensorsIn(result);
    return result;
  } finally {
    for (const tensor of own) {
      if (tensor !== kept && !(kept instanceof Set && kept.has(tensor))) tensor.dispose();
      else if (members) members.push(tensor);
      else tensor.watch(safetyNet);
    }
  }
}

/**
 * Runs `f` outside every scope: the tensors it makes live until they are disposed.
 * @throws BackendError if `f` returns a promise.
 */
export function outsideScopes<T>(f: () => T): T {
  return within('outsideScopes', undefined, f);
}

/** Keeps tensors for longer than the scopes around them. Whoever makes one releases it: no finaliser watches over what it keeps. */
export class Keeper {
  readonly #kept: Tensor[] = [];

  /**
   * Runs `f`; the tensors it makes live until they are disposed, or until {@link release}.
   * @throws BackendError if `f` returns a promise.
   */
  keep<T>(f: () => T): T {
    return within('keep', this.#kept, f);
  }

  /** Disposes all that is still kept. */
  release(): void {
    for (const tensor of this.#kept) tensor.dispose();
    this.#kept.length = 0;
  }
}

function within<T>(caller: string, own: Tensor[] | undefined, f: () => T): T {
  const outer = members;
  members = own;
  try {
    return synchronous(caller, f());
  } finally {
    members = outer;
  }
}

function tensorsIn(value: unknown, found: Set<Tensor> = new Set<Tensor>(), above?: Set<object>): Set<Tensor> {
  if (value instanceof Tensor) return found.add(value);
  if (typeof value !== 'object' || value === null || above?.has(value) || ArrayBuffer.isView(value)) return found;
  const seen = (above ?? new Set<object>()).add(value);
  if (value instanceof Map) for (const item of value.values()) tensorsIn(item, found, seen);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) tensorsIn(item, found, seen);
  else if (isPlain(value)) for (const item of Object.values(value)) tensorsIn(item, found, seen);
  return found;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
