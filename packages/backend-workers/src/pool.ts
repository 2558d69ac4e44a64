import type { Crew, Kernel, Means, Program, Workspace } from '@receptive/kernels';
import { kernelOf } from '@receptive/kernels';
import type { Turn } from './control.ts';
import { ASLEEP, RESERVED, abandon, admit, close, open, settle, share, vacate, wake } from './control.ts';
import { Crowd, Pace, STINT } from './pace.ts';
import type { Host, Thread } from './thread.ts';
import { chunkOf, faultOf, stateOf, wordsFor } from './words.ts';

export { host } from '#host';

// Times in milliseconds; `bench --only dispatch --threads 2` measures what they follow from.

/** A phase is shared if it takes so long alone: the turn of threads that are awake costs about a fifth of it. */
const WORTH_SHARING = 0.004;
/** The same where everybody sleeps: it takes about half of it until the first has woken. */
const WORTH_WAKING = 0.1;
/** For how long a thread looks for work before it sleeps: longer than the time between the ops of a program that is busy, and than most collections of its garbage. */
const SPIN = 2;
/**
 * For how long the caller looks whether the last chunks are done, beyond the time that a chunk takes, before it sleeps: whoever is not done by then has lost its processor to another program,
 * and gets the caller's.
 */
const CALLER_SPIN = 0.05;
/** How many threads may end one after the other, with nothing done together in between, until no more are started: to go on would be without end. */
const MOST_LOST = 16;

/** A phase as the pool sees it. */
interface Phase {
  readonly name: string;
  readonly compute: Kernel;
  /** Number of the kernel among the module's exports. */
  readonly kernel: number;
  readonly args: number;
  readonly chunks: number;
  /** How long the caller took for a chunk, when it last did; 0 if it never has. */
  cost: number;
}

/** A thread, and what becomes of its place. */
interface Member {
  readonly number: number;
  readonly thread: Thread;
  /** Resolves when the thread has ended and another one has its place. */
  readonly replaced: Promise<void>;
}

/** What a pool is to be like. */
export interface PoolPlan {
  readonly threads: number;
  /** How many more there are for when other programs compete for the processors; none unless told. */
  readonly reserve?: number;
  /** Seconds that a chunk may take. */
  readonly patience: number;
  readonly url?: string | URL | undefined;
  /** For how many milliseconds of work others join in, where some are awake and where all sleep. With 0 every phase of several chunks is shared from its first chunk on. */
  readonly worth?: { readonly sharing: number; readonly waking: number };
  /** For how many milliseconds a thread looks for work before it sleeps, and computes between two naps while others compete. */
  readonly spin?: number;
  readonly stint?: number;
}

/** Threads that compute together: the one that calls, and others that serve it. */
export class Pool implements Crew {
  readonly threads: number;
  readonly #means: Means;
  readonly #host: Host;
  readonly #plan: PoolPlan;
  readonly #worth: { readonly sharing: number; readonly waking: number };
  /** For every thread. */
  readonly #times: { readonly spin: number; readonly stint: number };
  readonly #control: Int32Array;
  readonly #spin: number;
  readonly #pace: Pace;
  readonly #crowd: Crowd;
  readonly #nap: () => boolean;
  readonly #exports: ReadonlyMap<string, number>;
  readonly #phases = new WeakMap<Program, readonly Phase[]>();
  /** Those who are there. The caller is number 0, and not among them. */
  #members: readonly Member[] = [];
  /** Those who are no longer waited for, but may still write. */
  readonly #stuck = new Set<number>();
  readonly #repairs = new Set<Promise<void>>();
  /** How many threads have ended since something was last done together. */
  #lost = 0;
  #disposed = false;

  private constructor(means: Means, host: Host, plan: PoolPlan) {
    const { threads, reserve = 0, spin = SPIN, stint = STINT } = plan;
    this.#times = { spin, stint };
    this.threads = threads + reserve;
    this.#means = means;
    this.#host = host;
    this.#plan = plan;
    this.#worth = plan.worth ?? { sharing: WORTH_SHARING, waking: WORTH_WAKING };
    this.#control = wordsFor(threads, reserve);
    const maySleep = host.maySleep();
    this.#spin = maySleep ? CALLER_SPIN : Infinity;
    this.#pace = new Pace(this.#control, maySleep ? stint : Infinity);
    this.#crowd = new Crowd(this.#control);
    this.#nap = () => (this.#pace.nap(), true);
    const names = WebAssembly.Module.exports(means.module);
    this.#exports = new Map(names.map(({ name }, i) => [name, i]));
  }

