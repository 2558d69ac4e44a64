import type { OpName } from '@receptive/tensor';
import type { Case, OpCases } from '../case.ts';
import { exact } from '../tolerance.ts';

const range = { low: -2, span: 5, least: -2, greatest: 3 - 2 ** -22 };

/** Draws at places of a generator, of ends of blocks and of more than some backends cut into one piece. */
const draws: readonly (readonly [name: string, Case<'uniform'>['attributes']])[] = [
  ['one number', { shape: [], place: { key: [0, 0], counter: 0 }, range }],
  ['a part of a block', { shape: [2, 3], place: { key: [1, 2 ** 32 - 1], counter: 7 }, range }],
  ['many blocks', { shape: [5, 37, 211], place: { key: [2 ** 31, 5], counter: 12 }, range }],
  ['where the lower word goes round', { shape: [97], place: { key: [3, 4], counter: 2 ** 32 - 7 }, range }],
  ['far on', { shape: [41], place: { key: [3, 4], counter: 2 ** 53 - 100 }, range }],
  ['an interval that rounding leaves', { shape: [1009], place: { key: [9, 9], counter: 0 }, range: { low: 0.1, span: 1e-8, least: Math.fround(0.1), greatest: Math.fround(0.1) } }], // prettier-ignore
  ['tiny numbers', { shape: [33], place: { key: [6, 7], counter: 1 }, range: { low: 0, span: 2 ** -140, least: 0, greatest: 2 ** -140 } }], // prettier-ignore
];

export const randomCases = {
  uniform: {
    tolerance: exact,
    cases: draws.map(([name, attributes]): Case<'uniform'> => ({ name, inputs: [], attributes })),
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };
