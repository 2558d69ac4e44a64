import { cosine, stepDecay, warmup } from '@receptive/train';
import type { Schedule } from '@receptive/train';
import { describe, expect, test } from 'vitest';

function expectFactors(schedule: Schedule, factors: Record<number, number>): void {
  for (const [step, factor] of Object.entries(factors))
    expect(schedule(Number(step)), `step ${step}`).toBeCloseTo(factor, 12);
}

describe('schedules', () => {
  test('stepDecay falls every so many steps', () => {
    expectFactors(stepDecay({ every: 3, gamma: 0.5 }), { 0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.25, 9: 0.125 });
  });

  test('stepDecay falls at the steps of a list, by a tenth of itself unless told', () => {
    expectFactors(stepDecay({ at: [2, 5] }), { 0: 1, 1: 1, 2: 0.1, 4: 0.1, 5: 0.01, 100: 0.01 });
  });

  test('cosine falls from 1 to its end and stays there', () => {
    expectFactors(cosine({ steps: 6 }), { 0: 1, 2: 0.75, 3: 0.5, 4: 0.25, 6: 0, 60: 0 });
    expectFactors(cosine({ steps: 6, end: 0.2 }), { 0: 1, 2: 0.8, 3: 0.6, 6: 0.2, 7: 0.2 });
  });

  test('warmup rises in a line, and then follows another schedule from its start', () => {
    expectFactors(warmup({ steps: 4 }), { 0: 0.25, 1: 0.5, 3: 1, 4: 1, 9: 1 });
    expectFactors(warmup({ steps: 2, after: cosine({ steps: 6 }) }), { 0: 0.5, 1: 1, 2: 1, 4: 0.75, 5: 0.5, 8: 0 });
  });

  test('describe themselves, as far as they can', () => {
    expect(warmup({ steps: 2, after: cosine({ steps: 6 }) }).settings).toEqual({
      name: 'warmup',
      steps: 2,
      after: { name: 'cosine', steps: 6, end: 0 },
    });
    expect(warmup({ steps: 2, after: () => 0.5 }).settings).toMatchObject({ after: 'custom' });
    expect(warmup({ steps: 2 }).settings).toMatchObject({ after: null });
  });

  test.each([
    [() => stepDecay({ every: 0 }), /stepDecay: every must be a whole number of steps of at least 1, but is 0/],
    [() => stepDecay({ at: [1.5] }), /an entry of at/],
    [() => stepDecay({ every: 1, gamma: -1 }), /gamma must be above 0/],
    [() => cosine({ steps: NaN }), /cosine: steps/],
    [() => cosine({ steps: 1, end: 2 }), /end must lie between 0 and 1/],
    [() => warmup({ steps: -1 }), /warmup: steps/],
  ])('%s is refused', (make, message) => {
    expect(make).toThrow(message);
  });
});
