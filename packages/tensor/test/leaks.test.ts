import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { reference } from '@receptive/backend/reference';
import { Parameter, add, liveTensors, scope, setBackend, sgdStep, tensor, trackLeaks } from '@receptive/tensor';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
  trackLeaks(true);
});
afterEach(() => trackLeaks(false));

const plain = { lr: 1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

/** Runs the collector until `done`: finalisers come some turns of the event loop later. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50 && !done(); turn++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Makes a tensor that nobody disposes; a function of its own, so that no register of the caller still refers to it. */
function forget(): void {
  tensor([1, 2, 3]);
}

test('a tensor that is forgotten outside every scope is freed when it is collected', async () => {
  trackLeaks(false);
  forget();
  expect(backend.memory().storages).toBe(1);
  await collectUntil(() => backend.memory().storages === 0);
  expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
});

test('a tensor that leaves the outermost scope and is forgotten is freed as well', async () => {
  trackLeaks(false);
  (() => scope(() => scope(() => tensor([1, 2, 3]))))();
  expect(backend.memory().storages).toBe(1);
  await collectUntil(() => backend.memory().storages === 0);
  expect(backend.memory().storages).toBe(0);
});

test('a disposed tensor is not freed again when it is collected', async () => {
  trackLeaks(false);
  const free = vi.spyOn(backend, 'free');
  (() => tensor([1, 2, 3]).dispose())();
  // Once a witness that was forgotten later is gone, the first one's turn has passed.
  forget();
  await collectUntil(() => backend.memory().storages === 0);
  expect(free).toHaveBeenCalledTimes(2);
});

/** A parameter of a value that a step has replaced. */
function trained(): Parameter {
  const w = new Parameter([2], () => tensor([1, 2]));
  scope(() => sgdStep(w, tensor([1, 1]), undefined, plain));
  return w;
}

test("a variable that is forgotten takes its value with it, unless somebody has the value's handle", async () => {
  trackLeaks(false);
  const value = (() => trained().value)();
  (() => void trained())();
  await collectUntil(() => backend.memory().storages === 1);
  expect(value.dataSync()).toEqual(Float32Array.of(0, 1));
  expect(backend.memory().storages).toBe(1);
});

test('what a variable no longer holds is not freed again when it is collected', async () => {
  trackLeaks(false);
  const free = vi.spyOn(backend, 'free');
  (() => trained().value.dispose())();
  (() => trained().dispose())();
  forget();
  await collectUntil(() => backend.memory().storages === 0);
  // The values of the variables, the gradients, and the witness.
  expect(free).toHaveBeenCalledTimes(5);
});

test('a forgotten clone does not take the storage from the handle that is left', async () => {
  const kept = tensor([1, 2]);
  (() => void kept.clone())();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  await collectUntil(() => warn.mock.calls.length > 0);
  expect(kept.dataSync()).toEqual(Float32Array.of(1, 2));
  warn.mockRestore();
});

test('while tracking is on, a collected tensor is reported with the place where it was made', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  forget();
  await collectUntil(() => warn.mock.calls.length > 0);
  expect(warn.mock.calls[0]?.[0]).toMatch(
    /without having been disposed: float32 \[3\], made at forget \(.*leaks\.test\.ts/,
  );
  warn.mockRestore();
});

test('a live tensor is named with its type, its shape and first of all the line that made it', () => {
  const x = tensor([[1, 2]]);
  function userCode(): void {
    // Deep inside the package: a method, an op, the dispatch, a lambda of a library function.
    x.mean();
  }
  userCode();
  const lines = liveTensors();
  expect(lines[0]).toMatch(/^float32 \[1, 2\], made at .*leaks\.test\.ts:\d+:\d+/);
  expect(lines.at(-1)).toMatch(/^float32 \[\], made at userCode \(.*leaks\.test\.ts:\d+:\d+\) < .*leaks\.test\.ts/);
  expect(lines.join()).not.toContain('/src/');
});

test('a storage is live as long as any handle on it, and counts once', () => {
  const x = tensor([1, 2]);
  const view = x.reshape(2, 1);
  const copy = view.clone();
  expect(liveTensors()).toHaveLength(1);
  x.dispose();
  view.dispose();
  expect(liveTensors()).toHaveLength(1);
  copy.dispose();
  expect(liveTensors()).toEqual([]);
});

test('what was made before tracking began is not listed, whatever handles are made and disposed later', () => {
  trackLeaks(false);
  const old = tensor([1]);
  expect(liveTensors()).toEqual([]);
  trackLeaks(true);
  const copy = old.clone();
  const sum = add(old, copy);
  expect(liveTensors()).toHaveLength(1);
  old.dispose();
  sum.dispose();
  expect(liveTensors()).toEqual([]);
  expect(copy.dataSync()).toEqual(Float32Array.of(1));
});
