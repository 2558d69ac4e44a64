#!/usr/bin/env node
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report, Task } from './child.ts';
import { checkSame } from './compare.ts';
import { engines } from './engine.ts';
import { median } from './measure.ts';
import { nodeExecutable } from './node.ts';
import { installPeers } from './peers.ts';
import { markdown, rowOf } from './report.ts';
import type { Results, Row } from './report.ts';
import { workloads } from './workloads.ts';

const usage = `Times Receptive beside other engines, in fresh processes in turn, on one thread.

  --only REGEXP     workloads whose names match (${workloads.map(({ name }) => name).join(', ')})
  --peers LIST      engines to compare with, by commas, or none (default: ${Object.keys(engines).slice(1).join(', ')})
  --node VERSION    run everything on that Node, installed from npm on first use
  --json FILE       also write the results as JSON
  --quick           one short process an engine: rough figures in seconds
  --help            this text
`;

/** Above so many cores that other programs kept busy, a note says so. */
const BUSY = 0.15;

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      node: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const only = new RegExp(values.only ?? '');
  const chosen = workloads.filter(({ name }) => only.test(name));
  if (chosen.length === 0)
    throw new Error(`--only ${values.only} matches none of ${workloads.map(({ name }) => name).join(', ')}.`);
  const [own, ...others] = Object.keys(engines) as [string, ...string[]];
  const peers = values.peers === undefined ? others : values.peers === 'none' ? [] : values.peers.split(',');
  const unknown = peers.find((peer) => !others.includes(peer));
  if (unknown) throw new Error(`--peers: ${unknown} is not one of ${others.join(', ')}, none.`);

  const executable = values.node ? nodeExecutable(values.node) : process.execPath;
  if (peers.length > 0) installPeers();

  // The peers also run the workloads that ours are compared with, and the peak is measured beside whatever has a rate.
  const wanted = new Set(chosen.flatMap(({ name, against }) => [name, ...(against ? [against] : [])]));
  const names = ['peak', ...[...wanted].filter((name) => name !== 'peak')];
  const [rounds, budget] = values.quick ? [1, 150] : [5, 600];
  const notes: string[] = [];
  const described: Record<string, string> = {};
  const medians = new Map<string, Map<string, number[]>>();
  let node = '';

  for (let round = 0; round < rounds; round++) {
    const outputs = new Map<string, Map<string, readonly number[]>>();
    for (const engine of [own, ...peers]) {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2KRound ${round + 1} of ${rounds}: ${engine}`);
      const report = await runChild(executable, { engine, workloads: names, budget, outputs: round === 0 });
      described[engine] = report.describe;
      node = report.node;
      if (report.others > BUSY)
        notes.push(`Round ${round + 1}, ${engine}: other programs kept ${report.others.toFixed(1)} cores busy.`);
      report.workloads.forEach((name, i) => {
        entry(entry(medians, name, new Map<string, number[]>()), engine, []).push(median(report.samples[i]!));
        const output = report.outputs[i];
        if (output) entry(outputs, name, new Map<string, readonly number[]>()).set(engine, output);
      });
    }
    for (const [name, results] of outputs) checkSame(name, results);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K');

  const rows: Row[] = names.flatMap((name) =>
    [...(medians.get(name) ?? [])].map(([engine, times]) => rowOf(name, engine, times)),
  );
  const results: Results = { machine: cpus()[0]?.model ?? 'unknown processor', node, engines: described, rows, notes };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(markdown(results));
}

function entry<K, V>(map: Map<K, V>, key: K, initial: V): V {
  const found = map.get(key) ?? initial;
  map.set(key, found);
  return found;
}

function runChild(executable: string, task: Task): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), { execPath: executable, execArgv: [] });
    let report: Report | undefined;
    child.once('message', (message: Report) => {
      report = message;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (report) resolve(report);
      else reject(new Error(`${task.engine} ended with code ${code} before it had measured anything.`));
    });
    child.send(task);
  });
}

try {
  await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
