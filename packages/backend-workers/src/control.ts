// How the threads of a pool agree on who computes what: a few words that all of them share. The caller opens a turn, one phase of a program, for others to
// join. Each thread has a share of the chunks, the same part of every phase, so that it finds in its cache what it computed in the one before; who is done with his own claims what is left
// of the others'. When there is nothing left to claim, the caller closes the turn, and waits for those that are still at work. Whoever comes late finds the turn closed and the chunks done,
// so that nobody is waited for who has not begun.

import { Pace } from './pace.ts';
import {
  ARGS,
  COST,
  CROWDED,
  KERNEL,
  SCRATCH,
  SHARES,
  STRIDE,
  TURN,
  WAITING,
  chunkOf,
  claimsOf,
  faultOf,
  stateOf,
  threadsOf,
} from './words.ts';

/** What a thread may be: not in a turn, in one, asleep until the next, not taken in yet, so that nobody would wait for it, or in reserve, asleep until there is a crowd. */
const IDLE = 0;
const BUSY = 1;
export const ASLEEP = 2;
const OUTSIDE = 3;
export const RESERVED = 4;
/** Beyond any number of chunks. */
const NONE_LEFT = 2 ** 30;

/** Computes chunk number `chunk` of the work that the words at address `args` describe. */
export type Compute = (args: number, chunk: number, scratch: number) => void;

/** One phase of a program, as a turn. */
export interface Turn {
  /** Number of the kernel among the module's exports. */
  readonly kernel: number;
  readonly args: number;
  readonly chunks: number;
  readonly scratch: number;
  readonly stride: number;
  /** How many milliseconds a chunk is thought to take; 0 if nobody knows. */
  readonly cost: number;
}

/** Makes a place ready for a thread, whatever state the last one left it in. */
export function vacate(control: Int32Array, member: number): void {
  Atomics.store(control, stateOf(member), OUTSIDE);
  Atomics.store(control, faultOf(member), 0);
}

/** Lets a thread that serves take part from the next turn on: from now on it is waited for. */
export function admit(control: Int32Array, member: number): void {
  Atomics.store(control, stateOf(member), IDLE);
  Atomics.notify(control, stateOf(member));
}

/** Opens a turn: chunks from number `first` on are there to be claimed. */
export function open(control: Int32Array, { kernel, args, chunks, scratch, stride, cost }: Turn, first: number): void {
  control[KERNEL] = kernel;
  control[ARGS] = args;
  control[SCRATCH] = scratch;
  control[STRIDE] = stride;
  control[COST] = Math.ceil(cost * 1000);
  const threads = threadsOf(control);
  const shares = control[SHARES]!;
  let begin = first;
  for (let member = 0; member < threads; member++) {
    const end = member < shares ? first + Math.round(((member + 1) * (chunks - first)) / shares) : begin;
    const claims = claimsOf(member);
    control[claims + 1] = begin;
    control[claims + 2] = end - begin;
    Atomics.store(control, claims, 0);
    begin = end;
  }
  Atomics.add(control, TURN, 1);
}

/** Closes the turn to those who have not joined it. */
export function close(control: Int32Array): void {
  Atomics.add(control, TURN, 1);
}

/** Leaves no chunk to claim, for the others' sake, after one has failed. */
export function abandon(control: Int32Array): void {
  for (let member = 0; member < threadsOf(control); member++) Atomics.store(control, claimsOf(member), NONE_LEFT);
}

/** How many milliseconds a thread computes for one look at the clock, unless a chunk takes longer. */
const GRAIN = 0.1;

/** Claims chunks and computes them until none is left, or it is time for a nap and `nap` says that the turn is over after it; says how many it were. */
export function share(
  control: Int32Array,
  member: number,
  compute: Compute,
  { args, scratch, stride, cost }: Omit<Turn, 'kernel' | 'chunks'>,
  pace: Pace,
  nap: () => boolean,
): number {
  const own = scratch + stride * member;
  const threads = threadsOf(control);
  // Who does not know what a chunk takes cannot tell whether it took too long.
  const most = cost > 0 ? Math.ceil(GRAIN / cost) : 1;
  const expected = cost > 0 ? most * cost : Infinity;
  let done = 0;
  for (let i = 0; i < threads; i++) {
    const claims = claimsOf((member + i) % threads);
    const [begin, count] = [control[claims + 1]!, control[claims + 2]!];
    for (let claim = Atomics.add(control, claims, 1); claim < count; claim = Atomics.add(control, claims, 1)) {
      control[chunkOf(member)] = begin + claim;
      compute(args, begin + claim, own);
      if (++done % most > 0) continue;
      pace.go(expected);
      if (pace.isOver && !nap()) return done;
    }
  }
  return done;
}

