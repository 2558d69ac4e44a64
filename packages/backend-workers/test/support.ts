import { readFileSync } from 'node:fs';
import type { Backend, Operand } from '@receptive/backend';
import type { KernelTable, LinearOptions, Means } from '@receptive/kernels';
import { linearBackend } from '@receptive/kernels';
import { source } from '../src/generated/worker.ts';
import { ASLEEP, RESERVED } from '../src/control.ts';
import { host } from '../src/node/host.ts';
import type { PoolPlan } from '../src/pool.ts';
import { Pool } from '../src/pool.ts';
import type { Host, Thread } from '../src/thread.ts';
import { CROWDED, TURN, claimsOf, stateOf } from '../src/words.ts';

/** What a thread does with its next chunk: computes for ever, ends, throws, waits until it is told to go and then computes it and never ends, or throws, or takes some time. */
const troubles = ['none', 'loop', 'exit', 'fail', 'late', 'failLate', 'slow'] as const;
export type Trouble = (typeof troubles)[number];
const isForEver: ReadonlySet<Trouble> = new Set(['loop', 'exit', 'late', 'failLate']);

// Numbers of the words that a test shares with its threads; trouble.js has the same ones.
/** What the next thread to claim a chunk does; whether one does. */
const [TROUBLE, TAKEN] = [0, 1];
/** That it may go on; that it has computed its chunk. */
const [GO, DONE] = [2, 3];
/** How many chunks threads have begun; for how many microseconds they wait at most before each. */
const [CHUNKS, DELAY] = [4, 5];
/** How many times ten milliseconds a slow chunk takes. */
const SLOW = 6;
/** For how many microseconds a thread waits at most before it says what it does. */
const HESITATION = 7;

const trouble = readFileSync(new URL('trouble.js', import.meta.url), 'utf8');
const script = `data:text/javascript,${encodeURIComponent(trouble + source)}`;

/** For how many milliseconds the caller waits for company, before it computes a chunk alone. */
const COMPANY = 5;
/** For how many milliseconds threads look for work before they sleep. */
const SPIN = 0.2;
/** Seconds of patience with threads that never finish, and with such as do. */
export const [SHORT, LONG] = [0.05, 20];

/** A thread as a test sees it. */
export interface Watched extends Thread {
  readonly member: number;
  /** Whether its exit is known. */
  isOver: boolean;
}

/** What a {@link Rig} is to be like. */
export interface RigOptions extends LinearOptions {
  /** Three unless told. */
  readonly threads?: number;
  /** How many there are in reserve; none unless told. */
  readonly reserve?: number;
  /** Milliseconds between two naps of a thread in a crowd. */
  readonly stint?: number;
  /** Whether threads that are to end do so; else when the test calls {@link Rig.end}. */
  readonly ends?: boolean;
  /** Whether the caller waits for company before it computes a chunk; it does unless told. */
  readonly sociable?: boolean;
}

