// What a thread of the pool does: a batch after the other.
import { Tinypool } from 'tinypool';
import { DataError } from '../errors.ts';
import { prepare } from '../prepare.ts';
import type { BatchRecipe } from '../prepare.ts';
import type { Images } from '../transform.ts';
import { readImageFile } from './read.ts';

/** What comes back: a batch, or what is wrong with it. Of an error that crosses threads, no more than its message would be left. */
export type Outcome = Images | { readonly wrong: string };

/** Prepares a batch, whose numbers are moved to the thread that asked for them, not copied. */
export default function work(batch: BatchRecipe): unknown {
  try {
    const images = prepare(batch, readImageFile);
    return Tinypool.move({
      [Tinypool.transferableSymbol]: images.data.buffer,
      [Tinypool.valueSymbol]: images,
    } as never);
  } catch (error) {
    if (error instanceof DataError) return { wrong: error.message } satisfies Outcome;
    throw error;
  }
}
