/** What both kinds of program declare: the memories they read, and the numbers they are told at each run, in this order. */
interface Signature {
  /** Names what runs, in errors and in a profile; no two programs share a name. */
  readonly name: string;
  /** Memories that the program reads; at most seven, as many as every WebGPU device can bind beside the output. */
  readonly reads: readonly string[];
  /** Whole numbers, exact up to 2^31. */
  readonly integers: readonly string[];
  /** Fractions, NaN and infinities included. */
  readonly floats: readonly string[];
}

/**
 * A kernel of gpu.js: the body of a JavaScript function that returns one element of the output, the one at `this.thread.x`. All memories are flat. It runs on
 * WebGPU and WebGL2 alike.
 *
 * Whole numbers keep their type in expressions, in parameters, and in what {@link wholeNumbers} return; gpu.js makes a float of a local variable, exact up to
 * 2^24. Indices are therefore computed where they are used.
 */
export interface Script extends Signature {
  readonly kind: 'script';
  readonly body: string;
}

/** A WebGPU compute shader, for what must be faster than gpu.js's translation is. It writes `result`, as many elements as the call says. */
export interface Shader extends Signature {
  readonly kind: 'shader';
  /** The memories that it reads as `array<vec4<f32>>`. */
  readonly vectors: readonly string[];
  /** WGSL in which the memories, as `array<f32>` if not said otherwise, `result` and `params` with the numbers are declared already. */
  readonly body: string;
}

export type Program = Script | Shader;

/** Declares a {@link Script}. What is not named is empty. */
export function script(
  name: string,
  { reads = [], integers = [], floats = [] }: Partial<Omit<Signature, 'name'>>,
  body: string,
): Script {
  return { kind: 'script', name, reads, integers, floats, body };
}

/** Declares a {@link Shader}. What is not named is empty. */
export function shader(
  name: string,
  { reads = [], vectors = [], integers = [], floats = [] }: Partial<Omit<Signature, 'name'> & Pick<Shader, 'vectors'>>,
  body: string,
): Shader {
  return { kind: 'shader', name, reads, vectors, integers, floats, body };
}

/** The same function, computed once for each argument: programs are made on demand and live as long as the page. */
export function memo<K extends string | number, T>(make: (key: K) => T): (key: K) => T {
  const made = new Map<K, T>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
}
