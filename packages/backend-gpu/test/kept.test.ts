import { expect, test } from 'vitest';
import { Kept } from '../src/kept.ts';

test('keeps what was used last, and ends what goes', () => {
  const [made, ended]: string[][] = [[], []];
  const kept = new Kept<string, string>(
    2,
    (key) => {
      made!.push(key);
      return key.toUpperCase();
    },
    (value) => ended!.push(value),
  );
  expect(['a', 'b', 'a', 'c', 'a', 'b'].map((key) => kept.get(key))).toEqual(['A', 'B', 'A', 'C', 'A', 'B']);
  expect(made).toEqual(['a', 'b', 'c', 'b']);
  expect(ended).toEqual(['B', 'C']);
  kept.clear();
  expect(ended).toEqual(['B', 'C', 'A', 'B']);
});
