export { Canvas, textHeight } from './canvas.ts';
export type { Colour } from './canvas.ts';
export { curve } from './curve.ts';
export type { CurveOptions, CurvePoint } from './curve.ts';
export { VisualError } from './errors.ts';
export { filters } from './filters.ts';
export type { FiltersOptions } from './filters.ts';
export { mistakes } from './mistakes.ts';
export type { Judged, MistakesOptions } from './mistakes.ts';