  /** Rejects if a thread cannot be started; none is left then. */
  static async start(means: Means, host: Host, plan: PoolPlan): Promise<Pool> {
    const pool = new Pool(means, host, plan);
    const others = Array.from({ length: pool.threads - 1 }, (_, i) => pool.#hire(i + 1));
    const failure = (await Promise.allSettled(others)).find(({ status }) => status === 'rejected');
    if (failure) {
      pool.dispose();
      throw (failure as PromiseRejectedResult).reason;
    }
    return pool;
  }

  describe(): string {
    const { threads } = this.#plan;
    const present = this.#members.filter(({ number }) => number < threads).length + 1;
    const all = threads === 1 ? 'one thread' : `${threads} threads`;
    return present < threads ? `${present} of ${all}` : all;
  }

  run(program: Program, workspace: Workspace): void {
    let phases = this.#phases.get(program);
    if (!phases) this.#phases.set(program, (phases = this.#phasesOf(program)));
    for (const phase of phases) this.#perform(phase, workspace);
  }

  async whole(): Promise<void> {
    while (this.#repairs.size > 0) await Promise.all(this.#repairs);
  }

  dispose(): void {
    this.#disposed = true;
    for (const { thread } of this.#members) thread.terminate();
    this.#members = [];
  }

  #phasesOf({ phases }: Program): Phase[] {
    const { kernels } = this.#means;
    return phases.map(({ kernel: name, args, chunks }) => {
      const compute = kernelOf(kernels, name);
      return { name, compute, kernel: this.#exports.get(name)!, args, chunks, cost: 0 };
    });
  }

  /** A phase begins with the caller. Others join in where what is left of it would take longer than to have them come. */
  #perform(phase: Phase, { words, scratch, stride }: Workspace): void {
    const { compute, chunks } = phase;
    const args = words + phase.args;
    if (chunks === 1) {
      compute(args, 0, scratch);
      return;
    }
    const { sharing, waking } = this.#worth;
    const start = performance.now();
    let done = 0;
    if (phase.cost === 0 && sharing > 0) {
      compute(args, done++, scratch);
      phase.cost = performance.now() - start;
    }
    const left = chunks - done;
    if (left > 1 && left * phase.cost >= (this.#awake() > 0 ? sharing : waking) && this.#members.length > 0) {
      const turn = { kernel: phase.kernel, args, chunks, scratch, stride, cost: phase.cost };
      this.#crowd.look(start);
      this.#pace.begin(start);
      done += this.#together(phase, turn, done);
    } else {
      while (done < chunks) compute(args, done++, scratch);
    }
    if (done > 0) phase.cost = (performance.now() - start) / done;
  }

  /** Computes the chunks from number `first` on together with the others, and says how many the caller did. */
  #together(phase: Phase, turn: Turn, first: number): number {
    const control = this.#control;
    open(control, turn, first);
    let done = 0;
    try {
      // Counted after the turn has been opened: whoever falls asleep from now on sees that.
      const wanted = turn.chunks - first - 1 - this.#awake();
      if (wanted > 0 && this.#isAnyAsleep()) wake(control, wanted);
      done = share(control, 0, phase.compute, turn, this.#pace, this.#nap);
    } catch (error) {
      abandon(control);
      throw error;
    } finally {
      close(control);
      this.#gather(phase);
    }
    return done;
  }

  /** Waits for all who are at work. Throws if somebody does not come to an end, or has failed. */
  #gather(phase: Phase): void {
    const control = this.#control;
    const { patience } = this.#plan;
    let left = patience * 1000;
    let failed = false;
    for (const { number, thread, replaced } of this.#members) {
      left = settle(control, number, this.#spin + phase.cost, left);
      if (left < 0) {
        if (this.#stuck.size === 0) this.#means.hold();
        this.#stuck.add(number);
        this.#awaited(replaced);
        thread.terminate();
      } else if (control[faultOf(number)] !== 0) {
        failed = true;
        control[faultOf(number)] = 0;
      }
    }
    if (this.#stuck.size > 0) {
      const [member] = this.#stuck;
      throw new Error(
        `workers: thread ${member} has not finished chunk ${control[chunkOf(member!)]} of ${phase.chunks} of the kernel ${phase.name} within ${patience} seconds. ` +
          'It is being replaced: await backend.flush(), then go on. Where chunks do take that long, give a larger `patience`.',
      );
    }
    this.#lost = 0;
    if (failed)
      throw new Error(`workers: the kernel ${phase.name} failed in a thread; this is a bug in @receptive/kernels.`);
  }

  /** How many do not sleep. */
  #awake(): number {
    let awake = 0;
    for (const { number } of this.#members) {
      const state = Atomics.load(this.#control, stateOf(number));
      if (state !== ASLEEP && state !== RESERVED) awake++;
    }
    return awake;
  }

  #isAnyAsleep(): boolean {
    return this.#members.some(({ number }) => Atomics.load(this.#control, stateOf(number)) === ASLEEP);
  }

  async #hire(number: number): Promise<void> {
    const { module, memory } = this.#means;
    vacate(this.#control, number);
    const reserve = number >= this.#plan.threads;
    const job = { module, memory, control: this.#control, member: number, reserve, ...this.#times };
    const thread = await this.#host.spawn(job, this.#plan.url);
    if (this.#disposed) {
      thread.terminate();
      return;
    }
    const replaced = thread.exited.then(() => this.#replace(member));
    const member: Member = { number, thread, replaced };
    this.#members = [...this.#members, member];
    admit(this.#control, number);
  }

  /** Another thread for one that has ended. */
  async #replace(member: Member): Promise<void> {
    if (this.#disposed) return;
    this.#awaited(member.replaced);
    this.#members = this.#members.filter((other) => other !== member);
    // Nobody else writes: what was freed may be used again.
    if (this.#stuck.delete(member.number) && this.#stuck.size === 0) this.#means.release();
    if (++this.#lost > MOST_LOST) return;
    // If there can be no other, the rest goes on without it.
    await this.#hire(member.number).catch(() => {});
  }

  /** Notes what {@link whole} waits for. */
  #awaited(repair: Promise<void>): void {
    this.#repairs.add(repair);
    void repair.then(() => this.#repairs.delete(repair));
  }
}
