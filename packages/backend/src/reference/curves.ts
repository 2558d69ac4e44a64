import type { CurveName, Kernels } from '../kernels.ts';
import { erf } from './erf.ts';
import type { Open } from './positions.ts';

/** A function of x and its derivative. */
interface Curve {
  readonly value: (x: number) => number;
  readonly slope: (x: number) => number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const normal = (x: number): number => 0.5 * (1 + erf(x * Math.SQRT1_2));

/** `x * gate(x)`, for a gate that rises from 0 to 1 and is level where x is limited: what is infinite there must not be multiplied by 0. */
function gated(gate: (x: number) => number, rise: (x: number) => number): () => Curve {
  const near = (x: number): number => Math.max(-750, Math.min(x, 750));
  return () => ({
    value: (x) => Math.max(x, -750) * gate(near(x)),
    slope: (x) => gate(near(x)) + near(x) * rise(near(x)),
  });
}

const cubic = (x: number): number => sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
const softTanh = (x: number): number => Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));

const curves: Record<CurveName, (a: number, b: number, c: number) => Curve> = {
  leakyRelu: (a) => ({ value: (x) => (x > 0 ? x : x * a), slope: (x) => (x > 0 ? 1 : a) }),
  elu: (a, b, c) => ({
    value: (x) => (x > 0 ? x * a : b * Math.expm1(x * c)),
    slope: (x) => (x > 0 ? a : b * c * Math.exp(x * c)),
  }),
  gelu: gated(normal, (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)),
  geluTanh: gated(cubic, (x) => cubic(x) * (1 - cubic(x)) * 2 * Math.sqrt(2 / Math.PI) * (1 + 0.134145 * x * x)),
  silu: gated(sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))),
  mish: gated(softTanh, (x) => (1 - softTanh(x)) * (1 + softTanh(x)) * sigmoid(x)),
  softsign: () => ({
    value: (x) => (Math.abs(x) === Infinity ? Math.sign(x) : x / (1 + Math.abs(x))),
    slope: (x) => 1 / (1 + Math.abs(x)) ** 2,
  }),
  hardSigmoid: () => ({
    value: (x) => Math.max(-3, Math.min(x, 3)) / 6 + 0.5,
    slope: (x) => (Math.abs(x) < 3 ? 1 / 6 : 0),
  }),
  hardSwish: () => ({
    value: (x) => Math.max(x, -750) * (Math.max(-3, Math.min(x, 3)) / 6 + 0.5),
    slope: (x) => (Math.abs(x) < 3 ? x / 3 + 0.5 : Number(x > 0)),
  }),
  hardTanh: (a, b) => ({ value: (x) => Math.min(Math.max(x, a), b), slope: (x) => Number(x > a && x < b) }),
  scaledTanh: () => ({
    value: (x) => 1.7159 * Math.tanh((x * 2) / 3),
    slope: (x) => ((1.7159 * 2) / 3) * (1 - Math.tanh((x * 2) / 3) ** 2),
  }),
};

/** The activations that have constants, or a derivative of their own. */
export function curveKernels(open: Open): Required<Pick<Kernels, 'curve' | 'curveGradient'>> {
  return {
    curve(name, x, out, [a = 0, b = 0, c = 0]) {
      const { value } = curves[name](a, b, c);
      open(out).set(Float64Array.from(open(x), value));
    },

    curveGradient(name, gradient, x, out, [a = 0, b = 0, c = 0]) {
      const { slope } = curves[name](a, b, c);
      const upstream = open(gradient);
      open(out).set(Float64Array.from(open(x), (value, i) => upstream[i]! * slope(value)));
    },
  };
}
