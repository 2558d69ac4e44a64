import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { input, training } from '../engines/inputs.ts';
import { build, images } from './receptive.ts';
import type { GpuWorkload } from './workloads.ts';

/** How PyTorch multiplies: in full float32, or in TensorFloat-32, with ten bits of mantissa. */
export type Precision = 'float32' | 'tf32';

const python = 'python3';

/** What PyTorch says of itself; undefined where there is none, or, unless `software` will do, no GPU for it. */
export function findPytorch(software: boolean): string | undefined {
  const code = `import torch; assert torch.cuda.is_available() or ${software ? 'True' : 'False'}; print(torch.__version__)`;
  const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** PyTorch in a process of its own, which runs `script` and answers a line of JSON with another. */
export async function pytorch(
  script: string,
  precision: Precision,
  workloads: readonly GpuWorkload[],
): Promise<Engine> {
  const child = spawn(python, [script, precision], { stdio: ['pipe', 'pipe', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'receptive-pytorch-'));
  const dispose = (): void => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', dispose);
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`PyTorch ended with ${String(code)}.`);
  });
  ended.catch(() => {}); // told to whoever asks
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ask = async (question: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value } = await Promise.race<IteratorResult<string, undefined>>([lines.next(), ended]);
    return value === undefined ? ended : JSON.parse(value);
  };

  const write = async (name: string, tensors: readonly Tensor[]): Promise<string> => {
    const path = join(folder, name);
    const parts: Float32Array[] = [];
    for (const tensor of tensors) parts.push((await tensor.data()) as Float32Array);
    writeFileSync(path, '');
    for (const part of parts) writeFileSync(path, part, { flag: 'a' });
    return path;
  };

  let [asked, runs] = ['', 0];
  const prepare = async (workload: GpuWorkload): Promise<Prepared> => {
    const { name, kind } = workload;
    if (kind === 'matmul') {
      const shape = [workload.n, workload.n];
      const files = [await write('a', [input('a', shape)]), await write('b', [input('b', shape)])];
      await ask({ do: 'prepare', name, kind, shape, files });
    } else {
      const { batch, network } = workload;
      const x = images(batch, network);
      const files = [
        await write('images', [x]),
        await write(
          'weights',
          build(network)
            .parameters()
            .map(({ value }) => value),
        ),
      ];
      const labels = training.labels(batch, network.classes);
      await ask({ do: 'prepare', name, kind, shape: x.shape, files, layers: network.layers, labels, training });
    }
    const comparable =
      precision === 'float32' &&
      !('network' in workload && workload.network.layers.some(([layer]) => layer === 'dropout'));
    return {
      run: () => {
        asked = name;
        runs++;
      },
      ...(comparable && {
        output: async () => {
          const file = join(folder, 'output');
          await ask({ do: 'output', name, file });
          const { buffer, byteOffset, length: bytes } = readFileSync(file);
          return new Float32Array(buffer, byteOffset, bytes / 4);
        },
      }),
    };
  };

  return {
    describe: (await ask({ do: 'describe' })) as string,
    // A sample's runs are asked for at once, and waited for like any device's.
    finish: async () => {
      const times = runs;
      runs = 0;
      await ask({ do: 'run', name: asked, times });
    },
    workloads: Object.fromEntries(workloads.map((workload) => [workload.name, () => prepare(workload)])),
    dispose() {
      process.off('exit', dispose);
      dispose();
    },
  };
}
