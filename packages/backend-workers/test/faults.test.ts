import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '@receptive/backend';
import type { Means } from '@receptive/kernels';
import { linearBackend } from '@receptive/kernels';
import { afterEach, describe, expect, test } from 'vitest';
import { Pool } from '../src/pool.ts';
import type { Host, Thread } from '../src/thread.ts';
import { host } from '../src/node/host.ts';
import { LONG, MANY, Rig, SHORT, geometry, valueOf, vector } from './support.ts';
import type { RigOptions, Trouble } from './support.ts';

/** How often threads end or get into trouble, of each kind. */
const TIMES = 25;

const stuck =
  /^workers: thread [12] has not finished chunk \d+ of \d+ of the kernel square_float32 within 0\.05 seconds\. It is being replaced: await backend\.flush\(\)/;
const givenUp = /^A thread has been given up and may still write to memory\. Await backend\.flush\(\)/;

let backend: Backend;
let rig: Rig;

async function start(options: RigOptions = {}): Promise<void> {
  ({ rig, backend } = await Rig.start(options));
}

afterEach(async () => {
  backend.dispose();
  rig.end();
  await Promise.all(rig.threads.map(({ exited }) => exited));
});

/** Squares a vector on every thread. Throws if the squares are wrong. */
function square(value = 3, length = MANY): void {
  const [x, y] = [vector(backend, length, value), vector(backend, length, 0)];
  try {
    backend.kernels.unary('square', x, y);
    expect(valueOf(backend, y)).toBe(value ** 2);
  } finally {
    for (const { storage } of [x, y]) backend.free(storage);
  }
}

/** The same, and sees to it that another thread takes part. */
function squareTogether(): void {
  rig.trouble('slow');
  square();
  expect(rig.wasTroubled).toBe(true);
}

const addressOf = (storage: object): number => (storage as { address: number }).address;

describe('a thread that', () => {
  test.each<[Trouble, RegExp]>([
    ['loop', stuck],
    ['exit', stuck],
    ['fail', /^workers: the kernel square_float32 failed in a thread/],
  ])(
    `gets into trouble (%s) in a chunk makes the op throw, and flush heals the pool, ${TIMES} times`,
    async (kind, message) => {
      await start();
      for (let i = 0; i < TIMES; i++) {
        rig.trouble(kind);
        expect(square).toThrow(message);
        expect(rig.wasTroubled).toBe(true);
        await backend.flush();
        expect(new Set(rig.alive.map(({ member }) => member))).toEqual(new Set([1, 2]));
        squareTogether();
        expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
      }
      expect(rig.threads).toHaveLength(kind === 'fail' ? 2 : 2 + TIMES);
    },
  );

  test(`is ended from outside, before an op or in its middle, never makes it hang or its result wrong, ${TIMES} times`, async () => {
    await start();
    let thrown = 0;
    for (let i = 0; i < TIMES; i++) {
      const threads = rig.alive.filter((_, which) => i % 3 !== which);
      const end = (): void => threads.forEach((thread) => thread.terminate());
      rig.rest();
      rig.delay(100 + i * 20);
      rig.patience = SHORT;
      if (i % 5 === 0) end();
      else rig.interrupt(end);
      try {
        square();
      } catch (error) {
        expect((error as Error).message).toMatch(stuck);
        thrown++;
      }
      // Where the caller came too late for a chunk.
      end();
      rig.delay(0);
      rig.patience = LONG;
      await Promise.all(threads.map(({ exited }) => exited));
      await backend.flush();
      expect(new Set(rig.alive.map(({ member }) => member))).toEqual(new Set([1, 2]));
      squareTogether();
    }
    expect(thrown).toBeGreaterThan(0);
  });

  test('takes less time than there is patience for makes nobody throw', async () => {
    await start();
    squareTogether();
    expect(rig.threads).toHaveLength(2);
  });

  test('fails after it has been given up does not let its successor seem to fail', async () => {
    await start({ ends: false });
    rig.trouble('failLate');
    expect(square).toThrow(stuck);
    rig.go();
    await sleep(20);
    rig.end();
    await backend.flush();
    squareTogether();
  });

  test('is starting takes no part before the pool waits for it', async () => {
    await start();
    for (let i = 0; i < 3; i++) {
      const threads = rig.alive;
      for (const thread of threads) thread.terminate();
      await Promise.all(threads.map(({ exited }) => exited));
      rig.delay(1000);
      // Others start meanwhile, but nobody hears of it.
      for (const until = performance.now() + 300; performance.now() < until;) square();
      rig.delay(0);
      await backend.flush();
      squareTogether();
    }
  });

  test('cannot be replaced is done without', async () => {
    await start();
    rig.refuseStart();
    for (let left = 1; left >= 0; left--) {
      rig.trouble('exit');
      expect(square).toThrow(stuck);
      await backend.flush();
      expect(rig.alive).toHaveLength(left);
      rig.patience = LONG;
      square();
    }
  });
});

test('threads that end as soon as they have begun are not started for ever', async () => {
  await start();
  rig.cutShort();
  const { length } = rig.threads;
  for (const thread of rig.alive) thread.terminate();
  for (let i = 0; i < 30 && rig.alive.length > 0; i++) {
    await Promise.all(rig.alive.map(({ exited }) => exited));
    await backend.flush();
  }
  expect(rig.alive).toHaveLength(0);
  expect(rig.threads.length).toBeLessThan(length + 20);
  square();
});

