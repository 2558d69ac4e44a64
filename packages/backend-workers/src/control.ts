// How the threads of a pool agree on who computes what: a few words that all of them share. The caller opens a turn, one phase of a program, for others to
// join. Each thread has a share of the chunks, the same part of every phase, so that it finds in its cache what it computed in the one before; who is done with his own claims what is left
// of the others'. When there is nothing left to claim, the caller closes the turn, and waits for those that are still at work. Whoever comes late finds the turn closed and the chunks done,
// so that nobody is waited for who has not begun.

/** Words between two that different threads write: a cache line. */
const LINE = 16;

/** Number of the turn: odd while it is open. Threads that have nothing to do wait for it to change. */
const TURN = 0;
/** Whether the caller sleeps until somebody is done. */
const WAITING = LINE;
/** What the open turn is about; written while it is closed. */
const [KERNEL, ARGS, SCRATCH, STRIDE] = [2 * LINE, 2 * LINE + 1, 2 * LINE + 2, 2 * LINE + 3];
/** Lines before those of the threads, and how many each has: for its state, and for its share. */
const [COMMON, OWN] = [3, 2];

/** What a thread may be: not in a turn, in one, asleep, or not taken in yet: nobody would wait for it. */
const IDLE = 0;
const BUSY = 1;
export const ASLEEP = 2;
const OUTSIDE = 3;
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
}

/** The words for so many threads: the caller is number 0. */
export function controlFor(threads: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer((COMMON + OWN * threads) * LINE * Int32Array.BYTES_PER_ELEMENT));
}

/** The word that says what thread number `member` is doing. */
export const stateOf = (member: number): number => (COMMON + OWN * member) * LINE;

/** The word that says which chunk thread number `member` has claimed. */
export const chunkOf = (member: number): number => stateOf(member) + 1;

/** The word that is 1 once a kernel has failed in thread number `member`. */
export const faultOf = (member: number): number => stateOf(member) + 2;

/** The word that says how many chunks of the share of thread number `member` have been claimed, or more; after it, the first one and how many there are. */
export const claimsOf = (member: number): number => stateOf(member) + LINE;

const threadsOf = (control: Int32Array): number => (control.length / LINE - COMMON) / OWN;

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
export function open(control: Int32Array, { kernel, args, chunks, scratch, stride }: Turn, first: number): void {
  control[KERNEL] = kernel;
  control[ARGS] = args;
  control[SCRATCH] = scratch;
  control[STRIDE] = stride;
  const threads = threadsOf(control);
  let begin = first;
  for (let member = 0; member < threads; member++) {
    const end = first + Math.round(((member + 1) * (chunks - first)) / threads);
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

/** Claims chunks and computes them until none is left; says how many it were. */
export function share(
  control: Int32Array,
  member: number,
  compute: Compute,
  { args, scratch, stride }: Pick<Turn, 'args' | 'scratch' | 'stride'>,
): number {
  const own = scratch + stride * member;
  const threads = threadsOf(control);
  let done = 0;
  for (let i = 0; i < threads; i++) {
    const claims = claimsOf((member + i) % threads);
    const [begin, count] = [control[claims + 1]!, control[claims + 2]!];
    for (let claim = Atomics.add(control, claims, 1); claim < count; claim = Atomics.add(control, claims, 1)) {
      control[chunkOf(member)] = begin + claim;
      compute(args, begin + claim, own);
      done++;
    }
  }
  return done;
}

/** Lets a thread compute in every turn that it comes in time for. Never returns. `spin` is for how many milliseconds it looks for the next turn before it sleeps. */
export function serve(kernels: readonly Compute[], control: Int32Array, member: number, spin: number): never {
  const state = stateOf(member);
  while (Atomics.load(control, state) === OUTSIDE) Atomics.wait(control, state, OUTSIDE);
  // A thread that takes another's place finds the turn that the other had, and waits for the one after.
  for (let seen = Atomics.load(control, TURN); ;) {
    const turn = change(control, state, seen, spin);
    seen = turn;
    if (turn % 2 === 0) continue;
    Atomics.store(control, state, BUSY);
    // Looked at again: if it is still open, the caller sees that this thread is busy before it goes on to the next.
    if (Atomics.load(control, TURN) === turn) {
      try {
        share(control, member, kernels[control[KERNEL]!]!, {
          args: control[ARGS]!,
          scratch: control[SCRATCH]!,
          stride: control[STRIDE]!,
        });
      } catch {
        abandon(control);
        Atomics.store(control, faultOf(member), 1);
      }
    }
    Atomics.store(control, state, IDLE);
    if (Atomics.load(control, WAITING) === 1) Atomics.notify(control, state);
  }
}

/** How often the turn is looked at for one look at the clock. */
const LOOKS = 64;

/** Waits until the turn is no longer `seen`. */
function change(control: Int32Array, state: number, seen: number, spin: number): number {
  for (let until = performance.now() + spin; performance.now() < until;) {
    for (let i = 0; i < LOOKS; i++) {
      const turn = Atomics.load(control, TURN);
      if (turn !== seen) return turn;
    }
  }
  Atomics.store(control, state, ASLEEP);
  Atomics.wait(control, TURN, seen);
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
