/** Work that is timed: enqueues, computes, and waits until it is done. */
export type Run = () => void | Promise<void>;

/** A workload made ready by an engine. */
export interface Prepared {
  readonly run: Run;
  /** The result in Receptive's layout, by which engines are compared before anything is timed. Absent where there is nothing to compare. */
  readonly output?: () => Promise<Float32Array>;
}

/** What a library does of the workloads: for each name, how to make it ready. */
export interface Engine {
  readonly describe: string;
  readonly workloads: Readonly<Record<string, () => Prepared | Promise<Prepared>>>;
}

/** Names of the engines, and the modules that start them. */
export const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  'receptive-cpu': async () => (await import('./engines/receptive-cpu.ts')).start(),
  'tfjs-wasm': async () => (await import('./engines/tfjs-wasm.ts')).start(),
};
