import type { DType, Operand, Storage } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import type { Kept } from './kept.ts';
import type { Plan, Reserve } from './plan.ts';
import { float, symbol } from './plan.ts';
import type { Assembled, Divided, Program } from './program.ts';
import { assemble } from './program.ts';

// What a kernel has to do follows from shapes, dtypes and attributes, not from where its operands lie. So its plan is
// made once, for symbols, and run again and again: a call reads a key off its arguments, and the addresses beside it.

/** What runs programs: one thread or several, over one linear memory. */
export interface Host {
  /** Where a storage lies. Throws for a storage that is not the host's or has been freed. */
  addressOf(storage: Storage): number;
  /** Memory for a program's intermediate results, a multiple of 64, until the next program has run. */
  reserve(bytes: number): number;
  /** Runs a program to its end; `values` are those of its slots, and the caller's again afterwards. */
  run(program: Program, values: readonly number[]): void;
}

/** A scalar, as a 32-bit word, that may change from call to call: plans hold a symbol for it. */
export class Scalar {
  readonly word: number;

  constructor(word: number) {
    this.word = word;
  }
}

/** What a kernel takes as the builder of its plan sees it: operands lie at symbols, and scalars are symbols. */
type Symbolic<T> = T extends Operand
  ? Located
  : T extends Scalar
    ? number
    : { readonly [K in keyof T]: Symbolic<T[K]> };

/** Makes the plan of a kernel that takes `A`: operands, scalars and attributes, alone or in lists and plain objects. */
export type Builder<A extends readonly unknown[]> = (
  ...args: [...{ [I in keyof A]: Symbolic<A[I]> }, reserve: Reserve]
) => Plan;

/** What tells one plan from another. */
type Part = string | number | boolean | undefined | null;

interface Entry {
  readonly key: readonly Part[];
  readonly program: Assembled;
}

/** What stands for them in keys. */
const dtypes: Readonly<Record<DType, number>> = { float32: 0, float64: 1, int32: 2, uint8: 3 };

/** Multiplier of the hash FNV-1a (Fowler, Noll and Vo), of 32 bits. */
const FNV = 16777619;

/** Most that entries may cost together: thousands of small programs, a few megabytes. */
const MOST = 1 << 20;

/** About how many words an entry takes. */
function costOf({ key, program }: Entry): number {
  const { words, links, divided } = program;
  // The same words again, in two.
  return 64 + key.length + (divided ? 2 : 1) * (words.length + links.length);
}

/** Calls kernels by their plans, which it makes when they are first needed and keeps for as long as there is room. */
export class Planner {
  readonly #host: Host;
  readonly #kept: Kept | undefined;
  readonly #entries = new Map<number, Entry>();
  #cost = 0;
  #builders = 0;
  // What is read off the arguments of a call. The lists are used again, so that a call allocates nothing.
  readonly #key: Part[] = [];
  #length = 0;
  #hash = 0;
  readonly #values: number[] = [];
  readonly #storages: Storage[] = [];
  readonly #ids: (number | undefined)[] = [];
  #slots = 0;

  constructor(host: Host, kept?: Kept) {
    this.#host = host;
    this.#kept = kept;
  }

