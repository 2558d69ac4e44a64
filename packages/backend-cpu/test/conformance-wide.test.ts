import { setFlagsFromString } from 'node:v8';
import { conformance } from '@receptive/conformance';
import { hasRelaxedSimd } from '@receptive/kernels';
import { revectorize } from '../src/node/revectorize.ts';
import { cpu } from '../src/index.ts';

// The wide kernels give the same bits whether the engine fuses vectors or not; Node 20 has what they need behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

conformance('cpu, wide', async () => cpu({ simd: await revectorize().catch(() => 'wide' as const) }));
