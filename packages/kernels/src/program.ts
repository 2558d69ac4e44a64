import type { Plan, Reserve } from './plan.ts';
import { roundUp, slotOf, symbol } from './plan.ts';

/** What is reserved is cut along cache lines, so that vectors lie well and threads do not share any. */
const ALIGNMENT = 64;
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

/** The program of the plan that `build` makes. */
export function assemble(build: (reserve: Reserve) => Plan): Program {
  let reserved = 0;
  const plan = build((bytes) => {
    const address = symbol(OWN) + reserved;
    reserved += roundUp(bytes, ALIGNMENT);
    return address;
  });
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
    reserve: reserved,
    scratch: plan.reduce((most, { scratch }) => Math.max(most, scratch), 0),
  };
}

/** Writes a program's words to `memory` from element `at` on, with the values of its slots in their places. */
export function link({ words, links }: Program, values: readonly number[], memory: Int32Array, at: number): void {
  memory.set(words, at);
  for (let i = 0; i < links.length; i += 2) memory[at + links[i]!]! += values[links[i + 1]!]!;
}
