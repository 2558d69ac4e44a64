import type { Backend, ConvAlgorithm, ConvGeometry, Kernels, TypedArray } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import type { Module } from '@receptive/layers';
import { AdaptiveAvgPool2d, Flatten, Sequential, initializers, summary } from '@receptive/layers';
import { Rng, tensor, withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { alexnet, lenet5, vgg11, vgg16, zfnet } from '@receptive/zoo';
import { alexnetFeatures } from '../src/alexnet.ts';
import { classifier, features } from '../src/stack.ts';
import type { Row } from '../src/stack.ts';
import { vggFeatures } from '../src/vgg.ts';
import { zfnetFeatures } from '../src/zfnet.ts';

/** A network, and the images that it takes. */
export interface Network {
  readonly name: string;
  readonly make: () => Module;
  readonly images: readonly [count: number, channels: number, height: number, width: number];
  readonly classes: number;
}

/** By how much the networks on large images are narrower here: the reference takes minutes for the whole ones. */
export const NARROWER = 8;

/** A network of the zoo for images of `side` with fewer filters and hidden units; `average` brings its features to 7 x 7 as VGG does. */
function narrow(name: string, rows: () => readonly Row[], images: number, side: number, average = false): Network {
  const thin = (row: Row): Row => (typeof row === 'function' ? row : { ...row, filters: row.filters / NARROWER });
  const make = (): Module => {
    const convolutions = new Sequential(features(3, rows().map(thin)));
    const volume = summary(convolutions, [3, side, side]).output;
    return new Sequential({
      features: convolutions,
      ...(average && { avgpool: new AdaptiveAvgPool2d(7) }),
      flatten: new Flatten(),
      classifier: new Sequential(classifier(average ? volume[0]! * 7 * 7 : sizeOf(volume), 10, 4096 / NARROWER)),
    });
  };
  return { name, make, images: [images, 3, side, side], classes: 10 };
}

/** The zoo, on images so small that all of its layers just have something to do, or with `tiny` next to nothing. */
export function networks(images: number, tiny = false): readonly Network[] {
  const [large, middle, small] = tiny ? [67, 64, 32] : [131, 128, 64];
  return [
    ...(['tanh', 'relu'] as const).flatMap((activation) =>
      (['max', 'average'] as const).map((pooling): Network => ({
        name: `LeNet-5, ${activation}, ${pooling} pooling`,
        make: () => lenet5({ activation, pooling }),
        images: [tiny ? images : 4 * images, 1, 32, 32],
        classes: 10,
      })),
    ),
    narrow('AlexNet, one tower', () => alexnetFeatures(1), images, large),
    narrow('AlexNet, two towers', () => alexnetFeatures(2), images, large),
    narrow('ZFNet', () => zfnetFeatures(false), images, middle),
    narrow('ZFNet, wide', () => zfnetFeatures(true), images, middle),
    narrow('VGG-11', () => vggFeatures('vgg11'), images, small, true),
    narrow('VGG-16', () => vggFeatures('vgg16'), images, small, true),
  ];
}

/** The networks on large images as they are. */
export const whole: readonly Network[] = [
  ...([1, 2] as const).map((towers): Network => ({
    name: `AlexNet, ${towers === 1 ? 'one tower' : 'two towers'}`,
    make: () => alexnet({ towers }),
    images: [1, 3, 227, 227],
    classes: 1000,
  })),
  { name: 'ZFNet', make: () => zfnet(), images: [1, 3, 224, 224], classes: 1000 },
  { name: 'VGG-11', make: () => vgg11(), images: [1, 3, 224, 224], classes: 1000 },
  { name: 'VGG-16', make: () => vgg16(), images: [1, 3, 224, 224], classes: 1000 },
];

/** What a network computes from, as it lies in no backend: images, and weights as He et al. draw them, with biases of 0. */
export interface Given {
  readonly images: Float32Array;
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Float32Array;
  }[];
}

export function givenTo({ make, images }: Network): Given {
  return withBackend(reference(), () => {
    const rng = new Rng(3);
    const draw = (x: Tensor): Float32Array => {
      const data = x.dataSync() as Float32Array;
      x.dispose();
      return data;
    };
    const parameters = [...make().namedParameters()].map(([name, { shape }]) => {
      const weights = shape.length > 1 ? draw(initializers.kaimingNormal()(shape, rng.fork(name))) : undefined;
      return { name, shape, data: weights ?? new Float32Array(sizeOf(shape)) };
    });
    return { images: draw(rng.fork('images').normal(images)), parameters };
  });
}

/** The network on a backend, in a type, and its images. */
export function placed(
  { make, images }: Network,
  given: Given,
  backend: Backend,
  dtype: 'float32' | 'float64',
): { readonly model: Module; readonly x: Tensor } {
  return withBackend(backend, () => {
    const put = (data: Float32Array, shape: readonly number[]): Tensor =>
      tensor(dtype === 'float64' ? Float64Array.from(data) : data, { shape });
    const model = make();
    model.parameters().forEach((parameter, i) => {
      const { data, shape } = given.parameters[i]!;
      const value = put(data, shape);
      parameter.assign(value);
      value.dispose();
    });
    return { model, x: put(given.images, images) };
  });
}

export const algorithms = ['auto', 'direct', 'gemm', 'winograd2', 'winograd4'] as const;

const isForWinograd = ({ kernel, stride }: ConvGeometry): boolean =>
  ['3,3', '5,5'].includes(kernel.join()) && stride.join() === '1,1';

/** The backend, which computes all convolutions by an algorithm, as far as that can. */
export function computingBy(backend: Backend, algorithm: 'auto' | ConvAlgorithm): Backend {
  if (algorithm === 'auto') return backend;
  const told = (argument: unknown): unknown => {
    const isGeometry = typeof argument === 'object' && argument !== null && 'groups' in argument;
    if (!isGeometry) return argument;
    const geometry = argument as ConvGeometry & object;
    return algorithm.startsWith('winograd') && !isForWinograd(geometry) ? geometry : { ...geometry, algorithm };
  };
  const kernels = Object.entries(backend.kernels).map(([name, kernel]) => [
    name,
    name.startsWith('conv')
      ? (...given: unknown[]) => (kernel as (...all: unknown[]) => void)(...given.map(told))
      : kernel,
  ]);
  return { ...backend, kernels: Object.fromEntries(kernels) as Kernels };
}

/** The largest difference, as a share of the largest number that is wanted. */
export function distance(got: TypedArray, want: TypedArray): number {
  let [largest, worst] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    largest = Math.max(largest, Math.abs(want[i]!));
    const error = Math.abs(got[i]! - want[i]!);
    // A NaN would slip through any comparison.
    if (!(error <= worst)) worst = error;
  }
  return worst / largest;
}
