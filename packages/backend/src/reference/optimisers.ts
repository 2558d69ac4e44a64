import type { OptionalKernels } from '../kernels.ts';
import type { Open } from './positions.ts';

/** The optimisers' steps. Each element is read before it is written, so that outputs may lie on their inputs. */
export function optimisers(open: Open): Pick<OptionalKernels, 'sgdStep' | 'adamStep'> {
  return {
    sgdStep(inputs, outputs, { lr, momentum, dampening, weightDecay, nesterov }) {
      const [parameter, gradient] = [open(inputs.parameter), open(inputs.gradient)];
      const velocity = inputs.velocity && open(inputs.velocity);
      const newParameter = open(outputs.parameter);
      const newVelocity = outputs.velocity && open(outputs.velocity);
      for (let i = 0; i < parameter.length; i++) {
        const slope = gradient[i]! + weightDecay * parameter[i]!;
        let step = slope;
        if (velocity && newVelocity) {
          const v = momentum * velocity[i]! + (1 - dampening) * slope;
          newVelocity[i] = v;
          step = nesterov ? slope + momentum * v : v;
        }
        newParameter[i] = parameter[i]! - lr * step;
      }
    },

    adamStep(inputs, outputs, { lr, beta1, beta2, eps, weightDecay, decoupled, step }) {
      const [parameter, gradient] = [open(inputs.parameter), open(inputs.gradient)];
      const [mean, variance] = [open(inputs.mean), open(inputs.variance)];
      const newParameter = open(outputs.parameter);
      const [newMean, newVariance] = [open(outputs.mean), open(outputs.variance)];
      for (let i = 0; i < parameter.length; i++) {
        const p = parameter[i]! * (decoupled ? 1 - lr * weightDecay : 1);
        const slope = gradient[i]! + (decoupled ? 0 : weightDecay * p);
        const m = beta1 * mean[i]! + (1 - beta1) * slope;
        const v = beta2 * variance[i]! + (1 - beta2) * slope * slope;
        newMean[i] = m;
        newVariance[i] = v;
        newParameter[i] = p - (lr * (m / (1 - beta1 ** step))) / (Math.sqrt(v / (1 - beta2 ** step)) + eps);
      }
    },
  };
}
