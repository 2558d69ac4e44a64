/** An engine with so many threads. */
export interface Variant {
  readonly engine: string;
  readonly threads: number;
}

/** Work that is timed: computes, or enqueues what a device computes. */
type Run = () => void | Promise<void>;

/** Runs that are timed together. */
export interface Timed {
  readonly run: Run;
  /** Makes ready before each sample; not timed. */
  readonly begin?: () => unknown;
  /** Waits until all that was enqueued is done; timed, once a sample. Absent where a run returns with its work done. */
  readonly finish?: () => Promise<unknown>;
  /** What a run does beside the work: timed right after it, and taken off. */
  readonly overhead?: Run;
  /** How often a run does the work, without what is in the overhead; once unless told. */
  readonly times?: number;
  /** Whether the work has been done before. */
  readonly warm?: boolean;
}

/** A workload made ready by an engine. */
export interface Prepared extends Pick<Timed, 'run' | 'overhead' | 'times'> {
  /** The result in Receptive's layout, by which engines are compared. Absent where there is nothing to compare. */
  readonly output?: () => Promise<Float32Array>;
}

/** What a library does of the workloads: for each name, how to make it ready. Engines of one process take turns. */
export interface Engine extends Pick<Timed, 'begin' | 'finish'> {
  readonly describe: string;
  readonly workloads: Readonly<Record<string, () => Prepared | Promise<Prepared>>>;
  /** Of the workloads that it has not, why. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** Lets go of what would keep the process running. */
  readonly dispose?: () => void;
}

/** Names of engines, and how to start them; those that can use several threads use so many. */
export type Engines = Readonly<Record<string, (threads: number) => Promise<Engine>>>;

/** Engines that can use several threads. */
export const threaded: ReadonlySet<string> = new Set(['receptive-workers', 'ort-node', 'ort-web', 'tfjs-wasm']);

/** With how many threads each an engine is measured where these are wanted. On one, our pool is the calling thread: that is `receptive-cpu`. */
export function threadsOf(engine: string, wanted: readonly number[]): readonly number[] {
  if (engine === 'receptive-workers') return wanted.filter((threads) => threads > 1);
  return threaded.has(engine) ? wanted : [1];
}

/** Ours, and the peers that each is set beside, at each of the places where engines run. */
export const sides = {
  node: {
    'receptive-cpu': ['ort-node', 'ort-web', 'tfjs-wasm', 'tfjs-cpu', 'jax-js', 'convnetjs'],
    'receptive-cpu-eager': [],
    'receptive-workers': ['ort-node', 'ort-web', 'tfjs-wasm'],
  },
  // Beside those of node, where it is asked for.
  revectorized: { 'receptive-cpu-256': ['ort-node', 'ort-web', 'tfjs-wasm'] },
  browser: { 'receptive-webgpu': ['tfjs-webgpu'], 'receptive-webgl2': ['tfjs-webgl'] },
  gpu: { 'receptive-webgpu': ['pytorch-float32', 'pytorch-tf32'] },
} satisfies Record<string, Sides>;

/** For each of our engines, the peers that it is set beside; none where it is only shown. */
export type Sides = Readonly<Record<string, readonly string[]>>;
