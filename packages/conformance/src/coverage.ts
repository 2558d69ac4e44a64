import { rules } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import type { OpName } from '@receptive/tensor';
import { cases } from './cases/index.ts';
import type { Aspect } from './derivatives.ts';
import { computations } from './derivatives.ts';
import { testOp } from './op.ts';
import { generators } from './random/index.ts';
import { testFunction } from './random.ts';
import type { Declared, Skip } from './registry.ts';
import { Registry } from './registry.ts';

/** How far the suite goes in one aspect of an op: how many tests run, and why others, or all, do not. */
export interface Cell {
  readonly tests: number;
  readonly skips: readonly string[];
  /** Why there is nothing to test, where there is not. */
  readonly reason: string | undefined;
}

/** What the suite tests of one op or function on a backend. */
export interface Coverage {
  readonly name: string;
  readonly cells: Readonly<Record<Aspect, Cell>>;
}

/** What {@link conformance} tests on `backend`, op by op and function by function: its own declarations, counted and not run. */
export function coverage(backend: Backend, skips: readonly Skip[] = []): Coverage[] {
  const declared: Declared[] = [];
  const registry = new Registry(skips, (test) => declared.push(test));
  const oracle = reference();
  for (const name of Object.keys(cases) as OpName[]) testOp(registry, name, backend, oracle);
  for (const name of Object.keys(generators)) testFunction(registry, name, backend, oracle);
  const cell = (name: string, aspect: Aspect): Cell => {
    const own = declared.filter((test) => test.group === name && test.aspect === aspect);
    const skipped = own.flatMap((test) => (test.skipped === undefined ? [] : `${test.name}: ${test.skipped}`));
    const reason = aspect === 'forward' ? undefined : whyNone(name, backend);
    return { tests: own.length - skipped.length, skips: skipped, reason };
  };
  // An op and the function that users call may have one name: they are one row.
  return [...new Set([...Object.keys(cases), ...Object.keys(generators)])].sort().map((name) => {
    const aspects = Object.keys(computations) as Aspect[];
    return {
      name,
      cells: Object.fromEntries(aspects.map((aspect) => [aspect, cell(name, aspect)])) as Coverage['cells'],
    };
  });
}

/** Why there is no derivative to test. */
function whyNone(name: string, { dtypes }: Backend): string | undefined {
  if (name in rules && rules[name as OpName] === 'nondifferentiable')
    return 'zero almost everywhere, or without meaning';
  if (name === 'cast' && !dtypes.has('float64')) return 'only from one float type to another, and there is one';
  return generators[name]?.nondifferentiable;
}
