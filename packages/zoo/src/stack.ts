import type { Module } from '@receptive/layers';
import { Conv2d, Dropout, Linear, ReLU } from '@receptive/layers';

/** A convolution of a table: filters, kernel size, and how it differs from stride 1, no padding, one group. */
interface ConvRow {
  readonly filters: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
}

/** What a table of features is made of: convolutions, each with a ReLU after it, and layers as they are, made anew for each model. */
export type Row = ConvRow | (() => Module);

/** The layers of a table, from images of `channels` channels on. */
export function features(channels: number, table: readonly Row[]): Module[] {
  let inputs = channels;
  return table.flatMap((row) => {
    if (typeof row === 'function') return [row()];
    const { filters, kernel, ...options } = row;
    const conv = new Conv2d(inputs, filters, kernel, options);
    inputs = filters;
    return [conv, new ReLU()];
  });
}

/** Three dense layers as AlexNet has them: two hidden ones of `hidden` units with ReLU and dropout, and the logits. */
export function classifier(inputs: number, classes: number, hidden = 4096): Module[] {
  return [
    new Linear(inputs, hidden),
    new ReLU(),
    new Dropout(),
    new Linear(hidden, hidden),
    new ReLU(),
    new Dropout(),
    new Linear(hidden, classes),
  ];
}
