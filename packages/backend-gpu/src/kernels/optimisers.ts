import type { Operand, OptionalKernels } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';

// A script has one output: the state goes first, from the parameter as it was, and the parameter from the new state. By then an output may have taken the
// place of the input of its name, which is why the new state is read from the outputs.

/** The gradient, with that of the penalty on the parameter if there is one; `decay` is 0 otherwise, and the parameter need not be read. */
const slopes = {
  plain: { reads: ['gradient'], slope: 'gradient[this.thread.x]' },
  decayed: {
    reads: ['gradient', 'parameter'],
    slope: 'gradient[this.thread.x] + decay * parameter[this.thread.x]',
  },
} as const;

type Slope = keyof typeof slopes;

/** Which slope a step with that decay takes, and the operands that it reads. */
function slopeOf(gradient: Operand, parameter: Operand, decay: number): readonly [kind: Slope, reads: Operand[]] {
  return decay === 0 ? ['plain', [gradient]] : ['decayed', [gradient, parameter]];
}

/** `keep * state + add * slope`, or of the slope's square. */
const averageScript = memo((key: string) => {
  const [power, kind] = key.split(' ') as ['slope' | 'square', Slope];
  const { reads, slope } = slopes[kind];
  return script(
    `average of ${key}`,
    { reads: ['state', ...reads], floats: ['keep', 'add', 'decay'] },
    `const slope = ${slope};
    return keep * state[this.thread.x] + add * slope${power === 'square' ? ' * slope' : ''};`,
  );
});

/** `parameter - lr * slope`, or the same of what stands for it. */
const descendScript = memo((kind: Slope) =>
  script(
    `sgd ${kind}`,
    { reads: ['gradient', 'parameter'], floats: ['lr', 'decay'] },
    `return parameter[this.thread.x] - lr * (${slopes[kind].slope});`,
  ),
);

const nesterovScript = memo((kind: Slope) =>
  script(
    `nesterov ${kind}`,
    { reads: ['gradient', 'parameter', 'velocity'], floats: ['lr', 'decay', 'momentum'] },
    `return parameter[this.thread.x] - lr * (${slopes[kind].slope} + momentum * velocity[this.thread.x]);`,
  ),
);

const adam = script(
  'adam',
  // Corrections of the moments for their start at zero.
  { reads: ['parameter', 'mean', 'variance'], floats: ['lr', 'eps', 'shrink', 'meanWeight', 'varianceWeight'] },
  `return parameter[this.thread.x] * shrink -
    lr * (mean[this.thread.x] / meanWeight) / (Math.sqrt(variance[this.thread.x] / varianceWeight) + eps);`,
);

/** Steps of the optimisers. */
export function optimisers(runner: Runner): Pick<OptionalKernels, 'sgdStep' | 'adamStep'> {
  return {
    sgdStep({ parameter, gradient, velocity }, outputs, { lr, momentum, dampening, weightDecay, nesterov }) {
      const [kind, slope] = slopeOf(gradient, parameter, weightDecay);
      if (!velocity || !outputs.velocity) {
        runner.run(descendScript(kind), outputs.parameter, [gradient, parameter], [lr, weightDecay]);
        return;
      }
      runner.run(
        averageScript(`slope ${kind}`),
        outputs.velocity,
        [velocity, ...slope],
        [momentum, 1 - dampening, weightDecay],
      );
      if (nesterov) {
        runner.run(
          nesterovScript(kind),
          outputs.parameter,
          [gradient, parameter, outputs.velocity],
          [lr, weightDecay, momentum],
        );
      } else {
        runner.run(descendScript('plain'), outputs.parameter, [outputs.velocity, parameter], [lr, 0]);
      }
    },

    adamStep(
      { parameter, gradient, mean, variance },
      outputs,
      { lr, beta1, beta2, eps, weightDecay, decoupled, step },
    ) {
      const decay = decoupled ? 0 : weightDecay;
      const [kind, slope] = slopeOf(gradient, parameter, decay);
      runner.run(averageScript(`slope ${kind}`), outputs.mean, [mean, ...slope], [beta1, 1 - beta1, decay]);
      runner.run(averageScript(`square ${kind}`), outputs.variance, [variance, ...slope], [beta2, 1 - beta2, decay]);
      runner.run(
        adam,
        outputs.parameter,
        [parameter, outputs.mean, outputs.variance],
        [lr, eps, decoupled ? 1 - lr * weightDecay : 1, 1 - beta1 ** step, 1 - beta2 ** step],
      );
    },
  };
}
