/**
 * One step of a computation: a kernel and the words that tell it what to do, cut into chunks. The chunks of a phase may run in any order, on any thread;
 * how many there are and what each adds up follows from the geometry alone, so that the bits of a result do not depend on who computed it.
 */
export interface Phase {
  /** Name of the exported kernel. */
  readonly kernel: string;
  /** Its arguments: 32-bit words, numbers with fractions by {@link float}, and what is known only when it runs by {@link symbol}. */
  readonly words: readonly number[];
  readonly chunks: number;
  /** Bytes of memory that each chunk needs for itself while it runs. */
  readonly scratch: number;
  /** What it helps to make, if that depends on few operands alone and is worth keeping: packed or transformed weights. */
  readonly makes?: Derived;
}

/** Reserved memory that phases fill from `sources`, addresses in operands, and that later ones only read. */
export interface Derived {
  readonly sources: readonly number[];
  readonly address: number;
  readonly bytes: number;
}

/** The phases that make something of operands alone, so that it may be kept as long as these stay as they are. */
export function deriving(makes: Derived, plan: Plan): Plan {
  return plan.map((phase) => ({ ...phase, makes }));
}

/** A computation over memory that has yet to be found: phases, each of which needs the ones before it to be finished. */
export type Plan = readonly Phase[];

/** Gives the address, a symbol, of `bytes` bytes that stay the plan's own until it has run. */
export type Reserve = (bytes: number) => number;

/** Distance between two symbols: more than there are addresses on either side of one, and little enough for sums to be exact. */
const SYMBOL = 2 ** 40;

/**
 * Stands in a plan for number `slot` of the values that are given when it runs: where an operand lies, or a scalar. A plan is then good for all operands
 * of the same shapes. Bytes can be added to a symbol as they can to an address.
 */
export function symbol(slot: number): number {
  return (slot + 1) * SYMBOL;
}

/** The slot of a word that is a symbol, whatever was added to it; -1 for a word that is a mere number. */
export function slotOf(word: number): number {
  return Math.round(word / SYMBOL) - 1;
}

const bits = new DataView(new ArrayBuffer(4));
const doubleBits = new DataView(new ArrayBuffer(8));

/** The bits of a float32 as a word. */
export function float(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

/** The bits of a double as two words, the lower one first. */
export function double(value: number): [number, number] {
  doubleBits.setFloat64(0, value);
  return [doubleBits.getInt32(4), doubleBits.getInt32(0)];
}

/** How many pieces of `size` cover `total`. */
export function pieces(total: number, size: number): number {
  return Math.ceil(total / size);
}

/** The least multiple of `step` that is no less than `value`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Groups of words, one after the other. */
export function words(...groups: readonly (readonly number[])[]): number[] {
  const all: number[] = [];
  for (const group of groups) for (const word of group) all.push(word);
  return all;
}
