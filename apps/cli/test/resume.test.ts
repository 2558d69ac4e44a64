import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMPLETE, filesOf, folder, start, succeed, summaryOf, writeDigits } from './support.ts';
import type { Ended, Summary } from './support.ts';

let data: string;

// Small batches make epochs that last long enough to be interrupted.
const train = (out: string): string[] => [
  ...['train', 'lenet5', '--data', data, '--epochs', '3', '--batch-size', '1', '--seed', '3', '--out', out],
];

const EPOCH_LINE = /^ +\d+ +\d+\.\d{4} /m;
/** What stands above the epochs' lines. */
const BEGUN = /^ epoch  train loss/m;
/** Runs the command and, some milliseconds after it has printed a match of `pattern`, sends it a signal. */
async function interrupt(
  args: readonly string[],
  signal: NodeJS.Signals,
  { pattern = BEGUN, delay = 0, env = {} } = {},
): Promise<Ended> {
  const { child, ended } = start(args, env);
  let [printed, sent] = ['', false];
  child.stdout!.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    if (sent || !pattern.test(printed)) return;
    sent = true;
    void sleep(delay).then(() => child.kill(signal));
  });
  return ended;
}

const withoutTimes = (summary: Summary): object => ({ ...summary, seconds: 0, imagesPerSecond: 0 });

/** A run has come to the very end that the straight one came to. */
function expectSameEnd(run: string): void {
  expect(filesOf(run)).toEqual(COMPLETE);
  for (const name of COMPLETE.filter((file) => !file.endsWith('.json'))) {
    const same = readFileSync(join(folder, run, name)).equals(readFileSync(join(folder, 'straight', name)));
    expect(same, name).toBe(true);
  }
  expect(withoutTimes(summaryOf(run))).toEqual(withoutTimes(summaryOf('straight')));
}

beforeAll(async () => {
  data = writeDigits();
  await succeed(...train('straight'));
});

// Signals that can be caught, or not, are not known there.
describe.skipIf(process.platform === 'win32')('a training', () => {
  test('that is interrupted says how to go on, and goes on bit for bit', async () => {
    const places: string[] = [];
    let args = train('interrupted');
    for (const delay of [0, 40, 60]) {
      const { code, stdout, stderr } = await interrupt(args, 'SIGINT', { delay });
      expect([code, stderr]).toEqual([130, '']);
      expect(filesOf('interrupted')).toEqual(['model.safetensors', 'run.json']);
      const [, place, how] = /^Stopped (.*)\. Go on with: receptive (.*)$/m.exec(stdout)!;
      expect(how).toBe('train --resume interrupted');
      if (places.length > 0) expect(stdout).toContain(`Going on ${places.at(-1)}.`);
      places.push(place!);
      args = how!.split(' ');
    }
    expect((await succeed(...args)).stdout).toContain(`Going on ${places.at(-1)}.`);
    // Within an epoch, not between two.
    expect(places[0]).toMatch(/^after step \d+$/);
    expectSameEnd('interrupted');
  });

  test('that is terminated before its first epoch is over goes on too', async () => {
    const ended = await interrupt(train('terminated'), 'SIGTERM');
    expect(ended.code).toBe(143);
    expect(ended.stdout).toMatch(/^Stopped after step \d+\./m);
    await succeed('train', '--resume', 'terminated', '--json');
    expectSameEnd('terminated');
  });

  test('that is killed at any moment goes on from its last checkpoint', async () => {
    // Before there is a checkpoint, about when one is written, and after that.
    const moments = [{ delay: 0, pattern: BEGUN }, ...[0, 30, 60].map((delay) => ({ delay, pattern: EPOCH_LINE }))];
    let args = train('killed');
    let kills = 0;
    for (const moment of moments) {
      if ((await interrupt(args, 'SIGKILL', moment)).code === null) kills++;
      else break;
      args = ['train', '--resume', 'killed'];
    }
    expect(kills).toBeGreaterThan(1);
    if (kills === moments.length) await succeed(...args);
    expectSameEnd('killed');
  });

  test('in runs/ is found again: the last one that was not finished', async () => {
    const unnamed = train('').slice(0, -2);
    expect((await interrupt(unnamed, 'SIGINT')).code).toBe(130);
    const [name] = filesOf('runs');
    await succeed(...unnamed.map((arg) => (arg === '3' ? '1' : arg)));
    await succeed('train', '--resume');
    expectSameEnd(join('runs', name!));
  });

  test('says how to go on by the script that started it', async () => {
    const ended = await interrupt(train('script'), 'SIGINT', {
      env: { npm_config_user_agent: 'pnpm/12.21.0 npm/? node/v20.19.0 linux x64', npm_lifecycle_event: 'start' },
    });
    expect(ended.stdout).toContain('Go on with: npx -y pnpm@12.21.0 receptive train --resume script\n');
  });
});

test('a training that was over, but not tested yet, is tested', async () => {
  cpSync(join(folder, 'straight'), join(folder, 'untested'), { recursive: true });
  for (const name of COMPLETE.filter((file) => !['run.json', 'model.safetensors'].includes(file))) {
    rmSync(join(folder, 'untested', name));
  }
  await succeed('train', '--resume', 'untested');
  expectSameEnd('untested');
});
