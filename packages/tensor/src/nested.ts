import { ShapeError, formatShape } from './errors.ts';

/** Numbers as a user writes them down: a scalar, or lists nested as deep as the tensor has axes. */
export type Nested = number | readonly Nested[];

/**
 * The shape that the nesting of lists gives, and their numbers in order.
 * @throws ShapeError if a list is empty or the lists are ragged.
 * @throws TypeError for anything but numbers and lists.
 */
export function unnest(data: Nested): { shape: number[]; values: number[] } {
  const shape: number[] = [];
  for (let first: Nested | undefined = data; Array.isArray(first); first = first[0]) shape.push(first.length);
  const values: number[] = [];
  const place: number[] = [];
  const collect = (item: Nested): void => {
    const lists = shape.length - place.length;
    if (lists === 0 && typeof item === 'number') values.push(item);
    else if (lists > 0 && Array.isArray(item) && item.length === shape[place.length]) {
      if (item.length === 0) {
        throw new ShapeError('tensor: an empty list has no shape a tensor can have. Give at least one element.');
      }
      for (let i = 0; i < item.length; i++) {
        place.push(i);
        collect(item[i]);
        place.pop();
      }
    } else throw misfit(item, place, shape);
  };
  collect(data);
  return { shape, values };
}

function misfit(item: unknown, place: readonly number[], shape: readonly number[]): Error {
  const where = place.length > 0 ? ` at ${formatShape(place)}` : '';
  if (typeof item !== 'number' && !Array.isArray(item)) {
    return new TypeError(
      `tensor: is made of numbers and lists of them, but was given ${item === null ? 'null' : typeof item}${where}.`,
    );
  }
  const found = Array.isArray(item) ? `a list of ${item.length}` : 'a number';
  const inner = shape.slice(place.length);
  return new ShapeError(
    `tensor: the lists are ragged: ${found}${where}, where ${inner.length > 0 ? `the first entry has shape ${formatShape(inner)}` : 'the first entry is a number'}.`,
  );
}