describe('while a thread that has been given up may still write', () => {
  /** Squares a vector, whereby a thread gets stuck; says where the squares were to go. */
  function fail(): number {
    const [x, y] = [vector(backend, MANY, 3), vector(backend, MANY, 0)];
    rig.trouble('late');
    expect(() => backend.kernels.unary('square', x, y)).toThrow(stuck);
    for (const { storage } of [x, y]) backend.free(storage);
    return addressOf(y.storage);
  }

  test('what it writes to is not given out; once it has ended, it is', async () => {
    await start({ ends: false });
    const address = fail();
    // More than was freed.
    const canaries = Array.from({ length: 4 }, () => vector(backend, MANY, 42));
    rig.go();
    for (const canary of canaries) {
      expect(addressOf(canary.storage)).not.toBe(address);
      expect(valueOf(backend, canary)).toBe(42);
      backend.free(canary.storage);
    }
    rig.end();
    await backend.flush();
    const after = Array.from({ length: 4 }, () => vector(backend, MANY, 1));
    expect(after.map(({ storage }) => addressOf(storage))).toContain(address);
    squareTogether();
  });

  test('no op runs, and what it reads is not changed; memory can be read, written and freed', async () => {
    await start({ ends: false });
    const [x, live] = [vector(backend, MANY, 5), vector(backend, MANY, 42)];
    fail();
    // With the words of this op, it would write here.
    for (let i = 0; i < 3; i++) expect(() => backend.kernels.unary('square', x, live)).toThrow(givenUp);
    rig.go();
    expect(valueOf(backend, live)).toBe(42);
    backend.write(live.storage, new Float32Array(MANY).fill(7));
    const read = backend.read(live.storage, 'float32', MANY);
    // Its copy has been made, but what is awaited heals the pool.
    const healed = await Promise.race([read.then(() => true), sleep(50, false)]);
    expect(healed).toBe(false);
    rig.end();
    rig.patience = LONG;
    expect((await read).every((value) => value === 7)).toBe(true);
    backend.kernels.unary('square', x, live);
    expect(valueOf(backend, live)).toBe(25);
  });

  test('and until another one has its place, ops go on with those who are there', async () => {
    await start();
    rig.trouble('exit');
    expect(square).toThrow(stuck);
    const { length } = rig.threads;
    await Promise.any(rig.alive.map(({ exited }) => exited));
    expect(rig.threads).toHaveLength(length);
    rig.patience = LONG;
    square();
    await backend.flush();
    expect(rig.alive).toHaveLength(2);
    squareTogether();
  });

  test('what is made of weights is not kept', async () => {
    await start();
    const shapes = { x: [1, 128, 28, 28], weight: [128, 128, 3, 3] };
    const [x, weight, y, expected] = [128 * 784, 128 * 128 * 9, 128 * 784, 128 * 784].map((length, i) =>
      vector(backend, length, i + 1),
    );
    const convolve = (out = y!): void => {
      const operands = [
        { ...x!, shape: shapes.x },
        { ...weight!, shape: shapes.weight, id: 1 },
        { ...out, shape: shapes.x },
      ] as const;
      backend.kernels.conv!(operands[0], operands[1], undefined, operands[2], geometry);
    };
    const bits = (out = y!): Float32Array => backend.readSync!(out.storage, 'float32', 128 * 784);
    convolve(expected);
    // The second use makes what is kept.
    rig.trouble('exit');
    expect(() => convolve()).toThrow(/has not finished chunk/);
    await backend.flush();
    rig.patience = LONG;
    for (let i = 0; i < 3; i++) {
      backend.kernels.fill(y!, 0);
      convolve();
      expect(bits()).toEqual(bits(expected));
    }
  });

  test('dispose ends it and all others, and flush resolves', async () => {
    await start();
    rig.trouble('loop');
    expect(square).toThrow(stuck);
    const healed = backend.flush();
    backend.dispose();
    await healed;
    await Promise.all(rig.threads.map(({ exited }) => exited));
    expect(rig.alive).toHaveLength(0);
    expect(square).toThrow('this backend has been disposed');
  });

  test('dispose while another one starts in its place ends that, too', async () => {
    await start();
    rig.trouble('exit');
    expect(square).toThrow(stuck);
    await Promise.any(rig.alive.map(({ exited }) => exited));
    const healed = backend.flush();
    backend.dispose();
    await healed;
    expect(rig.threads).toHaveLength(3);
    await Promise.all(rig.threads.map(({ exited }) => exited));
  });
});

describe('the pool', () => {
  test("goes on after an exception in the caller's own chunk", async () => {
    await start();
    const trouble = new Error('trouble of the caller');
    let thrown = 0;
    for (let i = 0; i < TIMES; i++) {
      rig.delay(i * 20);
      rig.interrupt(() => {
        throw trouble;
      });
      try {
        square();
      } catch (error) {
        expect(error).toBe(trouble);
        thrown++;
      }
      rig.interrupt(() => {});
      square(i);
    }
    expect(thrown).toBeGreaterThan(0);
    expect(rig.threads).toHaveLength(2);
  });

  test('does not start if one thread cannot, and leaves none', async () => {
    const threads: Thread[] = [];
    const spawn: Host['spawn'] = async (job, url) => {
      if (job.member === 2) throw new Error('no thread can be started');
      const thread = await host.spawn(job, url);
      threads.push(thread);
      return thread;
    };
    const hire = (means: Means): Promise<Pool> => Pool.start(means, { ...host, spawn }, { threads: 4, patience: LONG });
    await expect(linearBackend('workers', {}, { shared: true, hire })).rejects.toThrow('no thread can be started');
    expect(threads).toHaveLength(2);
    await Promise.all(threads.map(({ exited }) => exited));
  });

  test('misses no turn between looking for work and sleeping', async () => {
    await start({ threads: 4 });
    // Around the time after which threads fall asleep.
    for (let i = 0; i < 500; i++) {
      square(i % 7, 1 << 15);
      for (const until = performance.now() + (i % 40) / 100; performance.now() < until;);
    }
  });
});
