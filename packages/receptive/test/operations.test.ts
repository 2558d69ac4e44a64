import { join } from 'node:path';
import { cpu } from '@receptive/backend-cpu';
import { shapes } from '@receptive/backend/shape';
import type { Backend, DType } from '@receptive/backend';
import { coverage, float32Storage, generators, randomCase } from '@receptive/conformance';
import type { Aspect, Cell, Coverage } from '@receptive/conformance';
import { describe, expect, test } from 'vitest';

// What the suite declares for a device depends on its element types alone: none is needed to count it.
const gpu: Backend = { ...shapes(), name: 'gpu', dtypes: new Set<DType>(['float32', 'int32', 'uint8']) };

const columns: readonly { readonly name: string; readonly rows: readonly Coverage[] }[] = [
  { name: 'cpu', rows: coverage(await cpu()) },
  { name: 'gpu', rows: coverage(gpu, float32Storage) },
];
const aspects: readonly Aspect[] = ['forward', 'backward', 'second'];
const names = columns[0]!.rows.map(({ name }) => name);

/** The marks of the reasons, in the order in which they are met. */
const notes = new Map<string, number>();
const note = (reason: string): string => {
  if (!notes.has(reason)) notes.set(reason, notes.size + 1);
  return `<sup>${notes.get(reason)}</sup>`;
};

function mark({ tests, skips, reason }: Cell): string {
  if (tests === 0 && reason !== undefined) return `–${note(reason)}`;
  return `${tests === 0 ? '**missing**' : '✓'}${skips.map(note).join('')}`;
}

/** Whether its random calls are compared with onnxruntime: some of the first ones, for not every option has its like in ONNX. */
function inOnnx(name: string): boolean {
  return name in generators && Array.from({ length: 20 }, (_, i) => randomCase(name, 0, i)).some(({ onnx }) => onnx);
}

function table(): string {
  const lines = names.map((name, i) => {
    const cells = columns.flatMap(({ rows }) => aspects.map((aspect) => mark(rows[i]!.cells[aspect])));
    return `| \`${name}\` | ${cells.join(' | ')} | ${inOnnx(name) ? '✓' : ''} |`;
  });
  return `# Operations

What the conformance suite tests of every op and function on each backend against the float64 reference: its values, its gradients, and the gradients of those.
The column cpu is that of \`@receptive/backend-workers\` as well, where the same kernels run on several threads.
The last column says whether random calls are compared with onnxruntime as well. Made by \`packages/receptive/test/operations.test.ts\` from the suite itself, which
fails if this file is out of date; \`npx -y pnpm@12.21.0 test --project receptive -u\` writes it anew.

| | ${columns.map(({ name }) => aspects.map((aspect) => `${name} ${aspect}`).join(' | ')).join(' | ')} | onnxruntime |
|---|${':-:|'.repeat(columns.length * aspects.length + 1)}
${lines.join('\n')}

${[...notes].map(([reason, number]) => `<sup>${number}</sup> ${reason}  `).join('\n')}
`;
}

describe('docs/operations.md', () => {
  test('is what the conformance suite tests', async () => {
    await expect(table()).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/operations.md'));
  });

  test.each(columns)('has no hole without a reason on $name', ({ rows }) => {
    const holes = rows.flatMap(({ name, cells }) =>
      aspects.flatMap((aspect) => {
        const { tests, skips, reason } = cells[aspect];
        return tests + skips.length > 0 || reason !== undefined ? [] : `${name}, ${aspect}`;
      }),
    );
    expect(holes).toEqual([]);
  });
});
