import { describe, expect, test } from 'vitest';
import { bestFlavour, compileKernels, hasRelaxedSimd } from '../src/index.ts';
import type { Flavour } from '../src/index.ts';
import { TestHost, flavours, noise, sequence } from './support.ts';

describe('module', () => {
  test('the best flavour is one the engine runs', () => {
    expect(flavours).toContain(bestFlavour());
    expect(bestFlavour() === 'relaxed').toBe(hasRelaxedSimd());
  });

  test('imports nothing but a memory', async () => {
    for (const flavour of flavours) {
      const imports = WebAssembly.Module.imports(await compileKernels(flavour));
      expect(imports.map(({ kind }) => kind)).toEqual(['memory']);
    }
  });

  test.each(flavours)('%s: the same kernels over a shared memory give the same bits', async (flavour: Flavour) => {
    const shared = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared: true });
    const hosts = [
      await TestHost.create(flavour),
      new TestHost(await compileKernels(flavour, { shared: true }), shared),
    ];
    const [a, b] = [noise(70 * 90, sequence(8)), noise(90 * 50, sequence(9))];
    const [own, common] = hosts.map((host) => {
      const operands = [
        host.operand('float32', [70, 90], a),
        host.operand('float32', [90, 50], b),
        host.operand('float32', [70, 50]),
      ] as const;
      host.kernels.matmul(...operands, { transposeA: false, transposeB: false });
      return host.read(operands[2]);
    });
    expect(common).toEqual(own);
  });
});
