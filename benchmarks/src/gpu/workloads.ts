import type { Workload } from '../workloads.ts';
import { alexnet, vgg16 } from './networks.ts';
import type { Network } from './networks.ts';

/** A workload for a real GPU, with all that an engine has to know of it. */
export type GpuWorkload = Workload &
  (
    | { readonly kind: 'matmul'; readonly n: number }
    | { readonly kind: 'inference' | 'training'; readonly batch: number; readonly network: Network }
  );

const training = 'forward, backward, SGD with momentum';

/** The workloads, or, for a dry run, the same with tiny sizes. */
export function gpuWorkloads(dry: boolean): GpuWorkload[] {
  const n = dry ? 96 : 4096;
  const [images, batch] = dry ? [2, 4] : [32, 128];
  const width = dry ? 1 / 16 : 1;
  const vgg = vgg16({ size: dry ? 32 : 224, width, dropout: 0 });
  const train = (name: string, dropout: number): GpuWorkload => {
    const network = alexnet({ size: dry ? 64 : 224, width, dropout });
    return {
      name,
      what: `AlexNet, a training step of ${batch} images, ${dropout ? 'with' : 'without'} dropout: ${training}`,
      flops: 6 * batch * network.multiplyAdds,
      kind: 'training',
      batch,
      network,
    };
  };
  return [
    { name: `matmul_${n}`, what: `matrix product, ${n} x ${n} x ${n}`, flops: 2 * n ** 3, kind: 'matmul', n },
    {
      name: `vgg16_b${images}`,
      what: `VGG-16, inference of ${images} images`,
      flops: 2 * images * vgg.multiplyAdds,
      kind: 'inference',
      batch: images,
      network: vgg,
    },
    train(`alexnet_b${batch}_train`, 0),
    train(`alexnet_b${batch}_train_dropout`, 0.5),
  ];
}