/** A backend that shares every phase of several chunks, the threads of which a test sees and gets into trouble. */
export class Rig {
  readonly words = new Int32Array(new SharedArrayBuffer(64));
  /** All there have ever been. */
  readonly threads: Watched[] = [];
  readonly host: Host = { ...host, spawn: (job) => this.#spawn(job) };
  /** Seconds that a chunk may take. */
  patience = LONG;
  readonly #ends: boolean;
  #control: Int32Array = new Int32Array(CROWDED + 1);
  #mayStart = true;
  #areShort = false;
  #interruption: (() => void) | undefined;
  readonly #due: (() => void)[] = [];

  private constructor({ ends = true }: RigOptions) {
    this.#ends = ends;
  }

  static async start(options: RigOptions = {}): Promise<{ rig: Rig; backend: Backend }> {
    const rig = new Rig(options);
    const plan: PoolPlan = {
      threads: options.threads ?? 3,
      reserve: options.reserve ?? 0,
      spin: SPIN,
      ...(options.stint !== undefined && { stint: options.stint }),
      get patience() {
        return rig.patience;
      },
      worth: { sharing: 0, waking: 0 },
    };
    const hire = (means: Means): Promise<Pool> =>
      Pool.start(
        options.sociable === false ? means : { ...means, kernels: rig.#sociable(means.kernels) },
        rig.host,
        plan,
      );
    return { rig, backend: await linearBackend('workers', options, { shared: true, hire }) };
  }

  /** Those that have not ended, as far as is known. */
  get alive(): readonly Watched[] {
    return this.threads.filter(({ isOver }) => !isOver);
  }

  /** How many chunks the threads have begun. */
  get chunks(): number {
    return Atomics.load(this.words, CHUNKS);
  }

  /** How many chunks of the turn have been claimed, or more. */
  get #claimed(): number {
    let claimed = 0;
    for (let member = 0; claimsOf(member) < this.#control.length; member++)
      claimed += Atomics.load(this.#control, claimsOf(member));
    return claimed;
  }

  /** How many turns there have been. */
  get turns(): number {
    return Atomics.load(this.#control, TURN) >>> 1;
  }

  /** Whether other programs are thought to compete for the processors. */
  get isCrowded(): boolean {
    return Atomics.load(this.#control, CROWDED) === 1;
  }

  /** From now on they are, whatever the caller sees. */
  crowd(): void {
    Atomics.store(this.#control, CROWDED, 1);
    Atomics.notify(this.#control, CROWDED);
  }

  /** Lets threads wait before each chunk, for so many microseconds at most. */
  delay(microseconds: number): void {
    Atomics.store(this.words, DELAY, microseconds);
  }

  /** Lets threads wait before they say what they do, for so many microseconds at most. */
  hesitate(microseconds: number): void {
    Atomics.store(this.words, HESITATION, microseconds);
  }

  /** Waits until all threads sleep: then none of them misses the next turn, as one that has just come might. */
  rest(): void {
    const until = performance.now() + 1000;
    const isAwake = ({ member }: Watched): boolean =>
      ![ASLEEP, RESERVED].includes(Atomics.load(this.#control, stateOf(member)));
    while (this.alive.some(isAwake) && performance.now() < until);
  }

  /** Gets the next thread to claim a chunk into trouble; the caller waits until there is one. */
  trouble(kind: Trouble, milliseconds = 20): void {
    Atomics.store(this.words, SLOW, Math.ceil(milliseconds / 10));
    this.rest();
    this.patience = isForEver.has(kind) ? SHORT : LONG;
    for (const word of [TAKEN, GO, DONE]) Atomics.store(this.words, word, 0);
    Atomics.store(this.words, TROUBLE, troubles.indexOf(kind));
  }

  /** Whether a thread got into trouble. */
  get wasTroubled(): boolean {
    return Atomics.load(this.words, TAKEN) === 1;
  }

  /** Lets the thread that is late compute its chunk, and waits until it has. */
  go(): void {
    Atomics.store(this.words, GO, 1);
    Atomics.notify(this.words, GO);
    if (Atomics.wait(this.words, DONE, 0, LONG * 1000) === 'timed-out') throw new Error('The late thread did not go.');
  }

  /** Lets the caller do something in its next chunk of a turn, while others are at work. */
  interrupt(what: () => void): void {
    this.#interruption = what;
  }

  /** From now on no thread can be started. */
  refuseStart(): void {
    this.#mayStart = false;
  }

  /** From now on threads end as soon as they have begun. */
  cutShort(): void {
    this.#areShort = true;
  }

  /** Ends those that should have ended. */
  readonly end = (): void => {
    for (const terminate of this.#due.splice(0)) terminate();
  };

  async #spawn(job: Parameters<Host['spawn']>[0]): Promise<Thread> {
    if (!this.#mayStart) throw new Error('no thread can be started');
    this.#control = job.control;
    const thread = await host.spawn({ ...job, words: this.words } as typeof job, script);
    const terminate = (): void => thread.terminate();
    const watched: Watched = {
      member: job.member,
      exited: thread.exited,
      terminate: this.#ends ? terminate : () => void this.#due.push(terminate),
      isOver: false,
    };
    void thread.exited.then(() => (watched.isOver = true));
    this.threads.push(watched);
    if (this.#areShort) thread.terminate();
    return watched;
  }

  /** Kernels that begin when somebody else has, too: else the caller would be done before the others are awake. */
  #sociable(kernels: KernelTable): KernelTable {
    const wait = (chunk: number): void => {
      if (Atomics.load(this.#control, TURN) % 2 === 0) return;
      const isTrouble = Atomics.load(this.words, TROUBLE) > 0;
      const until = performance.now() + (isTrouble ? LONG * 1000 : COMPANY);
      const isAlone = (): boolean =>
        isTrouble ? Atomics.load(this.words, TAKEN) === 0 : chunk === 0 && this.#claimed === 1;
      while (isAlone() && performance.now() < until);
      const interruption = this.#interruption;
      this.#interruption = undefined;
      interruption?.();
    };
    const wrapped = Object.entries(kernels).map(([name, kernel]): [string, typeof kernel] => [
      name,
      (args, chunk, scratch) => (wait(chunk), kernel(args, chunk, scratch)),
    ]);
    return Object.fromEntries(wrapped);
  }
}

/** A vector on a backend, of `length` times `value`. */
export function vector(backend: Backend, length: number, value: number): Operand {
  const storage = backend.allocate('float32', length);
  backend.write(storage, new Float32Array(length).fill(value));
  return { storage, shape: [length], dtype: 'float32' };
}

/** What there is in a vector, if it is the same everywhere; else NaN. */
export function valueOf(backend: Backend, { storage, shape }: Operand): number {
  const data = backend.readSync!(storage, 'float32', shape[0]!);
  return data.every((value) => value === data[0]) ? data[0]! : NaN;
}

/** Elements that a kernel takes in many chunks. */
export const MANY = 1 << 17;

/** A convolution that keeps the size. */
export const geometry = {
  kernel: [3, 3],
  stride: [1, 1],
  dilation: [1, 1],
  groups: 1,
  padding: [
    [1, 1],
    [1, 1],
  ],
} as const;
