import { cpu } from '@receptive/backend-cpu';
import { withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { computations, trainings } from './computations.ts';
import type { Computation, Training } from './computations.ts';
import { training } from './inputs.ts';
import { record, say } from './recording.ts';
import type { Dictionary, Recording, Value } from './recording.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
/** An array is used up by what takes it; `ref` is another hold on it. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(axes?: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Pairs = readonly (readonly [number, number])[];
interface Jax {
  init(device: 'wasm'): Promise<unknown>;
  defaultDevice(device: 'wasm'): void;
  blockUntilReady(value: unknown): Promise<void>;
  jit<F>(f: F): F;
  grad<F extends (...args: never[]) => JaxArray>(f: F): (...args: Parameters<F>) => JaxArray[];
  readonly numpy: {
    array(data: Float32Array | Int32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    max(x: JaxArray): JaxArray;
    sum(x: JaxArray, axis?: number): JaxArray;
    mean(x: JaxArray): JaxArray;
    power(x: JaxArray, exponent: number): JaxArray;
    pad(x: JaxArray, pads: Pairs): JaxArray;
    where(condition: JaxArray, x: JaxArray, y: number): JaxArray;
    greater(x: JaxArray, y: number): JaxArray;
    ones(shape: readonly number[]): JaxArray;
    zerosLike(x: JaxArray): JaxArray;
  };
  readonly lax: {
    convGeneralDilated(
      x: JaxArray,
      w: JaxArray,
      stride: readonly number[],
      padding: Pairs,
      options: { readonly featureGroupCount: number },
    ): JaxArray;
    convTranspose(
      x: JaxArray,
      w: JaxArray,
      stride: readonly number[],
      padding: Pairs,
      options: { readonly transposeKernel: true },
    ): JaxArray;
    reduceWindow(
      x: JaxArray,
      f: (window: JaxArray) => JaxArray,
      size: readonly number[],
      stride: readonly number[],
    ): JaxArray;
  };
  readonly nn: {
    relu(x: JaxArray): JaxArray;
    logSoftmax(x: JaxArray): JaxArray;
    oneHot(labels: JaxArray, classes: number): JaxArray;
  };
}

type Compute = (...inputs: readonly JaxArray[]) => JaxArray;

/** Channels of an image, one for each vector's element. */
const perChannel = (vector: JaxArray): JaxArray => vector.reshape([1, -1, 1, 1]);

function dictionaryOf({ numpy: np, lax, nn }: Jax): Dictionary<Compute> {
  return {
    add: () => (a, b) => a.add(b),
    relu: () => (x) => nn.relu(x),
    reshape:
      ({ attributes: { shape } }) =>
      (x) =>
        x.reshape(shape),
    matmul:
      ({ attributes: { transposeA, transposeB } }) =>
      (a, b) =>
        np.matmul(transposeA ? a.transpose() : a, transposeB ? b.transpose() : b),
    conv({ attributes: { geometry } }) {
      const { stride, padding, groups } = geometry;
      return (x, w, bias) => {
        const y = lax.convGeneralDilated(x, w, stride, padding, { featureGroupCount: groups });
        return bias ? y.add(perChannel(bias)) : y;
      };
    },
    convInputGradient:
      ({ attributes: { geometry } }) =>
      (x, w) =>
        lax.convTranspose(x, w, geometry.stride, geometry.padding, { transposeKernel: true }),
    maxPool({ attributes: { window } }) {
      const { kernel, stride, padding } = window;
      const padded = padding.flat().some((width) => width > 0);
      return (x) => {
        let image = x;
        if (padded) {
          // Its padding is zeros; where these are is told by ones that were padded with them.
          const [pads, shape]: [Pairs, readonly number[]] = [[[0, 0], [0, 0], ...padding], image.shape];
          image = np.where(np.greater(np.pad(np.ones(shape), pads), 0), np.pad(image, pads), -Infinity);
        }
        return lax.reduceWindow(image, (part) => np.max(part), kernel, stride);
      };
    },
    avgPool:
      ({ attributes: { window } }) =>
      (x) =>
        lax.reduceWindow(x, (part) => np.mean(part), window.kernel, window.stride),
    batchNorm:
      ({ attributes: { eps } }) =>
      (x, mean, variance, weight, bias) => {
        const scale = np.power(variance.add(eps), -0.5).mul(weight);
        return x.sub(perChannel(mean)).mul(perChannel(scale)).add(perChannel(bias));
      },
    localResponseNorm({ attributes: { size, alpha, beta, k } }) {
      const before = (size - 1) >> 1;
      const channels: Pairs = [
        [0, 0],
        [before, size - 1 - before],
        [0, 0],
        [0, 0],
      ];
      return (x) => {
        const squares = np.pad(x.ref.mul(x.ref), channels);
        const sums = lax.reduceWindow(squares, (part) => np.sum(part), [size, 1, 1], [1, 1, 1]);
        return x.mul(np.power(sums.mul(alpha).add(k), -beta));
      };
    },
  };
}

/** Where a call costs more than its work: compiled, LeNet-5 is up to four times as fast, and a single large convolution ten times as slow. */
const compiled = /^lenet5/;

/** jax-js in WebAssembly, as fast as it gets: functions are compiled by `jit` where that makes them faster. */
export async function start(): Promise<Engine> {
  const jax = requirePeer('@jax-js/jax') as Jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { numpy: np, nn } = jax;
  const dictionary = dictionaryOf(jax);
  const numbers = await cpu();

  const give = (data: ArrayLike<number>, shape: readonly number[]): JaxArray =>
    np.array(data as Float32Array).reshape(shape);
  const giveTensor = (x: Tensor): JaxArray => give(x.dataSync(), x.shape);

  /** A function of weights, in the order of the recording's constants, and inputs; it uses up both. */
  const translate = ({ inputs, constants, steps, output }: Recording) => {
    const ready = steps.map((step) => ({ step, compute: say(dictionary, step, 'jax-js') }));
    const uses = new Map<number, number>();
    for (const { inputs: taken } of steps) for (const { id } of taken) uses.set(id, (uses.get(id) ?? 0) + 1);
    return (weights: readonly JaxArray[], given: readonly JaxArray[]): JaxArray => {
      const left = new Map(uses);
      const values = new Map([...constants.keys()].map((id, i) => [id, weights[i]!]));
      inputs.forEach(({ id }, i) => values.set(id, given[i]!));
      const take = ({ id }: Value): JaxArray => {
        left.set(id, left.get(id)! - 1);
        return left.get(id) ? values.get(id)!.ref : values.get(id)!;
      };
      for (const { step, compute } of ready) values.set(step.output.id, compute(...step.inputs.map(take)));
      return values.get(output.id)!;
    };
  };
  const weightsOf = ({ constants }: Recording): JaxArray[] =>
    Array.from(constants.values(), ({ data, shape }) => give(data, shape));
  const refs = (arrays: readonly JaxArray[]): JaxArray[] => arrays.map(({ ref }) => ref);

  const prepare = (name: string, computation: Computation): Prepared => {
    const recording = record(computation);
    const [weights, inputs] = [weightsOf(recording), computation.inputs.map(giveTensor)];
    const forward = translate(recording);
    const f = compiled.test(name) ? jax.jit(forward) : forward;
    const compute = (): JaxArray => f(refs(weights), refs(inputs));
    return {
      async run() {
        const y = compute();
        await jax.blockUntilReady(y);
        y.dispose();
      },
      output: () => compute().data(),
    };
  };

  const train = ({ net, images, classes }: Training): Prepared => {
    const recording = record({ inputs: [images], f: (x) => net.forward(x) });
    const ids = [...recording.constants.keys()];
    const labels = Int32Array.from(training.labels(images.shape[0]!, classes));
    const forward = translate(recording);
    const trainer = (lr: number) => {
      const x = giveTensor(images);
      const target = nn.oneHot(np.array(labels), classes);
      const loss = (weights: readonly JaxArray[], batch: JaxArray, wanted: JaxArray): JaxArray =>
        np.mean(np.sum(nn.logSoftmax(forward(weights, [batch])).mul(wanted), -1)).mul(-1);
      const gradients = jax.grad(loss);
      const step = jax.jit((weights: JaxArray[], velocities: JaxArray[], batch: JaxArray, wanted: JaxArray) => {
        const changes = gradients(refs(weights), batch, wanted);
        const moved = velocities.map((v, i) => v.mul(training.momentum).add(changes[i]!));
        return [weights.map((w, i) => w.sub(moved[i]!.ref.mul(lr))), moved] as const;
      });
      let weights: readonly JaxArray[] = weightsOf(recording);
      let velocities: readonly JaxArray[] = weights.map(({ ref }) => np.zerosLike(ref));
      return {
        step: async (): Promise<void> => {
          [weights, velocities] = step([...weights], [...velocities], x.ref, target.ref);
          await jax.blockUntilReady([weights, velocities]);
        },
        weights: () => weights,
      };
    };
    return {
      run: trainer(training.lr).step,
      async output() {
        const other = trainer(training.visible.lr);
        for (let i = 0; i < training.visible.steps; i++) await other.step();
        const all = await Promise.all(other.weights().map((w) => w.data()));
        const ours = net.parameters().map(({ value }) => all[ids.indexOf(value.id)]!);
        return Float32Array.from(ours.flatMap((data) => [...data]));
      },
    };
  };

  const lacks = { deformable3x3_64_56: 'it has no such convolution' };
  const workloads: Record<string, () => Prepared> = {
    ...Object.fromEntries(Object.entries(computations).map(([name, make]) => [name, () => prepare(name, make())])),
    ...Object.fromEntries(Object.entries(trainings).map(([name, make]) => [name, () => train(make())])),
  };
  return {
    describe: `jax-js ${peerVersion('@jax-js/jax')}, WebAssembly`,
    workloads: Object.fromEntries(
      Object.entries(workloads).flatMap(([name, make]) =>
        name in lacks ? [] : [[name, () => withBackend(numbers, make)]],
      ),
    ),
    lacks,
  };
}
