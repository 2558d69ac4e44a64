import { reference } from '@receptive/backend/reference';
import {
  BackendError,
  Tensor,
  liveTensors,
  outsideScopes,
  scope,
  setBackend,
  tensor,
  trackLeaks,
  zeros,
} from '@receptive/tensor';
import { beforeEach, describe, expect, test } from 'vitest';
import { failing, numbersOf } from './harness.ts';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

const storages = (): number => backend.memory().storages;

describe('scope frees what it does not return', () => {
  test('a tensor', () => {
    const y = scope(() => tensor([1, 2]).mul(2).add(1));
    expect(storages()).toBe(1);
    expect(numbersOf(y)).toEqual([3, 5]);
  });

  test('nothing returned, nothing kept', () => {
    expect(scope(() => zeros([2]).size)).toBe(2);
    expect(scope(() => void zeros([2]))).toBeUndefined();
    expect(scope(() => (zeros([2]), null))).toBeNull();
    expect(storages()).toBe(0);
  });

  test('tensors in arrays, maps, sets and plain objects, however nested', () => {
    const kept = scope(() => {
      zeros([9]);
      const bare = Object.assign(Object.create(null) as { x?: Tensor }, { x: tensor([5]) });
      return {
        list: [tensor([1]), { deep: tensor([2]) }],
        map: new Map([['k', tensor([3])]]),
        set: new Set([tensor([4])]),
        bare,
      };
    });
    expect(storages()).toBe(5);
    expect(numbersOf(kept.map.get('k')!)).toEqual([3]);
    expect(numbersOf((kept.list[1] as { deep: Tensor }).deep)).toEqual([2]);
    expect([...kept.set].map(numbersOf)).toEqual([[4]]);
    expect(numbersOf(kept.bare.x)).toEqual([5]);
  });

  test('results that contain themselves', () => {
    const ring = scope(() => {
      const result: { x: Tensor; self?: unknown } = { x: zeros([1]) };
      result.self = result;
      return result;
    });
    expect(ring.x.disposed).toBe(false);
  });

  test('not what is inside objects of a class: they say for themselves how long their tensors live', () => {
    class Holder {
      readonly x = zeros([1]);
    }
    const holder = scope(() => new Holder());
    expect(holder.x.disposed).toBe(true);
    expect(() => holder.x.dataSync()).toThrow('Return it from its scope');
  });

  test('not what was made before it', () => {
    const x = tensor([1]);
    expect(scope(() => x)).toBe(x);
    scope(() => x.neg());
    expect(numbersOf(x)).toEqual([1]);
  });

  test('a view of what is freed lives on', () => {
    const view = scope(() => tensor([1, 2]).reshape(2, 1));
    expect(numbersOf(view)).toEqual([1, 2]);
    view.dispose();
    expect(storages()).toBe(0);
  });
});

describe('nested scopes', () => {
  test('what the inner one returns belongs to the outer one', () => {
    const y = scope(() => {
      const inner = scope(() => {
        zeros([5]);
        return [tensor([1]), tensor([2])] as const;
      });
      expect(storages()).toBe(2);
      return inner[0].add(inner[1]);
    });
    expect(storages()).toBe(1);
    expect(numbersOf(y)).toEqual([3]);
  });

  test('what the outer one made is untouched by the inner one', () => {
    scope(() => {
      const x = tensor([1]);
      scope(() => x.neg());
      expect(numbersOf(x)).toEqual([1]);
    });
    expect(storages()).toBe(0);
  });

  test('outsideScopes makes tensors that no scope frees', () => {
    const x = scope(() => scope(() => ({ size: outsideScopes(() => tensor([1, 2])) }).size));
    let held: Tensor | undefined;
    scope(() => {
      held = outsideScopes(() => tensor([3]));
    });
    expect(numbersOf(x)).toEqual([1, 2]);
    expect(numbersOf(held!)).toEqual([3]);
  });

  test('a scope inside outsideScopes frees its own, and nothing around it', () => {
    scope(() => {
      const x = tensor([1]);
      const kept = outsideScopes(() => scope(() => x.neg().neg()));
      expect(storages()).toBe(2);
      kept.dispose();
      expect(x.disposed).toBe(false);
    });
    expect(storages()).toBe(0);
  });
});

describe('exceptions', () => {
  test('free everything that was made, in all scopes that they leave', () => {
    expect(() =>
      scope(() => {
        zeros([1]);
        scope(() => {
          zeros([2]);
          throw new Error('inside');
        });
      }),
    ).toThrow('inside');
    expect(storages()).toBe(0);
  });

  test('leave the scope around them in order', () => {
    scope(() => {
      expect(() => scope(failing('inside'))).toThrow('inside');
      zeros([1]);
    });
    expect(storages()).toBe(0);
    zeros([1]);
    expect(storages()).toBe(1);
  });
});

describe('a promise', () => {
  test('is refused, and what was made is freed', () => {
    expect(() => scope(async () => zeros([1]))).toThrow(BackendError);
    expect(() => scope(async () => zeros([1]))).toThrow(
      'scope takes a synchronous function, but was given one that returns a promise. Await before or after scope',
    );
    expect(() => outsideScopes(async () => 0)).toThrow('outsideScopes takes a synchronous function');
    expect(storages()).toBe(0);
  });

  test('that fails later does not end the program: the error that counts has been thrown', async () => {
    expect(() =>
      scope(async () => {
        const x = zeros([1]);
        await Promise.resolve();
        x.dataSync();
      }),
    ).toThrow('returns a promise');
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
});

describe('using', () => {
  test('disposes at the end of the block', () => {
    {
      using x = tensor([1, 2]);
      using y = x.neg();
      expect(numbersOf(y)).toEqual([-1, -2]);
      expect(storages()).toBe(2);
    }
    expect(storages()).toBe(0);
  });

  test('may be mixed with a scope and an early dispose', () => {
    scope(() => {
      using x = tensor([1]);
      const y = tensor([2]);
      y.dispose();
      x.dispose();
    });
    expect(storages()).toBe(0);
  });
});

test('a loop of scopes keeps the memory flat, and no tensor alive', () => {
  trackLeaks(true);
  const x = tensor([1, 2, 3]);
  for (let i = 0; i < 100; i++) scope(() => void x.mul(i).add(1).sum());
  expect(backend.memory()).toEqual({ bytes: 12, storages: 1 });
  expect(liveTensors()).toHaveLength(1);
  trackLeaks(false);
});
