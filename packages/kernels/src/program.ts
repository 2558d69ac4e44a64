import { ALIGNMENT } from './heap.ts';
import type { Derived, Plan, Reserve } from './plan.ts';
import { roundUp, slotOf, symbol } from './plan.ts';

/** The slot of the program's own memory; the values of the operands and scalars follow it. */
const OWN = 0;

/** A plan made ready to run any number of times: all words of its phases in one block, and where the values of its slots go. */
export interface Program {
  /** The kernels to run one after another: each finds its words `args` bytes after the block's start. */
  readonly phases: readonly { readonly kernel: string; readonly args: number; readonly chunks: number }[];
  readonly words: Int32Array;
  /** Pairs: number of a word, and of the slot whose value is added to it. */
  readonly links: Int32Array;
  /** Bytes of memory for intermediate results, whose address is the value of slot 0. */
  readonly reserve: number;
  /** Bytes of memory that each chunk needs for itself while it runs. */
  readonly scratch: number;
}

/** A program in two: what can be kept, and what is left to do once it is there. */
export interface Divided {
  /** Where each part lies is the value of a slot of its own, after those of the operands and scalars. */
  readonly parts: readonly Part[];
  readonly rest: Program;
}

/** Something that is made of operands alone. */
interface Part {
  /** The same for all programs that make the same thing of the same operands. */
  readonly key: string;
  /** Slots of the operands. */
  readonly sources: readonly number[];
  readonly bytes: number;
  readonly program: Program;
}

/** A program, and the same in two where a part of it can be kept. */
export interface Assembled extends Program {
  readonly divided?: Divided;
}

/** The program of the plan that `build` makes of operands and scalars in the slots below `slots`. */
export function assemble(build: (reserve: Reserve) => Plan, slots: number): Assembled {
  let reserved = 0;
  const plan = build((bytes) => {
    const address = symbol(OWN) + reserved;
    reserved += roundUp(bytes, ALIGNMENT);
    return address;
  });
  const whole = programOf(plan, reserved);
  const derived = [...new Set(plan.flatMap(({ makes }) => makes ?? []))];
  return derived.length === 0 ? whole : { ...whole, divided: divide(plan, reserved, derived, slots) };
}

function programOf(plan: Plan, reserve: number): Program {
  const all: number[] = [];
  const links: number[] = [];
  const phases = plan.map(({ kernel, words, chunks }) => {
    const args = all.length * 4;
    for (const word of words) {
      const slot = slotOf(word);
      if (slot >= 0) links.push(all.length, slot);
      all.push(word - symbol(slot));
    }
    return { kernel, args, chunks };
  });
  return {
    phases,
    words: Int32Array.from(all),
    links: Int32Array.from(links),
    reserve,
    scratch: plan.reduce((most, { scratch }) => Math.max(most, scratch), 0),
  };
}

/** Takes what is derived out of the program's own memory: it gets slots of its own, and what lies behind it moves up. */
function divide(plan: Plan, reserved: number, derived: readonly Derived[], slots: number): Divided {
  const own = (word: number): number => word - symbol(OWN);
  const moved = (word: number): number => {
    if (slotOf(word) !== OWN) return word;
    const at = own(word);
    const inside = derived.findIndex(({ address, bytes }) => at >= own(address) && at < own(address) + bytes);
    if (inside >= 0) return symbol(slots + inside) + (word - derived[inside]!.address);
    const before = derived.filter(({ address }) => own(address) < at);
    return word - before.reduce((sum, { bytes }) => sum + roundUp(bytes, ALIGNMENT), 0);
  };
  const left = derived.reduce((size, { bytes }) => size - roundUp(bytes, ALIGNMENT), reserved);
  const phases = plan.map((phase) => ({ ...phase, words: phase.words.map(moved) }));
  const programFor = (makes: Derived | undefined): Program =>
    programOf(
      phases.filter((phase) => phase.makes === makes),
      left,
    );
  return {
    parts: derived.map((one, i) => {
      const sources = one.sources.map(slotOf);
      const program = programFor(one);
      // Which slots the operands and the result have is the program's affair, not a property of what it makes.
      const named = program.links.map((word, j) => {
        if (j % 2 === 0) return word;
        return word === slots + i ? -1 : word === OWN ? OWN : -2 - sources.indexOf(word);
      });
      return {
        key: JSON.stringify([program.phases, [...program.words], [...named]]),
        sources,
        bytes: one.bytes,
        program,
      };
    }),
    rest: programFor(undefined),
  };
}

/** Writes a program's words to `memory` from element `at` on, with the values of its slots in their places. */
export function link({ words, links }: Program, values: readonly number[], memory: Int32Array, at: number): void {
  memory.set(words, at);
  for (let i = 0; i < links.length; i += 2) memory[at + links[i]!]! += values[links[i + 1]!]!;
}