  /** The kernel whose plans `build` makes. */
  planned<A extends readonly unknown[]>(build: Builder<A>): (...args: A) => void {
    const builder = this.#builders++;
    return (...args) => {
      this.#length = this.#hash = 0;
      this.#slots = 1;
      this.#note(builder);
      for (const arg of args) this.#read(arg);
      const program = this.#find() ?? this.#make(build, args);
      try {
        this.#run((program.divided && this.#prepare(program.divided)) ?? program);
      } catch (error) {
        // No room for a result matters more than what is kept in order to be faster.
        if (!(error instanceof RangeError && this.#kept?.clear())) throw error;
        this.#run(program);
      }
    };
  }

  #run(program: Program): void {
    this.#values[0] = program.reserve === 0 ? 0 : this.#host.reserve(program.reserve);
    this.#host.run(program, this.#values);
  }

  /** What is left to do once all that can be kept is there; undefined unless it all is. */
  #prepare({ parts, rest }: Divided): Program | undefined {
    if (!this.#kept) return undefined;
    let slot = this.#slots;
    let isComplete = true;
    for (const { key, sources, bytes, program } of parts) {
      const target = slot++;
      const ids: number[] = [];
      for (const source of sources) {
        const id = this.#ids[source];
        if (id === undefined) return undefined;
        ids.push(id);
      }
      const address = this.#kept.find(key, this.#storages[sources[0]!]!, ids, bytes, (made) => {
        this.#values[target] = made;
        this.#run(program);
      });
      if (address === undefined) isComplete = false;
      else this.#values[target] = address;
    }
    return isComplete ? rest : undefined;
  }

  #note(part: Part): void {
    this.#key[this.#length++] = part;
    let hash = this.#hash;
    if (typeof part === 'string')
      for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), FNV);
    else hash = Math.imul(hash ^ (Number.isInteger(part) ? (part as number) : float(Number(part))), FNV);
    this.#hash = hash;
  }

  /** Notes all of an argument that a plan depends on, and the values of its slots. */
  #read(arg: unknown): void {
    if (typeof arg !== 'object' || arg === null) this.#note(arg as Part);
    else if (Array.isArray(arg)) {
      this.#note(arg.length);
      for (let i = 0; i < arg.length; i++) this.#read(arg[i]);
    } else if (isOperand(arg)) this.#readOperand(arg);
    else if (arg instanceof Scalar) this.#values[this.#slots++] = arg.word;
    else {
      // Attributes are plain objects, for which a loop over their names makes no list of these.
      for (const name in arg) {
        this.#key[this.#length++] = name;
        this.#read(arg[name as keyof typeof arg]);
      }
      this.#note(null);
    }
  }

  #readOperand({ storage, id, dtype, shape }: Operand): void {
    this.#storages[this.#slots] = storage;
    this.#ids[this.#slots] = id;
    this.#values[this.#slots++] = this.#host.addressOf(storage);
    this.#note(dtypes[dtype]);
    this.#note(shape.length);
    for (const length of shape) this.#note(length);
  }

  #find(): Assembled | undefined {
    const entry = this.#entries.get(this.#hash);
    if (entry?.key.length !== this.#length) return undefined;
    for (let i = 0; i < this.#length; i++) if (entry.key[i] !== this.#key[i]) return undefined;
    return entry.program;
  }

  #make<A extends readonly unknown[]>(build: Builder<A>, args: A): Assembled {
    let slot = 1;
    const located = args.map((arg) => symbolic(arg, () => symbol(slot++))) as { [I in keyof A]: Symbolic<A[I]> };
    const program = assemble((reserve) => build(...located, reserve), slot);
    const entry = { key: this.#key.slice(0, this.#length), program };
    // To begin afresh now and then costs less than to remember which were used last.
    const replaced = this.#entries.get(this.#hash);
    this.#cost += costOf(entry) - (replaced ? costOf(replaced) : 0);
    if (this.#cost > MOST) {
      this.#entries.clear();
      this.#cost = costOf(entry);
    }
    // Of two keys with one hash, the later one stays.
    this.#entries.set(this.#hash, entry);
    return program;
  }
}

function isOperand(arg: object): arg is Operand {
  return (arg as Partial<Operand>).storage !== undefined;
}

/** An argument with symbols in place of addresses and scalars, in the order in which their values are read. */
function symbolic(arg: unknown, next: () => number): unknown {
  if (typeof arg !== 'object' || arg === null) return arg;
  if (Array.isArray(arg)) return arg.map((item) => symbolic(item, next));
  if (isOperand(arg)) return { address: next(), shape: arg.shape, dtype: arg.dtype };
  if (arg instanceof Scalar) return next();
  return Object.fromEntries(Object.entries(arg).map(([name, value]) => [name, symbolic(value, next)]));
}