/** How a thread serves. */
export interface Service {
  readonly member: number;
  /** Whether it only serves while there is a crowd. */
  readonly reserve: boolean;
  /** For how many milliseconds it looks for the next turn before it sleeps. */
  readonly spin: number;
  /** For how many milliseconds it computes between two naps while there is a crowd. */
  readonly stint: number;
}

/** Lets a thread compute in every turn that it comes in time for. Never returns. */
export function serve(kernels: readonly Compute[], control: Int32Array, service: Service): never {
  const { member } = service;
  const state = stateOf(member);
  const pace = new Pace(control, service.stint);
  while (Atomics.load(control, state) === OUTSIDE) Atomics.wait(control, state, OUTSIDE);
  // A thread that takes another's place finds the turn that the other had, and waits for the one after.
  let turn = Atomics.load(control, TURN);
  // Looked at again: if it is still open, the caller sees that this thread is busy before it goes on to the next.
  const join = (): boolean => {
    Atomics.store(control, state, BUSY);
    return Atomics.load(control, TURN) === turn;
  };
  const leave = (): void => {
    Atomics.store(control, state, IDLE);
    if (Atomics.load(control, WAITING) === 1) Atomics.notify(control, state);
  };
  // Nobody waits for who takes a nap.
  const nap = (): boolean => (leave(), pace.nap(), join());
  for (;;) {
    turn = change(control, turn, pace, service);
    if (turn % 2 === 0) continue;
    if (join()) {
      const work = {
        args: control[ARGS]!,
        scratch: control[SCRATCH]!,
        stride: control[STRIDE]!,
        cost: control[COST]! / 1000,
      };
      try {
        share(control, member, kernels[control[KERNEL]!]!, work, pace, nap);
      } catch {
        abandon(control);
        Atomics.store(control, faultOf(member), 1);
      }
    }
    leave();
  }
}

/** How often the turn is looked at for one look at the clock. */
const LOOKS = 64;
/** For how many milliseconds a thread looks for the next turn while there is a crowd: somebody else can use its processor. */
const GLANCE = 0.02;

/** Waits until the turn is no longer `seen`, or longer. */
function change(control: Int32Array, seen: number, pace: Pace, { member, reserve, spin }: Service): number {
  const state = stateOf(member);
  const isCrowded = Atomics.load(control, CROWDED) === 1;
  if (reserve && !isCrowded) {
    Atomics.store(control, state, RESERVED);
    Atomics.wait(control, CROWDED, 0);
  } else {
    for (let now = pace.go(0), until = now + (isCrowded ? GLANCE : spin); now < until; now = pace.go(0)) {
      for (let i = 0; i < LOOKS; i++) {
        const turn = Atomics.load(control, TURN);
        if (turn !== seen) return turn;
      }
    }
    Atomics.store(control, state, ASLEEP);
    Atomics.wait(control, TURN, seen);
  }
  pace.rested();
  Atomics.store(control, state, IDLE);
  return Atomics.load(control, TURN);
}

/** Wakes as many sleeping threads as there are chunks for. */
export function wake(control: Int32Array, chunks: number): void {
  Atomics.notify(control, TURN, chunks);
}

/** Most milliseconds that count between two looks at a busy thread: in longer ones the caller did not run either, as where its process was stopped or the machine asleep. */
const SLICE = 100;

/**
 * Waits until thread number `member` is not busy, for `patience` milliseconds at most; says how many of them are left, fewer than none if it still is busy. `spin` is for how many milliseconds it
 * looks before it sleeps; a page's own thread must not sleep: it looks for ever.
 */
export function settle(control: Int32Array, member: number, spin: number, patience: number): number {
  const state = stateOf(member);
  const start = performance.now();
  for (let now = start; Atomics.load(control, state) === BUSY;) {
    if (patience < 0) return patience;
    if (now - start < spin) {
      for (let i = 0; i < LOOKS; i++) if (Atomics.load(control, state) !== BUSY) return patience;
    } else {
      Atomics.store(control, WAITING, 1);
      Atomics.wait(control, state, BUSY, Math.min(patience, SLICE));
      Atomics.store(control, WAITING, 0);
    }
    const before = now;
    now = performance.now();
    patience -= Math.min(now - before, SLICE);
  }
  return Math.max(patience, 0);
}
