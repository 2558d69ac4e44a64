import { ShapeError } from '@receptive/tensor';

/** Refuses anything but whole numbers of at least 1, alone or in lists, naming the first that is none. */
export function whole(door: string, numbers: Readonly<Record<string, number | readonly number[]>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (![value].flat().every((n) => Number.isSafeInteger(n) && n >= 1)) {
      throw new ShapeError(
        `${door}: ${name} must be made of whole numbers of at least 1, but is ${JSON.stringify(value)}.`,
      );
    }
  }
}
