import { mkdirSync } from 'node:fs';
import { InvalidArgumentError } from '@commander-js/extra-typings';

/** Reads a whole number of at least `least` from the command line. */
export function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    }
    return value;
  };
}

/**
 * Makes the folder for the pictures, before any time is spent on what goes into it.
 * @throws Error naming the folder and the option if it cannot be made.
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Error(
      `the pictures cannot go to ${folder}: ${(error as Error).message}. Name another folder with --out.`,
      {
        cause: error,
      },
    );
  }
}
