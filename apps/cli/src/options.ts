import { InvalidArgumentError } from '@commander-js/extra-typings';

/** Parsers of numbers on the command line. */

function numeric(expected: string, accepts: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !accepts(value)) throw new InvalidArgumentError(`It must be ${expected}.`);
    return value;
  };
}

export const wholeNumber = numeric('a whole number from 0', (value) => Number.isSafeInteger(value) && value >= 0);
export const positiveInteger = numeric('a whole number from 1', (value) => Number.isSafeInteger(value) && value >= 1);
export const positiveNumber = numeric('a number above 0', (value) => value > 0 && value < Infinity);
