export { grad, valueAndGrad } from './grad.ts';
export type { Differentiable, Gradients } from './grad.ts';
export { gradCheck } from './gradcheck.ts';
export type { GradCheckOptions } from './gradcheck.ts';
export { rules } from './rules.ts';
export type { Rule } from './rules.ts';
